"""Weighted mean of an ensemble's members (arXiv:2107.02119, section on ensembling)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def ensemble_weights(losses: Sequence[float] | NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the weights of the members, inverse to their best monitoring loss and summing to one.

    Each member has its own monitoring fold, so the losses are not on identical data; the paper accepts that.

    Parameters
    ----------
    losses : sequence of float, length M
        Best weighted monitoring loss of every member, finite and positive.

    Returns
    -------
    ndarray, shape (M,), float64
    """
    values = np.asarray(losses, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError("ensemble_weights: needs the loss of at least one member")
    if not np.all(np.isfinite(values) & (values > 0)):
        raise ValueError(f"ensemble_weights: losses must be finite and positive, got {values.tolist()}")
    # Relative to the smallest loss: 1/loss itself could overflow.
    inverse = values.min() / values
    return np.asarray(inverse / inverse.sum(), dtype=np.float64)


def ensemble_prediction(
    predictions: NDArray[np.floating], weights: Sequence[float] | NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the weighted sum of the members' predictions.

    Parameters
    ----------
    predictions : ndarray, shape (M, N) or (M, N, k)
        One row per member.
    weights : sequence of float, length M
        From `ensemble_weights`.

    Returns
    -------
    ndarray, shape (N,) or (N, k), float64
    """
    factors = np.asarray(weights, dtype=np.float64)
    if predictions.ndim < 2 or factors.shape != (len(predictions),):
        raise ValueError(f"ensemble_prediction: {predictions.shape} predictions do not fit {factors.shape} weights")
    total = np.zeros(predictions.shape[1:], dtype=np.float64)
    # Member by member, not a matrix product: BLAS may sum in another order on another machine.
    for factor, row in zip(factors, predictions, strict=True):
        total += factor * row
    return total
