"""Weighted mean of an ensemble's members."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def ensemble_prediction(
    predictions: NDArray[np.floating], weights: Sequence[float] | NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the weighted sum of the members' predictions.

    Parameters
    ----------
    predictions : ndarray, shape (M, N) or (M, N, k)
        One row per member.
    weights : sequence of float, length M
        Summing to one.

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
