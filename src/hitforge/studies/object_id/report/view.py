"""What tables and figures of the chapter look up: metrics by model and sample, colours, cells."""

from __future__ import annotations

from typing import Any

from hitforge.provenance import read_json
from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.evaluated import colour_among, overlaid, shown_sample

SWEEP_PREFIX = "sweep-"
MAX_OVERLAID = 8
"""More models than this in one panel cannot be told apart; the tables have them all."""


def differences_of(inputs: ReportInputs) -> list[dict[str, Any]]:
    """Return the paired differences between models on the shown sample."""
    found: list[dict[str, Any]] = read_json(inputs.comparison)["samples"][shown_sample(inputs)]["differences"]
    return found


def main_models(inputs: ReportInputs) -> list[str]:
    """Return the models outside the sweep, at most as many as a panel can show, always with the reference."""
    models = [m for m in inputs.metrics if not m.startswith(SWEEP_PREFIX) or m == inputs.reference]
    return overlaid(models, inputs.reference, MAX_OVERLAID)


def colour_of(inputs: ReportInputs, model: str) -> str:
    """Return a main model's colour, the same in every figure; the first is that of the reference."""
    return colour_among(main_models(inputs), inputs.reference, model)
