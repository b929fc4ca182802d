"""Stage resolution: what a packaged model reaches at given energies, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hitforge.evaluation.binned import Bin, BinnedNumbers
from hitforge.reporting.chapter import Cell, Column, Measured, Table, column, make_table, text_column
from hitforge.studies.base import Study
from hitforge.words import TRAINED_ON

Row = tuple[str, Bin]


def resolution_table(
    study: Study, model: str, metrics: Mapping[str, Any], energies: Sequence[float] | None = None
) -> Table:
    """Return resolution and bias on each sample that the model was not trained on.

    Parameters
    ----------
    metrics : mapping
        What stage ``evaluate`` wrote.
    energies : sequence of float, optional
        The bins that hold them; all if not given. In units of the study's bins, whose axis may be pT.

    Raises
    ------
    ValueError
        No bin holds an energy, or the study quotes nothing in bins.
    """
    # what was learnt by heart says nothing of other events
    samples = {name: study.resolution(metrics, name) for name in metrics["samples"] if name != TRAINED_ON}
    found = next(iter(samples.values()))
    rows: list[Row] = [(sample, each) for sample, numbers in samples.items() for each in numbers.bins]
    if energies is not None:
        _check(energies, found, [each for _, each in rows])
        rows = [(sample, each) for sample, each in rows if any(map(each.holds, energies))]
    columns = [text_column("sample", "Sample", lambda row: row[0])]
    if any(each.where for _, each in rows):
        columns.append(text_column("where", "Of", lambda row: row[1].where))
    columns += [
        column("low", f"{found.axis} from", lambda row: row[1].low, found.units),
        column("high", f"{found.axis} to", lambda row: row[1].high, found.units),
        *(_percent(name) for name in found.quantities),
    ]
    meanings = "; ".join(f"{_words(name)}: {meaning}" for name, meaning in found.quantities.items())
    return make_table(
        "resolution",
        f"{model} in bins of {found.axis}",
        f"{meanings}. Errors: bootstrap over events.",
        columns,
        rows,
    )


def _check(energies: Sequence[float], about: BinnedNumbers, bins: Sequence[Bin]) -> None:
    outside = [value for value in energies if not any(each.holds(value) for each in bins)]
    if outside:
        low, high = min(each.low for each in bins), max(each.high for each in bins)
        raise ValueError(
            f"no bin holds {about.axis} = {outside[0]:g} {about.units}; fix: ask between {low:g} and {high:g}"
        )


def _percent(name: str) -> Column:
    def value(row: Row) -> Cell:
        return Measured.of(row[1].numbers[name], 100.0)

    return column(name, _words(name), value, "%")


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
