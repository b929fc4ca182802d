"""Which models figures draw, and the look by which each is known in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.style import COLOURS, GREYS, MARKERS

MOST = 4
"""More models in one panel cannot be told apart; the tables have them all."""
_SHADES = tuple(colour for colour in COLOURS if colour not in GREYS)
_LINES = ("-", "--", "-.", ":")


class Look(NamedTuple):
    """Place among the models, and the colour, marker and line style that go with it."""

    place: int
    colour: str
    marker: str
    line: str


def shown_models(inputs: ReportInputs, among: Sequence[str] | None = None) -> list[str]:
    """Return the models that a panel shows, the reference model first.

    They are those that the setting ``report.show`` names; where it names none, the baseline and the next of ``among``
    (all reported models), four together.
    """
    wanted = [model for model in inputs.settings.get("report", {}).get("show", ()) if model in inputs.metrics]
    if wanted:
        return list(dict.fromkeys([inputs.reference, *wanted]))
    candidates = list(inputs.metrics) if among is None else among
    first = dict.fromkeys([inputs.reference, str(inputs.settings.get("baseline_model")), *candidates])
    return [model for model in first if model in candidates][:MOST]


def look_of(inputs: ReportInputs, model: str) -> Look:
    """Return the look of a reported model: the same in every figure, whatever else is drawn there.

    The reference model and the baseline have the first two colours in every study; then come those that panels show,
    and the others in the order of the report. Two models of one colour differ in marker and line.
    """
    order = [inputs.reference, str(inputs.settings.get("baseline_model")), *shown_models(inputs), *inputs.metrics]
    place = list(dict.fromkeys(order)).index(model)
    lap, shade = divmod(place, len(_SHADES))
    return Look(place, _SHADES[shade], MARKERS[place % len(MARKERS)], _LINES[lap % len(_LINES)])


def colour_of(inputs: ReportInputs, model: str) -> str:
    """Return the colour of a reported model."""
    return look_of(inputs, model).colour
