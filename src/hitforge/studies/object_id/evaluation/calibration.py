"""Temperature scaling of class probabilities (arXiv:1706.04599), fitted on held-out objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from hitforge.evaluation.bootstrap import Floats
from hitforge.predictions import EvaluationPiece, Predictions
from hitforge.studies.object_id.data.objects import join
from hitforge.studies.object_id.evaluation.sample import Classified, classified
from hitforge.studies.object_id.evaluation.settings import EvaluationSettings

SMALLEST = 1e-12
RANGE = (0.05, 20.0)
"""Temperatures that the fit looks at."""


def calibrate(predictions: Predictions, *, evaluation: EvaluationSettings) -> dict[str, Any]:
    """Return the temperature of held-out objects, see :func:`fit_temperature`."""
    return fit_temperature(classified(predictions), evaluation.min_per_bin)


def calibrated(pieces: Sequence[EvaluationPiece]) -> Classified:
    """Return the objects of an evaluation sample, each piece at the temperature of its own fit.

    Pieces are joined in their order, which is the same for all models: they can be compared object by object.
    """
    return join([at_temperature(classified(piece.predictions), piece.calibration) for piece in pieces])


def fit_temperature(sample: Classified, minimum: int) -> dict[str, Any]:
    """Return the temperature that minimises the weighted log loss of the raw probabilities.

    Returns
    -------
    dict
        ``temperature``, null with a ``reason`` where there are fewer than ``minimum`` objects, or where the best one
        lies at an end of :data:`RANGE`.
    """
    if len(sample) < minimum or not sample.weights.sum() > 0:
        return {"temperature": None, "reason": f"fewer than {minimum} calibration objects"}
    found = minimize_scalar(
        lambda log_t: log_loss(tempered(sample.raw, float(np.exp(log_t))), sample.label, sample.weights),
        bounds=np.log(RANGE),
        method="bounded",
    )
    temperature = float(np.exp(found.x))
    if not 1.01 * RANGE[0] < temperature < RANGE[1] / 1.01:
        return {
            "temperature": None,
            "reason": "the log loss has no minimum: the probabilities say nothing of the class",
        }
    return {"temperature": temperature, "reason": None}


def tempered(probabilities: Floats, temperature: float) -> Floats:
    """Return the softmax of the logits over the temperature, shape (n, C): p^(1/T), normalised."""
    return np.asarray(softmax(np.log(np.maximum(probabilities, SMALLEST)) / temperature, axis=1))


def log_loss(probabilities: Floats, label: NDArray[np.integer], weights: Floats) -> float:
    """Return the weighted mean of minus the log probability of the true class."""
    own = np.maximum(probabilities[np.arange(len(label)), label], SMALLEST)
    return float(-(weights * np.log(own)).sum() / weights.sum())


def at_temperature(sample: Classified, calibration: Mapping[str, Any]) -> Classified:
    """Return the sample with the probabilities at the temperature of its own fit; without one they stay raw."""
    return replace(sample, probabilities=calibrated_probabilities(sample.raw, calibration))


def calibrated_probabilities(raw: Floats, calibration: Mapping[str, Any]) -> Floats:
    """Return class probabilities at the temperature of their fit, shape (n, C); without one they stay raw."""
    temperature = calibration["temperature"]
    return raw if temperature is None else tempered(raw, temperature)
