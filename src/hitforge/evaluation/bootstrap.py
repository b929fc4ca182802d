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

from hitforge.seeds import child_generator

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


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
    """Evaluate a statistic on B replicas of the events, drawn with a named child stream; return shape (B, k).

    The statistic takes multiplicities of the events, shape (n_events,), and returns k numbers, shape (k,). NaN stands
    for a number that a replica does not allow. Numbers of several models in one statistic are paired: their differences
    within a replica have the right correlations.
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
