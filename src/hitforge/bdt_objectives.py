"""Objectives of boosted trees: their names in XGBoost, what each predicts, and the loss of an event."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.bdt_settings import TreeSettings

Floats = NDArray[np.float64]

_REGRESSION = "reg:squarederror"
_TINY = 1e-12


def parameters(settings: TreeSettings, label: Floats, weight: Floats) -> dict[str, Any]:
    """Return the parameters of XGBoost that the objective sets.

    The first prediction is the weighted mean of the labels where the objective has one number to predict (for
    ``logistic`` the fraction of ones), for ``relative`` their median; elsewhere XGBoost takes its own.
    """
    if settings.objective == "relative":
        return {"objective": _REGRESSION, "base_score": float(np.median(label))}
    start = {"base_score": float(np.average(label, weights=weight))}
    if settings.objective == "logistic":
        return {"objective": "binary:logistic", **start}
    if settings.objective == "softprob":
        return {"objective": "multi:softprob", "num_class": settings.classes}
    if settings.objective == "quantile":
        return {"objective": "reg:quantileerror", "quantile_alpha": list(settings.quantiles)}
    return {"objective": _REGRESSION, **start}


def event_losses(
    prediction: NDArray[np.floating], label: NDArray[np.floating], settings: TreeSettings
) -> NDArray[np.float64]:
    """Return the loss of each event before weights, shape (n,), never Huberised.

    A prediction, shape (n,) or (n, k), is what a booster gives: a value, the probability of one (``logistic``), of each
    class (``softprob``), or quantiles; a label is a value, 0 or 1, or the number of the class. The loss is the squared
    error, minus the log probability, or the sum over the quantiles of the pinball loss.
    """
    predicted = np.asarray(prediction, dtype=np.float64)
    true = np.asarray(label, dtype=np.float64)
    if settings.objective == "logistic":
        return np.asarray(-np.log(np.clip(np.where(true > 0.5, predicted, 1.0 - predicted), _TINY, None)))
    if settings.objective == "softprob":
        return np.asarray(-np.log(np.clip(predicted[np.arange(len(true)), true.astype(np.int64)], _TINY, None)))
    if settings.objective == "quantile":
        alpha = np.array(settings.quantiles)
        above = true[:, None] - predicted.reshape(len(true), -1)
        return np.asarray(np.maximum(alpha * above, (alpha - 1.0) * above).sum(axis=1))
    if settings.objective == "relative":
        return np.asarray((predicted / true - 1.0) ** 2)
    if settings.objective == "log":
        return np.asarray((np.log(np.maximum(predicted, _TINY)) - np.log(true)) ** 2)
    return np.asarray((predicted - true) ** 2)


def relative_derivatives(prediction: NDArray[np.floating], label: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Return gradient and Hessian, shape (n,), of the relative loss (p / y - 1)^2 with respect to p."""
    inverse = 1.0 / np.asarray(label, dtype=np.float64)
    return 2.0 * (prediction * inverse - 1.0) * inverse, 2.0 * inverse**2


def label_problem(label: NDArray[np.floating], settings: TreeSettings) -> str | None:
    """Return what the objective does not accept of its labels, None if they are fine."""
    values = np.asarray(label)
    if (settings.target_power or settings.objective in ("relative", "log")) and not np.all(values > 0):
        return "needs positive targets"
    if settings.objective == "logistic" and not np.all(np.isin(values, (0, 1))):
        return "needs labels 0 and 1"
    if settings.objective == "softprob" and not np.all(np.isin(values, np.arange(settings.classes))):
        return f"needs class numbers from 0 to {settings.classes - 1}"
    return None
