"""What tables and figures of the chapter look up: metrics by model and sample, colours, published values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.provenance import read_json
from hitforge.reporting.chapter import Measured, ReportInputs
from hitforge.reporting.style import COLOURS
from hitforge.studies.csc_muon.published import PublishedResult

HELDOUT, TRAINED_ON = "heldout", "trained_on"

MAX_OVERLAID = 10
"""More models than this in one panel cannot be told apart; the tables have them all."""


def evaluation_samples(inputs: ReportInputs) -> list[str]:
    """Return the samples that no model was trained on, the held-out muons first."""
    found = dict.fromkeys(name for metrics in inputs.metrics_of.values() for name in metrics["samples"])
    return sorted((name for name in found if name != TRAINED_ON), key=lambda name: name != HELDOUT)


def all_samples(inputs: ReportInputs) -> list[str]:
    """Return the evaluated samples and, where it was evaluated, what the models were trained on."""
    was_evaluated = any(TRAINED_ON in metrics["samples"] for metrics in inputs.metrics_of.values())
    return evaluation_samples(inputs) + [TRAINED_ON] * was_evaluated


def shown_sample(inputs: ReportInputs) -> str:
    """Return the sample of figures and headline: the first test sample, else the held-out muons."""
    samples = evaluation_samples(inputs)
    return next((name for name in samples if name != HELDOUT), samples[0])


def sample_title(name: str) -> str:
    """Return what the report calls an evaluation sample."""
    return {HELDOUT: "held-out", TRAINED_ON: "trained on"}.get(name, name)


def metrics_of(inputs: ReportInputs, sample: str | None = None) -> dict[str, Any]:
    """Return the metrics on one sample (the shown one) of every model that was evaluated on it."""
    name = shown_sample(inputs) if sample is None else sample
    return {model: m["samples"][name] for model, m in inputs.metrics_of.items() if name in m["samples"]}


def comparison_of(inputs: ReportInputs, sample: str | None = None) -> Mapping[str, Any] | None:
    """Return the comparison between models on one sample (the shown one)."""
    found: Mapping[str, Any] | None = read_json(inputs.comparison)["samples"].get(sample or shown_sample(inputs))
    return found


def axes_of(inputs: ReportInputs) -> Mapping[str, Any]:
    """Return what the indices of the metrics' arrays mean."""
    axes: Mapping[str, Any] = inputs.metrics_of[inputs.reference]["axes"]
    return axes


def ablation_base(model: str, models: list[str] | tuple[str, ...]) -> str | None:
    """Return the model that this one takes something away from: ``hgb-no-bend`` belongs to ``hgb``."""
    bases = [name for name in models if model.startswith((f"{name}-", f"{name}_"))]
    return max(bases, key=len) if bases else None


def main_models(inputs: ReportInputs) -> list[str]:
    """Return the models without ablations, at most as many as a panel can show, always with the reference."""
    models = [model for model in inputs.metrics if ablation_base(model, list(inputs.metrics)) is None]
    if len(models) <= MAX_OVERLAID:
        return models
    first = [model for model in models if model != inputs.reference][: MAX_OVERLAID - 1]
    return [model for model in models if model in {*first, inputs.reference}]


def colour_of(inputs: ReportInputs, model: str) -> str:
    """Return a main model's colour, the same in every figure; the first is that of the reference."""
    others = [name for name in main_models(inputs) if name != inputs.reference]
    return COLOURS[0 if model == inputs.reference else (1 + others.index(model)) % len(COLOURS)]


def values(number: Mapping[str, Any], key: str = "value") -> NDArray[np.float64]:
    """Return an array of a metrics file, NaN for null; ``key`` may be ``error``."""
    return np.array(number[key], dtype=np.float64)


def cell(number: Mapping[str, Any] | None, *index: int, scale: float = 1.0, absent: str = "not evaluated") -> Measured:
    """Return one number of an array of a metrics file as a cell, times ``scale``."""
    if number is None:
        return Measured(value=None, reason=absent)
    value, error = number["value"], number["error"]
    for i in index:
        value = value[i]
        error = None if error is None else error[i]
    single = {"value": value, "error": error, "reason": number["reason"] if value is None else None}
    return Measured.of(single, scale)


def published_cell(result: PublishedResult | None, percent: bool = False) -> Measured | None:
    """Return a published value with the decimals that were printed; a fraction in percent where asked for."""
    if result is None:
        return None
    if percent:
        return Measured(value=100.0 * result.value, decimals=result.decimals - 2)
    return Measured(value=result.value, decimals=result.decimals)
