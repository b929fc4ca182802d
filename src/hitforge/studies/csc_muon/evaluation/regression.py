"""Single-number errors of the regression in pT, 1/pT and q/pT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hitforge.evaluation.bootstrap import Floats
from hitforge.evaluation.ordered import OrderedGroups
from hitforge.evaluation.statistics import Arrays, ratio

UNSIGNED = "the model does not predict the sign of the charge"


class RegressionErrors:
    """MAE, MSE, RMSE, median absolute error, explained variance and R2 of one quantity; scalars.

    R2 is 1 - MSE / Var(truth) and the variance stands beside it, so that a reader can check one with the others.
    """

    def __init__(self, true: Floats, predicted: Floats) -> None:
        self.reason = "there are too few muons, or the truth has no spread"
        self._true, self._error = true, predicted - true
        self._absolute = OrderedGroups(np.abs(self._error), np.zeros(len(true), dtype=np.int64), 1)

    def __call__(self, weights: Floats) -> Arrays:
        total = weights.sum()

        def mean(values: Floats) -> Floats:
            return ratio((weights * values).sum(), total)

        mse, bias, centre = mean(self._error**2), mean(self._error), mean(self._true)
        variance = mean((self._true - centre) ** 2)
        return {
            "mae": mean(np.abs(self._error)),
            "mse": mse,
            "rmse": np.sqrt(mse),
            "median_ae": self._absolute.weighted(weights).median()[0],
            "explained_variance": 1.0 - ratio(mse - bias**2, variance),
            "r2": 1.0 - ratio(mse, variance),
            "variance": variance,
        }


def check_r2(numbers: Mapping[str, Any], where: str, tolerance: float = 1e-6) -> None:
    """Raise if R2, MSE and variance of one set of predictions contradict each other.

    Parameters
    ----------
    numbers : mapping
        ``r2``, ``mse`` and ``variance``, each as ``{value, error, reason}``.
    where : str
        Model and sample for the message.

    Raises
    ------
    ValueError
        R2 is not 1 - MSE / variance: the numbers belong to different predictions.
    """
    r2, mse, variance = (numbers[name]["value"] for name in ("r2", "mse", "variance"))
    if None in (r2, mse, variance):
        return
    expected = 1.0 - mse / variance
    if abs(r2 - expected) > tolerance * max(1.0, abs(expected)):
        raise ValueError(
            f"{where}: R2 = {r2:.6g}, but MSE = {mse:.6g} and Var(truth) = {variance:.6g} give {expected:.6g}; "
            "these numbers do not belong to the same predictions (fix: evaluate the model again)"
        )
