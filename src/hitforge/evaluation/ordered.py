"""Weighted order statistics in groups, for any weights of the events: sorted once, then one cumulative sum each."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIGMA_EFF_FRACTION = 0.683
CORE_WIDTHS = 2.0
# standard deviation of a unit Gaussian cut at +-2
_CUT_STD = 0.8796256610342398
_CORE_STEPS = 12


class OrderedGroups:
    """Finite values, shape (n,), sorted within groups, whose number each event has; -1 is in none."""

    def __init__(self, values: NDArray[np.floating], groups: NDArray[np.integer], n_groups: int) -> None:
        inside = np.flatnonzero(groups >= 0)
        self._order = inside[np.lexsort((values[inside], groups[inside]))]
        self._starts = np.searchsorted(groups[self._order], np.arange(n_groups + 1))
        self._values = np.asarray(values, dtype=np.float64)[self._order]
        self.n_groups = n_groups

    def weighted(self, weights: Floats) -> WeightedGroups:
        """Return the order statistics for weights, shape (n,), not negative."""
        return WeightedGroups(self._values, self._starts, weights[self._order])


class WeightedGroups:
    """Order statistics of weighted groups; NaN in a group without weight."""

    def __init__(self, values: Floats, starts: NDArray[np.int64], weights: Floats) -> None:
        # events without weight must not become the end of an interval
        self._kept = np.flatnonzero(weights > 0)
        self._values = values[self._kept]
        self._weights = weights[self._kept]
        self._starts = np.searchsorted(self._kept, starts)
        self._cumulative = np.concatenate([[0.0], np.cumsum(self._weights)])
        first = self._cumulative[self._starts]
        self._first, self.total = first[:-1], np.diff(first)

    def quantile(self, level: float) -> Floats:
        """Return the smallest value with at least a fraction ``level`` of the weight at or below, shape (n_groups,)."""
        return self._at(self._first + level * self.total)

    def median(self) -> Floats:
        """Return the mean of the lower and the upper median, shape (n_groups,)."""
        half = self._first + 0.5 * self.total
        # symmetric in the values: half the weight lies exactly between two of them for an even number of events
        return 0.5 * (self._at(half) + self._at(half + 1e-9 * self.total))

    def _at(self, weight: Floats) -> Floats:
        if not len(self._values):
            return np.full(len(self.total), np.nan)
        # a little less, so that rounding of the sum does not move to the next event
        position = np.searchsorted(self._cumulative[1:], weight - 1e-10 * self.total, side="left")
        last = np.maximum(self._starts[1:] - 1, 0)
        position = np.clip(position, np.minimum(self._starts[:-1], last), last)
        return np.where(self.total > 0, self._values[np.minimum(position, len(self._values) - 1)], np.nan)

    def sigma_eff(self, fraction: float = SIGMA_EFF_FRACTION) -> Floats:
        """Return half the width of the smallest interval that holds a fraction of the weight, shape (n_groups,)."""
        result = np.full(len(self.total), np.nan)
        if not len(self._values):
            return result
        sizes = np.diff(self._starts)
        needed = np.repeat(fraction * self.total, sizes)
        stop = np.searchsorted(self._cumulative, self._cumulative[:-1] + needed * (1.0 - 1e-12), side="left") - 1
        inside = stop < np.repeat(self._starts[1:], sizes)
        width = np.where(inside, self._values[np.minimum(stop, len(self._values) - 1)] - self._values, np.inf)
        filled = np.flatnonzero(sizes)
        if len(filled):
            result[filled] = 0.5 * np.minimum.reduceat(width, self._starts[filled])
        return result

    def core(self) -> Floats:
        """Return the width of the Gaussian core, shape (n_groups,).

        Fixed point of the standard deviation within two widths of the mean, divided by 0.880, what that cut leaves
        of a Gaussian's; no histogram and no fit that could fail.
        """
        centre = self.median()
        offset = np.repeat(np.nan_to_num(centre), np.diff(self._starts))
        shifted = self._values - offset
        moments = [np.concatenate([[0.0], np.cumsum(self._weights * shifted**power)]) for power in (1, 2)]
        width = 0.5 * (self.quantile(0.84135) - self.quantile(0.15865))
        mean = np.zeros_like(width)
        for _ in range(_CORE_STEPS):
            low = self._rank(centre + mean - CORE_WIDTHS * width, "left")
            high = self._rank(centre + mean + CORE_WIDTHS * width, "right")
            weight = self._cumulative[high] - self._cumulative[low]
            first, second = (moment[high] - moment[low] for moment in moments)
            with np.errstate(divide="ignore", invalid="ignore"):
                mean = first / weight
                width = np.sqrt(np.maximum(second / weight - mean**2, 0.0)) / _CUT_STD
        return np.where(self.total > 0, width, np.nan)

    def _rank(self, bounds: Floats, side: Literal["left", "right"]) -> NDArray[np.int64]:
        """Return the position of a bound in each group's values."""
        return np.array(
            [
                start + np.searchsorted(self._values[start:stop], bound, side=side)
                for start, stop, bound in zip(self._starts[:-1], self._starts[1:], bounds, strict=True)
            ],
            dtype=np.int64,
        )
