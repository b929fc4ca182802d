"""Reading a window of events into memory, and filling batches from it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.hits import CellHits
from hitforge.shards import Shard, ShardError
from hitforge.training.batches import SparseBatch
from hitforge.training.dataset import EventIndex
from hitforge.training.plan import slice_edges

NetworkInputs = Callable[[NDArray[np.float32]], Mapping[str, NDArray[np.float32]]]

# Rows of a study without voxels are small: many are read in one go, and the copy in flight stays below some MiB.
_ROWS_PER_READ = 4096


@dataclass(frozen=True)
class HitTensors:
    """Tensors that a study makes of an event's hits when they are read: the hits themselves are not kept.

    Attributes
    ----------
    shapes : mapping of name to tuple of int
        Of one event.
    make : callable
        Hits of n events and their raw features, shape (n, F), to float32 tensors by name, each (n, *shape), row by row.
    """

    shapes: Mapping[str, tuple[int, ...]]
    make: Callable[[CellHits, NDArray[np.float32]], Mapping[str, NDArray[np.float32]]]

    def event_bytes(self) -> int:
        """Return the memory of the tensors of one event."""
        return 4 * sum(int(np.prod(shape)) for shape in self.shapes.values())

    def empty(self, n: int) -> dict[str, NDArray[np.float32]]:
        """Return uninitialised tensors of n events."""
        return {name: np.empty((n, *shape), np.float32) for name, shape in self.shapes.items()}


@dataclass(frozen=True)
class EventSource:
    """What a network reads of each event.

    Attributes
    ----------
    index : EventIndex
        The events.
    target : str or None
        Dataset of the group ``targets``; None when predicting. Truth has no way in.
    inputs : callable or None
        Raw features, shape (n, F), to named network inputs, each of shape (n, ...), row by row; None reads no features.
    weight : callable or None
        Raw features, shape (n, F), and targets, shape (n,), to event weights, shape (n,); None means ones.
    own_weight : str or None
        Dataset of the group ``truth`` with a weight that each event brought along; it multiplies the other.
    voxels : bool
        Keep the voxel deposits for the dense grid; networks without a grid never touch them.
    tensors : HitTensors or None
        What is made of the deposits on reading, beside or in place of the grid.
    """

    index: EventIndex
    target: str | None = None
    inputs: NetworkInputs | None = None
    weight: Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.floating]] | None = None
    own_weight: str | None = None
    voxels: bool = True
    tensors: HitTensors | None = None

    @property
    def keeps_hits(self) -> bool:
        """Whether the voxel deposits stay in the window, for the dense grid."""
        return self.voxels and self.index.voxel_shape is not None

    @property
    def reads_hits(self) -> bool:
        """Whether voxel deposits are read."""
        return self.keeps_hits or self.tensors is not None

    @property
    def _bytes_per_hit(self) -> int:
        return self.index.cell_dtype.itemsize + 4

    def read_bytes(self) -> int:
        """Return the most memory that a single read takes: hits of a slice of all folds, or rows of features."""
        if self.reads_hits:
            # of which a copy without the events of other folds is made where tensors are
            return self.index.slice_hits * self._bytes_per_hit * (1 if self.tensors is None else 2)
        return 4 * min(_ROWS_PER_READ, len(self.index)) * self._width

    @property
    def reads_features(self) -> bool:
        """Whether the raw features are read: for the network, or for what is made of the hits."""
        return self.inputs is not None or self.tensors is not None

    @property
    def _width(self) -> int:
        return len(self.index.feature_names) if self.reads_features else 0

    def event_bytes(self) -> NDArray[np.int64]:
        """Return the memory of each event in a window, shape (N,)."""
        hits = self.index.n_hits * (self._bytes_per_hit if self.keeps_hits else 0)
        # position in the index, row pointer, target, weight
        return hits + 4 * self._width + 24 + (0 if self.tensors is None else self.tensors.event_bytes())

    def input_bytes(self) -> int:
        """Return the memory of an event's network inputs, which it has in a batch beside that of a window."""
        return sum(tensor.nbytes for tensor in self.zeros().inputs.values())

    def zeros(self) -> SparseBatch:
        """Return a batch of one event of zeros: it has the names and shapes of the network inputs."""
        inputs = {} if self.inputs is None else dict(self.inputs(np.zeros((1, self._width), np.float32)))
        if self.tensors is not None:
            inputs |= {name: np.zeros_like(tensor) for name, tensor in self.tensors.empty(1).items()}
        return SparseBatch(np.zeros(1, np.int64), inputs, empty_hits(self, np.zeros(1, np.int64)), None, None)


