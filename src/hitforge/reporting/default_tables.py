"""What the default chapter says: every single number of the metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hitforge.reporting.chapter import MODEL, HeadlineNumber, Measured, ReportInputs, Table, columns_by, make_table
from hitforge.reporting.chapter_parts import models_and_events, parts_left_out, reference_sentence
from hitforge.reporting.metrics import metrics_of, not_run, sample_title, shown_sample


def summary(inputs: ReportInputs) -> Iterator[str]:
    """Say what was run, and what is known of the reference model."""
    yield models_and_events(inputs, "events")
    yield from reference_sentence(inputs, headline_numbers(inputs), "events")


def notes(inputs: ReportInputs) -> Iterator[str]:
    """Say which parts are left out."""
    yield from parts_left_out(inputs)


def headline_numbers(inputs: ReportInputs) -> Iterator[HeadlineNumber]:
    """Yield every single number of each model on the shown sample."""
    for model, metrics in metrics_of(inputs).items():
        for name, number in single_numbers(metrics).items():
            yield HeadlineNumber(model=model, quantity=name, unit="", number=number)


def headline(inputs: ReportInputs) -> Table:
    """One row for each model, one column for each single number."""
    numbers = {model: single_numbers(metrics) for model, metrics in metrics_of(inputs).items()}
    names = dict.fromkeys(name for own in numbers.values() for name in own)
    absent = Measured(value=None, reason="the model's metrics have no such number")
    columns = {name.replace(" ", "_"): (name, "") for name in names}
    return make_table(
        "headline",
        f"Results on the {sample_title(shown_sample(inputs))} events",
        "Every single number of the metrics, with its bootstrap error.",
        (
            MODEL,
            *columns_by(
                columns, lambda m, key: numbers[m].get(columns[key][0], absent) if m in numbers else not_run(m)
            ),
        ),
        inputs.metrics,
        highlight=lambda model: model == inputs.reference,
    )


def single_numbers(metrics: Mapping[str, Any], place: str = "") -> dict[str, Measured]:
    """Return each ``{value, error, reason}`` that is no array, by its place in the metrics: ``classes accuracy``."""
    found: dict[str, Measured] = {}
    for key, entry in metrics.items():
        name = f"{place} {key}".strip().replace("_", " ")
        if isinstance(entry, Mapping) and set(entry) == {"value", "error", "reason"}:
            if not isinstance(entry["value"], list):
                found[name] = Measured.of(entry)
        elif isinstance(entry, Mapping):
            found |= single_numbers(entry, name)
    return found
