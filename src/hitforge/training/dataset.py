"""Which events of which shards take part: an index made from buckets and hit counts, without reading a hit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.folds import fold_of
from hitforge.provenance import content_hash
from hitforge.shards import Shard, ShardError

ROWS_PER_SLICE = 64


@dataclass(frozen=True)
class EventIndex:
    """N events as (shard, row) pairs, in the order of the shards and of their rows.

    Attributes
    ----------
    paths : tuple of Path, length S
        Shards; the order given is the order of the events.
    shard, row : ndarray, shape (N,), int32
        Event i is row ``row[i]`` of ``paths[shard[i]]``.
    bucket : ndarray, shape (N,), int16
        Identity bucket.
    n_hits : ndarray, shape (N,), int64
        Voxel deposits of each event; zero for studies without voxels.
    feature_names : tuple of str, length F
        Columns of the raw features.
    voxel_shape : tuple of int or None
        Shape (z, x, y) of the dense grid.
    cell_dtype : dtype
        Type of the cell numbers: uint16 or uint32.
    slice_hits : int
        Most deposits in a slice (``ROWS_PER_SLICE`` rows) of any shard, of all folds: what one read may bring.
    features_scaled : bool
        The features came standardised.
    checksums : tuple of str, length S
        Content checksum of each shard.
    """

    paths: tuple[Path, ...]
    shard: NDArray[np.int32]
    row: NDArray[np.int32]
    bucket: NDArray[np.int16]
    n_hits: NDArray[np.int64]
    feature_names: tuple[str, ...]
    voxel_shape: tuple[int, int, int] | None
    cell_dtype: np.dtype[Any]
    slice_hits: int
    features_scaled: bool
    checksums: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def n_cells(self) -> int:
        """Cells of the dense grid, zero without one."""
        return 0 if self.voxel_shape is None else int(np.prod(self.voxel_shape))

    def folds(self, n_folds: int, wanted: Collection[int]) -> EventIndex:
        """Return the events of the wanted folds.

        Raises
        ------
        ValueError
            No event is in them.
        """
        kept = np.isin(fold_of(self.bucket, n_folds), list(wanted))
        if not kept.any():
            raise ValueError(
                f"no event of {len(self.paths)} shards is in fold(s) {sorted(wanted)} of {n_folds}; "
                "add parts or lower folds.count"
            )
        return self.take(np.flatnonzero(kept))

    def take(self, events: NDArray[np.integer]) -> EventIndex:
        """Return the events at the given positions of this index."""
        columns = {name: getattr(self, name)[events] for name in ("shard", "row", "bucket", "n_hits")}
        return EventIndex(**{**self.__dict__, **columns})

    def fingerprint(self) -> str:
        """Return a hash of what these events are: shard contents and rows, not where the files lie."""
        used, start = np.unique(self.shard, return_index=True)
        stop = np.append(start[1:], len(self))
        rows = [
            (self.checksums[s], content_hash(self.row[a:b].tolist())) for s, a, b in zip(used, start, stop, strict=True)
        ]
        return content_hash([self.feature_names, self.voxel_shape, self.features_scaled, rows])


def index_events(paths: Sequence[Path]) -> EventIndex:
    """Read buckets and hit counts of all shards; empty shards (quarantined parts) are fine.

    Raises
    ------
    ShardError
        No shard, or shards that disagree on features, voxel grid or scaling.
    """
    if not paths:
        raise ShardError("no shard given: the sample has no parts")
    buckets: list[NDArray[np.int16]] = []
    counts: list[NDArray[np.int64]] = []
    checksums: list[str] = []
    first: tuple[tuple[str, ...], tuple[int, int, int] | None, bool] | None = None
    cell_dtype = np.dtype(np.uint16)
    for path in paths:
        with Shard(path) as shard:
            layout = (shard.feature_names, shard.voxel_shape, shard.features_scaled)
            if first is None:
                first = layout
                if shard.voxel_shape is not None:
                    cell_dtype = shard.hits(0, 0).cell.dtype
            if layout != first:
                raise ShardError(
                    f"{path}: features, voxel grid or scaling differ from {paths[0]}; rebuild the older of the two"
                )
            buckets.append(shard.column("bucket"))
            counts.append(np.zeros(len(shard), np.int64) if shard.voxel_shape is None else shard.hit_counts())
            checksums.append(str(shard.attributes["content_checksum"]))
    assert first is not None
    fullest = [np.add.reduceat(n, np.arange(0, len(n), ROWS_PER_SLICE)).max() for n in counts if len(n)]
    lengths = [len(b) for b in buckets]
    return EventIndex(
        paths=tuple(paths),
        shard=np.repeat(np.arange(len(paths), dtype=np.int32), lengths),
        row=np.concatenate([np.arange(n, dtype=np.int32) for n in lengths]),
        bucket=np.concatenate(buckets),
        n_hits=np.concatenate(counts),
        feature_names=first[0],
        voxel_shape=first[1],
        cell_dtype=cell_dtype,
        slice_hits=int(max(fullest, default=0)),
        features_scaled=first[2],
        checksums=tuple(checksums),
    )


def check_disjoint(training: EventIndex, monitoring: EventIndex) -> None:
    """Refuse events that would be trained on and monitored with.

    Raises
    ------
    ValueError
        Names one of the events.
    """
    number = {path: i for i, path in enumerate(dict.fromkeys((*training.paths, *monitoring.paths)))}

    def keys(index: EventIndex) -> NDArray[np.int64]:
        shards = np.array([number[path] for path in index.paths], dtype=np.int64)
        return (shards[index.shard] << 32) + index.row

    common = np.intersect1d(keys(training), keys(monitoring))
    if len(common):
        path = list(number)[int(common[0] >> 32)]
        row = int(common[0] & 0xFFFFFFFF)
        raise ValueError(f"{len(common)} events are both trained on and monitored with: {path} row {row}, …")