@dataclass(frozen=True)
class Window:
    """Events in memory, in ascending order of their positions ``events`` in the index."""

    events: NDArray[np.int64]
    features: NDArray[np.float32] | None
    target: NDArray[np.float32] | None
    own_weight: NDArray[np.float32] | None
    hits: CellHits | None
    tensors: dict[str, NDArray[np.float32]]


def read_window(
    source: EventSource, events: NDArray[np.int64], keep_going: Callable[[], None], threads: int = 1
) -> Window:
    """Read the events at ascending positions ``events``; ``keep_going`` is called before every read.

    What is in flight beside the window is never more than one read of a shard for each thread, see
    :meth:`EventSource.read_bytes`. Each thread reads slices of its own to where they belong.
    """
    index = source.index.take(events)
    features = np.empty((len(events), len(index.feature_names)), np.float32) if source.reads_features else None
    target = None if source.target is None else np.empty(len(events), np.float32)
    own_weight = None if source.own_weight is None else np.empty(len(events), np.float32)
    hits = empty_hits(source, index.n_hits)
    tensors = {} if source.tensors is None else source.tensors.empty(len(events))
    window = Window(events, features, target, own_weight, hits, tensors)
    edges = slice_edges(index) if source.reads_hits else slice_edges(index, _ROWS_PER_READ)
    if threads == 1:
        _read_slices(source, index, edges, window, keep_going, beside_others=False)
        return window
    # pieces of neighbouring slices, a few for each thread: they take different times
    cuts = np.unique(np.linspace(0, len(edges) - 1, 1 + 4 * threads).astype(np.int64))
    with ThreadPoolExecutor(threads, thread_name_prefix="reader") as pool:
        pieces = [edges[a : b + 1] for a, b in itertools.pairwise(cuts.tolist())]
        list(pool.map(lambda piece: _read_slices(source, index, piece, window, keep_going, True), pieces))
    return window


def _read_slices(
    source: EventSource,
    index: EventIndex,
    edges: NDArray[np.int64],
    into: Window,
    keep_going: Callable[[], None],
    beside_others: bool,
) -> None:
    """Read the slices between ``edges`` of the events of a window."""
    features, target, own_weight, hits = into.features, into.target, into.own_weight, into.hits
    shard: Shard | None = None
    try:
        for first, last in itertools.pairwise(edges.tolist()):
            keep_going()
            path = index.paths[index.shard[first]]
            if shard is None or shard.path != path:
                if shard is not None:
                    shard.close()
                shard = Shard(path, beside_others)
            rows = index.row[first:last]
            low, high = int(rows[0]), int(rows[-1]) + 1
            if features is not None:
                features[first:last] = shard.rows("features", low, high)[rows - low]
            if target is not None:
                target[first:last] = shard.rows(f"targets/{source.target}", low, high)[rows - low]
            if own_weight is not None:
                own_weight[first:last] = shard.rows(f"truth/{source.own_weight}", low, high)[rows - low]
            if hits is not None:
                _read_hits(shard, rows, hits, first)
            if source.tensors is not None and features is not None:
                if hits is not None:
                    read = hits.slice(first, last)
                else:
                    read = new_hits(index.n_hits[first:last], index.cell_dtype)
                    _read_hits(shard, rows, read, 0)
                for name, values in source.tensors.make(read, features[first:last]).items():
                    into.tensors[name][first:last] = values
    finally:
        if shard is not None:
            shard.close()


def empty_hits(source: EventSource, n_hits: NDArray[np.int64]) -> CellHits | None:
    """Return uninitialised deposits with the given counts, None if the source keeps none."""
    return new_hits(n_hits, source.index.cell_dtype) if source.keeps_hits else None


