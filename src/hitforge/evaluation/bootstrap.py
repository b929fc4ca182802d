"""Bootstrap errors of any statistic of independent events.

A replica draws N of the N events with replacement, over the whole sample and not within bins: the number of events
in an energy bin is itself random, and one stream of draws then serves binned and unbinned statistics and all models
alike. A draw is passed on as the multiplicity of every event, because order statistics of a resampled sample follow
from one cumulative sum over events sorted *once*: no replica sorts, and 500 replicas of 430 000 events take seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from hitforge.evaluation.ordered import sort_in_groups
from hitforge.seeds import child_generator

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class Number(BaseModel):
    """A number with its error, or the reason why there is none (never an invented one)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    value: float | None
    error: float | None = None
    reason: str | None = None

    @classmethod
    def of(cls, value: float, replicas: Floats | None = None, reason: str = "cannot be computed") -> Number:
        """Make a number from its value (``reason`` if that is not finite) and its bootstrap replicas, shape (B,)."""
        if not np.isfinite(value):
            return cls(value=None, reason=reason)
        if replicas is None:
            return cls(value=float(value))
        error = float(standard_error(replicas))
        if not np.isfinite(error):
            return cls(value=float(value), reason="too few bootstrap replicas can be computed for an error")
        return cls(value=float(value), error=error)


def resampling(n_events: int, replicas: int, generator: np.random.Generator) -> Iterator[Counts]:
    """Yield the multiplicities, shape (n_events,), of every event in each replica.

    Generators of equal state yield equal draws, so two models evaluated on the same events with the same stream are
    compared on the same replicas.
    """
    for _ in range(replicas):
        drawn = generator.integers(0, n_events, size=n_events, dtype=np.uint32)
        yield np.bincount(drawn, minlength=n_events)


def bootstrap(
    statistic: Callable[[Counts], Floats], n_events: int, replicas: int, generator: np.random.Generator
) -> Floats:
    """Evaluate a statistic on resampled events.

    Parameters
    ----------
    statistic : callable
        Takes multiplicities of the events, shape (n_events,), and returns k numbers, shape (k,). NaN stands for a
        number that a replica does not allow. Numbers of several models in one statistic are paired: their
        differences within a replica have the right correlations.
    n_events : int
        Events of the sample.
    replicas : int
        Number B of replicas.
    generator : numpy.random.Generator
        A named child stream (``seeds.child_generator``).

    Returns
    -------
    ndarray, shape (B, k), float64
    """
    if n_events < 1:
        raise ValueError("bootstrap: there are no events to resample")
    return np.stack([statistic(counts) for counts in resampling(n_events, replicas, generator)])


def standard_error(replicas: Floats) -> Floats:
    """Return the standard deviation (ddof 1) over axis 0, shape (B, …) to shape (…).

    Replicas that are not finite (an energy bin was left empty by the draw) are left out; with fewer than half of the
    replicas finite, or fewer than two, the error is NaN.
    """
    finite = np.isfinite(replicas)
    n = finite.sum(axis=0)
    enough = (n >= 2) & (2 * n >= len(replicas))
    total = np.where(enough, n, 2)
    values = np.where(finite, replicas, 0.0)
    mean = values.sum(axis=0) / total
    squares = np.where(finite, (values - mean) ** 2, 0.0).sum(axis=0)
    return np.asarray(np.where(enough, np.sqrt(squares / (total - 1)), np.nan), dtype=np.float64)


def draws_of(seed: int, sample: str) -> np.random.Generator:
    """Return the stream of an evaluation sample, the same for all models: their differences are paired."""
    return child_generator(seed, "evaluation", sample, "bootstrap")


class GroupedQuantiles:
    """Quantiles of values in groups, for any multiplicities of the events.

    Equal to ``np.quantile(np.repeat(values, counts), q)`` (linear interpolation) in every group.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Finite values.
    groups : ndarray, shape (n,), int
        Group of each event; -1 is in none.
    n_groups : int
        Number of groups.
    quantiles : sequence of float
        Between 0 and 1.
    """

    def __init__(
        self, values: NDArray[np.floating], groups: NDArray[np.integer], n_groups: int, quantiles: tuple[float, ...]
    ) -> None:
        self._order, self._values, self._starts = sort_in_groups(values, groups, n_groups)
        self._quantiles = np.asarray(quantiles, dtype=np.float64)
        self._n_events = len(values)

    def __call__(self, counts: Counts | None = None) -> tuple[Floats, Counts]:
        """Return the quantiles, shape (n_groups, n_quantiles), NaN in an empty group, and the group sizes."""
        if counts is None:
            counts = np.ones(self._n_events, dtype=np.int64)
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
