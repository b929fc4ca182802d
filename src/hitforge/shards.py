"""Shard format, version 1: the HDF5 file built from one part (docs/file-formats.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from hitforge.chunks import ZstdColumn
from hitforge.hdf5_files import naming_hdf5, open_hdf5
from hitforge.hits import CellHits
from hitforge.provenance import atomic_path

FORMAT = "hitforge-shard"
FORMAT_VERSION = 1
ROWS_PER_CHUNK = 1024
VALUES_PER_CHUNK = 1 << 14
HITS_PER_CHUNK = 1 << 16
_REBUILD = "rebuild the shard (snakemake shards)"


@dataclass(frozen=True)
class ShardLayout:
    """What the shards of a study hold, known before the first event: an empty shard is valid too."""

    feature_names: tuple[str, ...]
    feature_units: tuple[str, ...]
    targets: Mapping[str, str]
    truth: Mapping[str, str]
    voxel_shape: tuple[int, int, int] | None = None
    images: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ShardBlock:
    """Consecutive events of a part.

    Attributes
    ----------
    features : ndarray, shape (n, F), float32
        Raw high-level features.
    bucket : ndarray, shape (n,), int16
        Identity bucket of :mod:`hitforge.folds`.
    entry : ndarray, shape (n,), int64
        Entry of the event in its part.
    targets, truth : dict of ndarray, shape (n,)
        Truth is for selection and plots only; no model ever reads it.
    hits : CellHits or None
        Voxel deposits, for studies with a ``voxel_shape``.
    images : dict of ndarray, shape (n, C, H, W)
        Dense small tensors of other studies.
    """

    features: NDArray[np.float32]
    bucket: NDArray[np.int16]
    entry: NDArray[np.int64]
    targets: Mapping[str, NDArray[Any]]
    truth: Mapping[str, NDArray[Any]]
    hits: CellHits | None = None
    images: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.entry)


class ShardError(ValueError):
    """A shard that cannot be read or written; the message names the file and the fix."""


def _append(dataset: h5py.Dataset, values: NDArray[Any]) -> None:
    start = dataset.shape[0]
    dataset.resize(start + len(values), axis=0)
    dataset[start:] = values


def _create(handle: h5py.File, layout: ShardLayout) -> dict[str, h5py.Dataset]:
    """Create all datasets, empty, and return them: closing one would compress its last chunk, to be read again."""
    datasets: dict[str, h5py.Dataset] = {}
    zstd = dict(hdf5plugin.Zstd(clevel=1))
    # wide tables are written twice and read four times as fast as with zstd, and are twice as large
    lz4 = dict(hdf5plugin.Blosc(cname="lz4", clevel=5, shuffle=hdf5plugin.Blosc.SHUFFLE))

    def column(
        name: str,
        dtype: str,
        trailing: tuple[int, ...] = (),
        chunk: int = VALUES_PER_CHUNK,
        codec: Mapping[str, Any] = zstd,
    ) -> h5py.Dataset:
        shape, chunks = (0, *trailing), (chunk, *trailing)
        dataset = handle.create_dataset(name, shape, dtype, maxshape=(None, *trailing), chunks=chunks, **codec)
        datasets[name] = dataset
        return dataset

    features = column("features", "f4", (len(layout.feature_names),), ROWS_PER_CHUNK, lz4)
    features.attrs["names"] = list(layout.feature_names)
    features.attrs["units"] = list(layout.feature_units)
    column("bucket", "i2")
    column("entry", "i8")
    for group, columns in (("targets", layout.targets), ("truth", layout.truth)):
        for name, units in columns.items():
            column(f"{group}/{name}", "f4").attrs["units"] = units
    if layout.voxel_shape is not None:
        n_cells = int(np.prod(layout.voxel_shape))
        _append(column("voxels/indptr", "i8"), np.zeros(1, np.int64))
        column("voxels/cell", "u2" if n_cells <= 2**16 else "u4", chunk=HITS_PER_CHUNK)
        column("voxels/energy", "f4", chunk=HITS_PER_CHUNK)
        handle["voxels"].attrs["shape"] = layout.voxel_shape
        handle["voxels"].attrs["units"] = "GeV"
    for name, shape in layout.images.items():
        column(f"images/{name}", "f4", shape, chunk=64)
    return datasets


def _columns(layout: ShardLayout, block: ShardBlock, n_hits: int) -> dict[str, NDArray[Any]]:
    """Return what to append to each dataset; ``n_hits`` hits are there already."""
    columns: dict[str, NDArray[Any]] = {"features": block.features, "bucket": block.bucket, "entry": block.entry}
    columns |= {f"targets/{name}": block.targets[name] for name in layout.targets}
    columns |= {f"truth/{name}": block.truth[name] for name in layout.truth}
    columns |= {f"images/{name}": block.images[name] for name in layout.images}
    if block.hits is not None:
        columns["voxels/indptr"] = block.hits.indptr[1:] + n_hits
        columns |= {"voxels/cell": block.hits.cell, "voxels/energy": block.hits.energy}
    return columns


def write_shard(
    path: Path, layout: ShardLayout, blocks: Iterable[ShardBlock], attributes: Mapping[str, str | int | bool]
) -> int:
    """Write a shard atomically and return its number of events.

    ``attributes`` holds at least ``study``, ``sample``, ``part``, ``content_checksum`` and ``config_hash``.
    The same blocks give the same bytes: HDF5 time stamps are off.

    Raises
    ------
    ShardError
        The row counts of the written file disagree; nothing is left behind.
    """
    with atomic_path(path) as temporary:
        with h5py.File(temporary, "w", libver="v110") as handle:
            datasets = _create(handle, layout)
            n_events = 0
            n_hits = 0
            for block in blocks:
                for name, values in _columns(layout, block, n_hits).items():
                    _append(datasets[name], values)
                n_hits += 0 if block.hits is None else len(block.hits.cell)
                n_events += len(block)
            for name, value in attributes.items():
                handle.attrs[name] = value
            handle.attrs["format"] = FORMAT
            handle.attrs["format_version"] = FORMAT_VERSION
            handle.attrs["n_events"] = n_events
        with Shard(temporary) as shard:
            shard.check()
    return n_events


class Shard:
    """An open shard; use it as a context manager.

    Parameters
    ----------
    path : Path
    beside_others : bool
        Hits are decompressed past HDF5's lock, for threads that read at the same time; each keeps a chunk in memory.

    Raises
    ------
    ShardError
        Damaged, not a shard, or of a format version that this release does not know.
    FileNotFoundError, RefusedError
        Not there; or locked, forbidden or on a disk that fails, and then it may be whole.
    """

    def __init__(self, path: Path, beside_others: bool = False) -> None:
        self.path = path
        self._beside_others = beside_others
        self._file = open_hdf5(path, ShardError, _REBUILD)
        self.attributes: dict[str, Any] = dict(self._file.attrs)
        self._columns: dict[str, ZstdColumn | None] = {}
        if self.attributes.get("format") != FORMAT:
            self.close()
            raise ShardError(f"{path}: not a hitforge shard (attribute 'format' is missing or another)")
        version = int(self.attributes["format_version"])
        if version != FORMAT_VERSION:
            self.close()
            raise ShardError(
                f"{path}: shard format {version}, this release reads {FORMAT_VERSION}; "
                "rebuild the shard or use the release that wrote it"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object | type[BaseException] | TracebackType) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        return int(self.attributes["n_events"])

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Column names of ``features``."""
        return tuple(str(name) for name in self._file["features"].attrs["names"])

    @property
    def voxel_shape(self) -> tuple[int, int, int] | None:
        """Shape (z, x, y) of the voxel grid, None for studies without one."""
        if "voxels" not in self._file:
            return None
        z, x, y = (int(n) for n in self._file["voxels"].attrs["shape"])
        return (z, x, y)

    @property
    def features_scaled(self) -> bool:
        """Whether the features came standardised (published fold files); then they are not scaled again."""
        return bool(self.attributes.get("features_scaled", False))

    def column(self, name: str) -> NDArray[Any]:
        """Return a whole per-event dataset, for example ``bucket`` or ``targets/energy``."""
        with self._naming(name):
            values: NDArray[Any] = self._file[name][:]
        return values

    def rows(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Return rows ``start:stop`` of a per-event dataset."""
        with self._naming(name):
            values: NDArray[Any] = self._file[name][start:stop]
        return values

    def hit_counts(self) -> NDArray[np.int64]:
        """Return the number of hits of each event."""
        counts: NDArray[np.int64] = np.diff(self.column("voxels/indptr"))
        return counts

    def hits(self, start: int, stop: int) -> CellHits:
        """Return the voxel deposits of events ``start:stop``."""
        indptr = self.rows("voxels/indptr", start, stop + 1)
        first, last = int(indptr[0]), int(indptr[-1])
        return CellHits(indptr - first, self._hit_values("cell", first, last), self._hit_values("energy", first, last))

    def _naming(self, dataset: str) -> AbstractContextManager[None]:
        return naming_hdf5(self.path, ShardError, _REBUILD, dataset)

    def _hit_values(self, name: str, first: int, last: int) -> NDArray[Any]:
        if name not in self._columns:
            dataset = self._file["voxels"][name]
            direct = self._beside_others and ZstdColumn.can_read(dataset)
            self._columns[name] = ZstdColumn(dataset) if direct else None
        column = self._columns[name]
        if column is not None:
            with self._naming(f"voxels/{name}"):
                return column.rows(first, last)
        return self.rows(f"voxels/{name}", first, last)

    def check(self) -> None:
        """Verify that all datasets agree on the number of events and hits."""
        lengths: dict[str, int] = {}

        def note(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset) and not name.startswith("voxels/"):
                lengths[name] = item.shape[0]

        self._file.visititems(note)
        wrong = {name: length for name, length in lengths.items() if length != len(self)}
        if "voxels" in self._file:
            voxels = self._file["voxels"]
            n_hits = int(voxels["indptr"][-1])
            wrong |= {name: len(voxels[name]) for name in ("cell", "energy") if len(voxels[name]) != n_hits}
            if len(voxels["indptr"]) != len(self) + 1:
                wrong["indptr"] = len(voxels["indptr"])
        if wrong:
            raise ShardError(f"{self.path}: row counts {wrong} disagree with {len(self)} events; rebuild the shard")
