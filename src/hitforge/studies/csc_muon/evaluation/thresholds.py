"""Metrics against a pT threshold, under three conventions of which muons a threshold selects.

The seeds' tables say "pT >= b_k", their numbers look like "pT < b_(k+1)", and a bin is meant by others: all three are
computed from the same sums in bins of true pT, so the conventions cannot drift apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Floats
from hitforge.evaluation.statistics import Arrays, ratio

CONVENTIONS = ("pt >= b_k", "pt < b_(k+1)", "bin")
"""Rows of the range metrics: muons from an edge up, below the next edge, between both."""

SCAN_GEV = np.arange(126.0)
"""Thresholds of the curves, 0-125 GeV in steps of 1."""

DECK_GEV = np.array([2.0, 5.0, 10.0, 15.0, 20.0, 25.0, 40.0, 50.0, 60.0, 80.0, 100.0])
"""Thresholds of the deck's table; also the lower edges of its 11 pT classes."""


def deck_class(pt: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the class 0..10 of each pT in GeV; what lies below 2 GeV is in the first."""
    return np.maximum(np.searchsorted(DECK_GEV, pt, side="right") - 1, 0).astype(np.int64)


class RangeMetrics:
    """r2, MSE, MAE in pT, accuracy and weighted F1 of the 11 classes in the range of each threshold.

    Every array has shape (3, K): conventions times thresholds. r2 is 1 - MSE / Var(truth) of the same muons.
    ``relative_mae`` is the mean of |p - t| / t.

    Parameters
    ----------
    true_pt, predicted_pt : ndarray, shape (n,), GeV
    edges : ndarray, shape (K,), GeV
        Rising thresholds b_k; the last range has no upper edge.
    min_per_bin : int
        A range with fewer muons gives NaN.
    """

    def __init__(self, true_pt: Floats, predicted_pt: Floats, edges: Floats, min_per_bin: int) -> None:
        self.reason = f"fewer than {min_per_bin} muons in the range, or no spread in it"
        self._n_bins = len(edges) + 1  # the first holds what lies below all thresholds
        self._bin = np.searchsorted(edges, true_pt, side="right")
        error = predicted_pt - true_pt
        self._terms = (true_pt, true_pt**2, error**2, np.abs(error), np.abs(error) / true_pt)
        self._classes = len(DECK_GEV)
        true_class = deck_class(true_pt)
        predicted_class = deck_class(predicted_pt)
        self._correct = (true_class == predicted_class).astype(np.float64)
        self._true_cell = self._bin * self._classes + true_class
        self._predicted_cell = self._bin * self._classes + predicted_class
        counts = _ranges(np.bincount(self._bin, minlength=self._n_bins).astype(np.float64))
        self._enough = counts >= min_per_bin

    def __call__(self, weights: Floats) -> Arrays:

        def sums(term: Floats | None = None) -> Floats:
            return _ranges(np.bincount(self._bin, weights if term is None else weights * term, self._n_bins))

        def cells(cell: NDArray[np.int64], term: Floats | None = None) -> Floats:
            flat = np.bincount(cell, weights if term is None else weights * term, self._n_bins * self._classes)
            return _ranges(flat.reshape(self._n_bins, self._classes))

        total = sums()
        first, second, square, absolute, relative = (ratio(sums(term), total) for term in self._terms)
        variance = np.maximum(second - first**2, 0.0)
        # below this the variance is rounding of the two sums
        variance = np.where(variance > 1e-12 * second, variance, 0.0)
        true = cells(self._true_cell)
        correct = cells(self._true_cell, self._correct)
        f1 = np.nan_to_num(ratio(2.0 * correct, true + cells(self._predicted_cell)))
        arrays = {
            "r2": 1.0 - ratio(square, variance),
            "mse": square,
            "mae": absolute,
            "relative_mae": relative,
            "variance": variance,
            "accuracy": ratio(correct.sum(axis=-1), total),
            "weighted_f1": ratio((true * f1).sum(axis=-1), total),
            "majority": ratio(true.max(axis=-1), total),
        }
        return {name: np.where(self._enough, array, np.nan) for name, array in arrays.items()}


def _ranges(bins: NDArray[Any]) -> Floats:
    """Turn sums in bins (first one below all thresholds), shape (K + 1, …), into sums in ranges, shape (3, K, …)."""
    above = np.cumsum(bins[::-1], axis=0)[::-1][1:]
    below = np.cumsum(bins, axis=0)[1:]
    return np.stack([above, below, bins[1:]])


class TriggerMetrics:
    """Accuracy of the decision pT > x, F1 of both its sides and the majority baseline; arrays of shape (K,).

    All muons count at every threshold, so the accuracy of guessing the larger side is high at both ends and stands
    beside it as ``majority``.
    """

    def __init__(self, true_pt: Floats, predicted_pt: Floats, thresholds: Floats) -> None:
        self.reason = "no muon, or no positive one, at this threshold"
        self._size = len(thresholds) + 1
        # number of thresholds strictly below
        self._true = np.searchsorted(thresholds, true_pt, side="left")
        self._predicted = np.searchsorted(thresholds, predicted_pt, side="left")

    def __call__(self, weights: Floats) -> Arrays:
        total = weights.sum()
        true, predicted, both = (
            _above(index, weights, self._size)
            for index in (self._true, self._predicted, np.minimum(self._true, self._predicted))
        )
        neither = total - true - predicted + both
        return {
            "accuracy": ratio(both + neither, total),
            "f1_above": ratio(2.0 * both, true + predicted),
            "f1_below": ratio(2.0 * neither, 2.0 * total - true - predicted),
            "majority": ratio(np.maximum(true, total - true), total),
        }


def _above(index: NDArray[np.integer], weights: Floats, size: int) -> Floats:
    """Return the weight above each threshold, shape (size - 1,)."""
    return np.asarray(np.cumsum(np.bincount(index, weights, size)[::-1])[::-1][1:], dtype=np.float64)
