"""What tables and figures of any chapter look up in the metrics: samples, numbers as cells, verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.differences import find
from hitforge.evaluation.statistics import entry
from hitforge.reporting.chapter import Cell, Measured, ReportInputs
from hitforge.words import HELDOUT, TRAINED_ON

SIGMAS = 2.0
"""Within so many errors of its limit an aim is neither met nor missed."""


def evaluation_samples(inputs: ReportInputs) -> list[str]:
    """Return the samples that no model was trained on, the held-out events first."""
    found = dict.fromkeys(name for metrics in inputs.metrics_of.values() for name in metrics["samples"])
    return sorted((name for name in found if name != TRAINED_ON), key=lambda name: name != HELDOUT)


def all_samples(inputs: ReportInputs) -> list[str]:
    """Return the evaluated samples and, where it was evaluated, what the models were trained on."""
    was_evaluated = any(TRAINED_ON in metrics["samples"] for metrics in inputs.metrics_of.values())
    return evaluation_samples(inputs) + [TRAINED_ON] * was_evaluated


def shown_sample(inputs: ReportInputs) -> str:
    """Return the sample of figures and headline: the first test sample, else the held-out events."""
    samples = evaluation_samples(inputs)
    return next((name for name in samples if name != HELDOUT), samples[0])


def sample_title(name: str) -> str:
    """Return what the report calls an evaluation sample."""
    return {HELDOUT: "held-out", TRAINED_ON: "trained on"}.get(name, name)


def metrics_of(inputs: ReportInputs, sample: str | None = None) -> dict[str, Any]:
    """Return the metrics on one sample (the shown one) of every model that was evaluated on it."""
    name = shown_sample(inputs) if sample is None else sample
    return {model: m["samples"][name] for model, m in inputs.metrics_of.items() if name in m["samples"]}


def axes_of(inputs: ReportInputs) -> Mapping[str, Any]:
    """Return what the indices of the metrics' arrays mean."""
    axes: Mapping[str, Any] = inputs.metrics_of[inputs.reference]["axes"]
    return axes


def values(number: Mapping[str, Any], key: str = "value") -> NDArray[np.float64]:
    """Return an array of a metrics file, NaN for null; ``key`` may be ``error``."""
    return np.array(number[key], dtype=np.float64)


def cell(number: Mapping[str, Any] | None, *index: int, scale: float = 1.0, absent: str = "not evaluated") -> Measured:
    """Return one number of an array of a metrics file as a cell, times ``scale``; ``absent`` says why there is none."""
    return Measured.of(None if number is None else entry(number, *index), scale, absent)


def not_run(model: str) -> Measured:
    """Return the cell of a model that is not among the reported ones."""
    return Measured(value=None, reason=f"{model} was not run")


def difference(
    inputs: ReportInputs,
    first: str,
    second: str,
    quantity: str,
    where: Mapping[str, Any] | None = None,
    scale: float = 1.0,
    sample: str | None = None,
    absent: str | None = None,
) -> Measured:
    """Return first minus second of two models on one sample (the shown one), times ``scale``, as a cell.

    ``where`` restricts the events, see :mod:`hitforge.evaluation.differences`; ``absent`` says why there is none.
    """
    rows = inputs.comparison_of.get(sample or shown_sample(inputs), [])
    missing = [model for model in (first, second) if model not in inputs.metrics]
    why = absent or (f"{' and '.join(missing)} was not run" if missing else "not compared")
    return Measured.of(find(rows, first, second, quantity, where), scale, why)


def significance(difference: Measured) -> Cell:
    """Return a difference in units of its error, nothing where either is unknown."""
    if difference.value is None or not difference.error:
        return None
    return Measured(value=difference.value / difference.error, decimals=1)


def verdict(distance: Measured, sign: float = 1.0) -> str:
    """Return what a distance to an aim's limit means, where a distance of this sign meets the aim."""
    if distance.value is None or distance.error is None:
        return "not measured"
    if abs(distance.value) <= SIGMAS * distance.error:
        return "open"
    return "met" if sign * distance.value > 0 else "missed"