def new_hits(n_hits: NDArray[np.int64], cell_dtype: np.dtype[Any]) -> CellHits:
    """Return uninitialised deposits of events with the given counts."""
    indptr = np.concatenate([[0], np.cumsum(n_hits)]).astype(np.int64)
    return CellHits(indptr, np.empty(indptr[-1], cell_dtype), np.empty(indptr[-1], np.float32))


# Wanted rows that are closer than this are read in one go, with what lies between: a chunk of hits holds a dozen
# events, and every read decompresses its chunks anew.
_ROWS_APART = 16


def _read_hits(shard: Shard, rows: NDArray[np.int32], into: CellHits, first: int) -> None:
    """Read the hits of ascending ``rows`` into the events from ``first`` on."""
    edges = np.concatenate([[0], np.flatnonzero(np.diff(rows) > _ROWS_APART) + 1, [len(rows)]]).tolist()
    for a, b in itertools.pairwise(edges):
        low, high = int(rows[a]), int(rows[b - 1]) + 1
        piece = shard.hits(low, high)
        counts = np.diff(piece.indptr)
        if not np.array_equal(counts[rows[a:b] - low], np.diff(into.indptr[first + a : first + b + 1])):
            raise ShardError(f"{shard.path}: changed while it was being read; start the training again")
        runs = a + np.flatnonzero(np.diff(rows[a:b]) != 1) + 1
        for start, stop in itertools.pairwise([a, *runs.tolist(), b]):
            place = slice(into.indptr[first + start], into.indptr[first + stop])
            found = slice(piece.indptr[rows[start] - low], piece.indptr[rows[stop - 1] - low + 1])
            into.cell[place] = piece.cell[found]
            into.energy[place] = piece.energy[found]


class BatchBuilder:
    """A batch that is filled from one window or from several, one after another.

    Parameters
    ----------
    source : EventSource
        What an event holds.
    events : ndarray, shape (B,), int64
        The events of the batch in order.
    """

    def __init__(self, source: EventSource, events: NDArray[np.int64]) -> None:
        index = source.index
        self.source = source
        self.events = events
        self.filled = 0
        raw = len(index.feature_names)
        self._features = np.empty((len(events), raw), np.float32) if source.reads_features else None
        self._target = None if source.target is None else np.empty(len(events), np.float32)
        self._own_weight = None if source.own_weight is None else np.empty(len(events), np.float32)
        self._hits = empty_hits(source, index.n_hits[events])
        self._tensors = {} if source.tensors is None else source.tensors.empty(len(events))

    @property
    def missing(self) -> int:
        """Events still to be filled."""
        return len(self.events) - self.filled

    def fill(self, window: Window, n: int) -> None:
        """Copy the next ``n`` events from ``window``."""
        places = slice(self.filled, self.filled + n)
        found = np.searchsorted(window.events, self.events[places])
        if self._features is not None and window.features is not None:
            self._features[places] = window.features[found]
        if self._target is not None and window.target is not None:
            self._target[places] = window.target[found]
        if self._own_weight is not None and window.own_weight is not None:
            self._own_weight[places] = window.own_weight[found]
        for name, tensor in self._tensors.items():
            tensor[places] = window.tensors[name][found]
        if self._hits is not None and window.hits is not None:
            # Copies of whole events are faster than index arrays over hits, and need no memory for them.
            for place, event in zip(range(places.start, places.stop), found, strict=True):
                into = slice(self._hits.indptr[place], self._hits.indptr[place + 1])
                out = slice(window.hits.indptr[event], window.hits.indptr[event + 1])
                self._hits.cell[into] = window.hits.cell[out]
                self._hits.energy[into] = window.hits.energy[out]
        self.filled += n

    def batch(self) -> SparseBatch:
        """Return the finished batch, with network inputs and weights."""
        target, weight = self._target, None
        inputs: dict[str, NDArray[np.float32]] = dict(self._tensors)
        if self._features is not None and self.source.inputs is not None:
            made = self.source.inputs(self._features)
            inputs |= {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in made.items()}
        if target is not None:
            weight = np.ones(len(target), np.float32)
            if self.source.weight is not None:
                raw = np.empty((len(target), 0), np.float32) if self._features is None else self._features
                weight = self.source.weight(raw, target).astype(np.float32)
            if self._own_weight is not None:
                weight = weight * self._own_weight
        return SparseBatch(self.events, inputs, self._hits, target, weight)
