"""The floor that models must be above: multinomial logistic regression on few features, or on none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from hitforge.studies.object_id.data.objects import N_CLASSES
from hitforge.studies.object_id.features import columns_of
from hitforge.studies.object_id.models.weights import event_weight
from hitforge.studies.object_id.settings import ObjectModelSettings

PENALTY = 1e-6
"""L2 penalty per object: it only fixes the constant that softmax leaves open."""

Floats = NDArray[np.float64]


def fit_table(
    model: ObjectModelSettings, features: NDArray[np.float32], target: NDArray[np.float32], weight: Floats
) -> dict[str, Any]:
    """Return the coefficients of a logistic regression on the model's features, of all stored ones, shape (N, F)."""
    weight = event_weight(model, features, target) * weight
    return fit_floor(columns_of(features, model.features), target.astype(np.int64), weight)


def table_columns(
    model: ObjectModelSettings, table: Mapping[str, Any], features: NDArray[np.float32]
) -> dict[str, Floats]:
    """Return the class probabilities of the logistic regression."""
    return {"class_probabilities": floor_probabilities(table, columns_of(features, model.features))}


def fit_floor(
    features: NDArray[np.floating], label: NDArray[np.integer], weight: NDArray[np.floating]
) -> dict[str, Any]:
    """Fit the regression by minimising the weighted cross entropy.

    Parameters
    ----------
    features : ndarray, shape (N, F)
        Finite; without columns the result is the share of each class.
    label : ndarray, shape (N,)
    weight : ndarray, shape (N,)

    Returns
    -------
    dict
        ``mean``, ``std`` (F,), ``coefficients`` (F, 4) and ``intercepts`` (4,), as plain data.

    Raises
    ------
    ValueError
        A feature is missing (NaN) or infinite.
    """
    x = features.astype(np.float64)
    if not np.isfinite(x).all():
        raise ValueError("logistic regression: a feature is missing; choose features that every object has")
    mean, std = x.mean(axis=0), x.std(axis=0)
    std = np.where(std > 0, std, 1.0)
    design = np.column_stack([(x - mean) / std, np.ones(len(x))])
    one_hot = np.eye(N_CLASSES)[label]
    share = weight / weight.sum()

    def loss(flat: Floats) -> tuple[float, Floats]:
        beta = flat.reshape(-1, N_CLASSES)
        logits = design @ beta
        value = -(share * (one_hot * log_softmax(logits, axis=1)).sum(axis=1)).sum()
        slope = design.T @ (share[:, None] * (softmax(logits, axis=1) - one_hot))
        return float(value + 0.5 * PENALTY * (beta**2).sum()), np.ravel(slope + PENALTY * beta)

    found = minimize(loss, np.zeros(design.shape[1] * N_CLASSES), jac=True, method="L-BFGS-B")
    beta = found.x.reshape(-1, N_CLASSES)
    return {
        "mean": mean.tolist(),
        "std": std.tolist(),
        "coefficients": beta[:-1].tolist(),
        "intercepts": beta[-1].tolist(),
    }


def floor_probabilities(table: Mapping[str, Any], features: NDArray[np.floating]) -> Floats:
    """Return the class probabilities, shape (n, 4), of features, shape (n, F)."""
    scaled = (features.astype(np.float64) - np.array(table["mean"])) / np.array(table["std"])
    coefficients = np.array(table["coefficients"], dtype=np.float64).reshape(features.shape[1], N_CLASSES)
    return np.asarray(softmax(scaled @ coefficients + np.array(table["intercepts"]), axis=1))
