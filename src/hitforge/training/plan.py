"""The order of an epoch: slices shuffled over the whole sample, packed in windows, events shuffled in each.

Reading single events in random order decompresses a chunk of many events for each of them, 25 to 300 times slower
than reading slices. So short runs of rows (slices) are shuffled, as many as fit in memory make a window, and the
events of a window are shuffled again. A plan is a pure function of its arguments: a resumed training remakes it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitforge.training.dataset import ROWS_PER_SLICE, EventIndex


@dataclass(frozen=True)
class EpochPlan:
    """Windows of events, and the cut of their sequence into batches.

    Attributes
    ----------
    windows : tuple of ndarray, int64
        Positions in the index; their concatenation is the order of the epoch.
    edges : ndarray, shape (n_batches + 1,), int64
        Batch b is ``order[edges[b]:edges[b + 1]]``; batches may straddle windows.
    """

    windows: tuple[NDArray[np.int64], ...]
    edges: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def order(self) -> NDArray[np.int64]:
        """All events of the epoch in order."""
        return np.concatenate(self.windows)


def slice_edges(index: EventIndex, rows: int = ROWS_PER_SLICE) -> NDArray[np.int64]:
    """Return the edges, shape (n_slices + 1,), of the runs of events from the same ``rows`` rows of a shard."""
    changes = np.diff(index.shard).astype(bool) | np.diff(index.row // rows).astype(bool)
    return np.concatenate([[0], np.flatnonzero(changes) + 1, [len(index)]]).astype(np.int64)


def pack_windows(
    index: EventIndex,
    event_bytes: NDArray[np.int64],
    window_bytes: int,
    generator: np.random.Generator | None,
) -> tuple[NDArray[np.int64], ...]:
    """Pack slices into windows of at most ``window_bytes``, shuffled if a generator is given.

    Parameters
    ----------
    index : EventIndex
        N events.
    event_bytes : ndarray, shape (N,), int64
        Memory of each event in a window.
    generator : Generator or None
        None keeps the order of the index.
    """
    edges = slice_edges(index)
    slices = np.arange(len(edges) - 1) if generator is None else generator.permutation(len(edges) - 1)
    sizes = np.add.reduceat(event_bytes, edges[:-1])
    windows: list[list[NDArray[np.int64]]] = [[]]
    held = 0
    for s in slices:
        if windows[-1] and held + sizes[s] > window_bytes:
            windows.append([])
            held = 0
        windows[-1].append(np.arange(edges[s], edges[s + 1]))
        held += int(sizes[s])
    joined = [np.concatenate(window) for window in windows]
    return tuple(joined if generator is None else [generator.permutation(events) for events in joined])


def training_edges(n_events: int, batch_size: int) -> NDArray[np.int64]:
    """Return batch edges without the last partial batch: every training step sees the same number of events.

    Raises
    ------
    ValueError
        There are not enough events for a single batch.
    """
    if n_events < batch_size:
        raise ValueError(
            f"{n_events} training events do not fill one batch of {batch_size}: at least {batch_size} are needed; "
            "add train parts or lower training.batch_size"
        )
    return np.arange(n_events // batch_size + 1, dtype=np.int64) * batch_size


def ordered_edges(n_events: int, batch_size: int) -> NDArray[np.int64]:
    """Return batch edges that keep the last partial batch."""
    return np.append(np.arange(0, n_events, batch_size, dtype=np.int64), n_events)


def per_shard_edges(index: EventIndex, batch_size: int) -> NDArray[np.int64]:
    """Return batch edges such that no batch spans two shards.

    The bits of a prediction can depend on the size of its batch, so they must not depend on which other shards
    happen to be in the same job.
    """
    starts = np.concatenate([[0], np.flatnonzero(np.diff(index.shard)) + 1, [len(index)]])
    edges = [np.arange(a, b, batch_size, dtype=np.int64) for a, b in itertools.pairwise(starts)]
    return np.append(np.concatenate(edges), len(index)).astype(np.int64)
