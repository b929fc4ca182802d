"""What tables and figures of the chapter look up: metrics by model and sample, colours, published values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hitforge.provenance import read_json
from hitforge.reporting.chapter import Measured, ReportInputs
from hitforge.reporting.evaluated import colour_among, overlaid, shown_sample
from hitforge.studies.csc_muon.published import PublishedResult

MAX_OVERLAID = 10
"""More models than this in one panel cannot be told apart; the tables have them all."""


def comparison_of(inputs: ReportInputs, sample: str | None = None) -> Mapping[str, Any] | None:
    """Return the comparison between models on one sample (the shown one)."""
    found: Mapping[str, Any] | None = read_json(inputs.comparison)["samples"].get(sample or shown_sample(inputs))
    return found


def ablation_base(model: str, models: list[str] | tuple[str, ...]) -> str | None:
    """Return the model that this one takes something away from: ``hgb-no-bend`` belongs to ``hgb``."""
    bases = [name for name in models if model.startswith((f"{name}-", f"{name}_"))]
    return max(bases, key=len) if bases else None


def main_models(inputs: ReportInputs) -> list[str]:
    """Return the models without ablations, at most as many as a panel can show, always with the reference."""
    models = [model for model in inputs.metrics if ablation_base(model, list(inputs.metrics)) is None]
    return overlaid(models, inputs.reference, MAX_OVERLAID)


def colour_of(inputs: ReportInputs, model: str) -> str:
    """Return a main model's colour, the same in every figure; the first is that of the reference."""
    return colour_among(main_models(inputs), inputs.reference, model)


def published_cell(result: PublishedResult | None, percent: bool = False) -> Measured | None:
    """Return a published value with the decimals that were printed; a fraction in percent where asked for."""
    if result is None:
        return None
    if percent:
        return Measured(value=100.0 * result.value, decimals=result.decimals - 2)
    return Measured(value=result.value, decimals=result.decimals)
