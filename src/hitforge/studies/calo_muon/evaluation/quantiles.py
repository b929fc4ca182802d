"""Quantiles of resampled events, from one sorting of the sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Counts, Floats
from hitforge.evaluation.ordered import OrderedGroups


class GroupedQuantiles(OrderedGroups):
    """Quantiles, between 0 and 1, of values in groups, for any multiplicities of the events.

    Equal to ``np.quantile(np.repeat(values, counts), q)`` (linear interpolation) in every group.
    """

    def __init__(
        self, values: NDArray[np.floating], groups: NDArray[np.integer], n_groups: int, quantiles: tuple[float, ...]
    ) -> None:
        super().__init__(values, groups, n_groups)
        self._quantiles = np.asarray(quantiles, dtype=np.float64)
        self._n_events = len(values)

    def __call__(self, counts: NDArray[np.number] | None = None) -> tuple[Floats, Counts]:
        """Return the quantiles, shape (n_groups, n_quantiles), NaN in an empty group, and the group sizes.

        ``counts`` are the multiplicities of the events, whole numbers; None: each once.
        """
        counts = np.ones(self._n_events, np.int64) if counts is None else counts.astype(np.int64)
        cumulative = np.zeros(len(self._order) + 1, dtype=np.int64)
        np.cumsum(counts[self._order], out=cumulative[1:])
        first = cumulative[self._starts]
        sizes = np.diff(first)
        rank = np.maximum(sizes[:, None] - 1, 0) * self._quantiles
        below = np.floor(rank).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(sizes[:, None] - 1, 0))
        low, high = self._ranked(cumulative, first, below), self._ranked(cumulative, first, above)
        result = low + (high - low) * (rank - below)
        return np.where(sizes[:, None] > 0, result, np.nan), sizes

    def _ranked(self, cumulative: Counts, first: Counts, rank: Counts) -> Floats:
        """Return the value at a rank (from 0) of each group's resampled values."""
        if not len(self._values):
            return np.full(rank.shape, np.nan)
        position = np.searchsorted(cumulative, first[:-1, None] + rank, side="right") - 1
        # The clip only touches empty groups at the end, whose result is discarded.
        return np.asarray(self._values[np.minimum(position, len(self._values) - 1)], dtype=np.float64)
