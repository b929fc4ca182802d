"""What tables and figures of the chapter look up: metrics by model and sample, colours, cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.provenance import read_json
from hitforge.reporting.chapter import Measured, ReportInputs
from hitforge.reporting.style import COLOURS
from hitforge.studies.object_id.evaluation.metrics import entry

HELDOUT = "heldout"
SWEEP_PREFIX = "sweep-"
MAX_OVERLAID = 8
"""More models than this in one panel cannot be told apart; the tables have them all."""


def evaluation_samples(inputs: ReportInputs) -> list[str]:
    """Return the evaluated samples, the held-out objects first."""
    found = dict.fromkeys(name for metrics in inputs.metrics_of.values() for name in metrics["samples"])
    return sorted(found, key=lambda name: name != HELDOUT)


def shown_sample(inputs: ReportInputs) -> str:
    """Return the sample of figures and headline: the first test sample, else the held-out objects."""
    samples = evaluation_samples(inputs)
    return next((name for name in samples if name != HELDOUT), samples[0])


def sample_title(name: str) -> str:
    """Return what the report calls an evaluation sample."""
    return "held-out" if name == HELDOUT else name


def metrics_of(inputs: ReportInputs, sample: str | None = None) -> dict[str, Any]:
    """Return the metrics on one sample (the shown one) of every model that was evaluated on it."""
    name = shown_sample(inputs) if sample is None else sample
    return {model: m["samples"][name] for model, m in inputs.metrics_of.items() if name in m["samples"]}


def differences_of(inputs: ReportInputs) -> list[dict[str, Any]]:
    """Return the paired differences between models on the shown sample."""
    found: list[dict[str, Any]] = read_json(inputs.comparison)["samples"][shown_sample(inputs)]["differences"]
    return found


def axes_of(inputs: ReportInputs) -> Mapping[str, Any]:
    """Return what the indices of the metrics' arrays mean."""
    axes: Mapping[str, Any] = inputs.metrics_of[inputs.reference]["axes"]
    return axes


def main_models(inputs: ReportInputs) -> list[str]:
    """Return the models outside the sweep, at most as many as a panel can show, always with the reference."""
    models = [m for m in inputs.metrics if not m.startswith(SWEEP_PREFIX) or m == inputs.reference]
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


def cell(number: Mapping[str, Any], *index: int, scale: float = 1.0) -> Measured:
    """Return one number of an array of a metrics file as a cell, times ``scale``."""
    return Measured.of(entry(number, *index), scale)
