"""The aims of a study, each against what this run measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hitforge.published import Aim, load_published, model_named
from hitforge.reporting.chapter import Column, Measured, ReportInputs, Table, column, make_table, text_column
from hitforge.reporting.metrics import SIGMAS, difference, not_run, verdict
from hitforge.reporting.numbers import unit_of_difference

NumbersOf = Callable[[ReportInputs, str], Mapping[str, Measured]]


@dataclass(frozen=True)
class AimRow:
    """An aim with its models by name, and what was measured on events restricted to ``where``.

    ``distance`` is the number, or its size, minus the limit.
    """

    aim: Aim
    text: str
    model: str
    against: str
    where: Mapping[str, Any]
    distance: Measured

    @property
    def limit(self) -> str:
        """The limit as it is printed."""
        return f"that of {self.against}" if self.against else f"{'≤' if self.aim.sign < 0 else '≥'} {self.aim.limit:g}"


def measured_aims(inputs: ReportInputs, numbers_of: NumbersOf) -> list[AimRow]:
    """Return all aims of a study.

    ``numbers_of`` returns the numbers of a reported model by quantity, empty if it was not evaluated; differences to
    other models are those of the comparison.
    """
    return [aim_row(inputs, aim, numbers_of) for aim in load_published(inputs.study).aims]


def aim_row(inputs: ReportInputs, aim: Aim, numbers_of: NumbersOf, where: Mapping[str, Any] | None = None) -> AimRow:
    """Return one aim, for the events that it is restricted to, or to that and ``where``."""
    model = model_named(aim.model, inputs.settings)
    against = model_named(aim.against, inputs.settings) if aim.against else ""
    where = {**aim.where, **(where or {})}
    if against:
        absent, scale = f"{model} and {against} were not both run", 100.0 if aim.percent else 1.0
        number = difference(inputs, model, against, aim.quantity, where, scale, absent=absent)
    else:
        number = numbers_of(inputs, model).get(aim.quantity, not_run(model))
    if number.value is not None:
        value = abs(number.value) if aim.absolute else number.value
        number = number.model_copy(update={"value": value - aim.limit})
    words = {"model": model, "against": against, "limit": aim.limit, "size": abs(aim.limit)}
    return AimRow(aim, aim.text.format(**words, settings=inputs.settings), model, against, where, number)


AIM = text_column("aim", "Aim", lambda row: row.text, wide=True)
LIMIT = text_column("limit", "Limit", lambda row: row.limit)
AIMED_MODEL = text_column("model", "Model", lambda row: row.model)


def aim_table(rows: Iterable[Any], caption: str, columns: Iterable[Column], unit: str = "") -> Table:
    """Return the table of aims, of :class:`AimRow` or what has their properties, with a verdict on each.

    The caption says what was measured on which events, and when the aims were set; it may hold ``{sigmas}``, the errors
    within which an aim is open. The columns are those before the distance, in ``unit``, and the verdict.
    """
    return make_table(
        "aims",
        "Aims",
        caption.format(sigmas=f"{SIGMAS:g}"),
        (
            *columns,
            column("distance", "Measured minus limit", lambda row: row.distance, unit_of_difference(unit)),
            text_column("verdict", "Verdict", lambda row: verdict(row.distance, row.aim.sign)),
        ),
        rows,
    )
