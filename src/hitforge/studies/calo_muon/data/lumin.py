"""Reader of the published fold file (LUMIN format, Zenodo 10.5281/zenodo.5163817).

Its features are already scaled and it carries no entry point, so features cannot be made again from its hits.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from hitforge.hits import CellHits
from hitforge.identities import Identities
from hitforge.inspection import ContentChecksum, repeat_problems
from hitforge.ntuple import NtupleError, check_file, naming_damage
from hitforge.shards import ShardBlock
from hitforge.studies.calo_muon.data.decode import cell_dtype
from hitforge.studies.calo_muon.data.geometry import Geometry
from hitforge.studies.calo_muon.data.muons import LIMITS, Muons
from hitforge.studies.calo_muon.data.ntuple import checksum_columns, muon_identities
from hitforge.studies.calo_muon.features import FEATURE_NAMES
from hitforge.validation import PartFindings, Problem

_FOLD = re.compile(r"fold_(\d+)")
_DATASETS = ("inputs", "targets", "matrix_inputs")
_COO_ROWS = 6

_DOWNLOAD = "download the file again, or check that it is a fold file of this study"


@dataclass(frozen=True)
class _Meta:
    columns: list[int]
    shape: tuple[int, int, int]
    sparse: bool


def is_fold(source: str) -> bool:
    """Whether a source is a fold of a file, ``<file>#fold_<n>``."""
    # not a # that belongs to the name of a ROOT file or of its folder
    return "#fold_" in source and not source.endswith(".root")


def fold_blocks(source: str, geometry: Geometry, slice_mb: float = 64.0) -> Iterator[ShardBlock]:
    """Yield the muons of one fold as blocks for a shard, with bounded memory.

    The file's own fold is kept: its number is the bucket of all its muons, so ``bucket mod F`` is the fold again
    for the file's own F.

    Parameters
    ----------
    source : str
        ``<file>#fold_<n>``.
    geometry : Geometry
        Has to have the file's numbers of cells.
    slice_mb : float, default 64
        The stored coordinates are read in slices of this size.

    Raises
    ------
    NtupleError
        Not a fold file, an unknown fold, damaged or inconsistent content.
    """
    path, fold = _address(source)
    with _opened(path) as file:
        stored = _StoredFold(file, path, fold, geometry)
        first = 0
        for hits in stored.hits(slice_mb):
            rows = slice(first, first + len(hits))
            unknown = np.full(len(hits), np.nan, dtype=np.float32)
            yield ShardBlock(
                features=stored.features[rows],
                bucket=np.full(len(hits), fold, dtype=np.int16),
                entry=np.arange(rows.start, rows.stop, dtype=np.int64),
                targets={"energy": stored.energy_gev[rows]},
                truth={
                    **{"x": unknown, "y": unknown, "charge": np.zeros(len(hits), dtype=np.float32)},
                    **dict.fromkeys(LIMITS, unknown),
                },
                hits=hits,
            )
            first = rows.stop


def fold_size(source: str, geometry: Geometry) -> int:
    """Return the number of muons of a fold; errors as for :func:`fold_blocks`."""
    path, fold = _address(source)
    with _opened(path) as file:
        return len(_StoredFold(file, path, fold, geometry).energy_gev)


def inspect_fold(source: str, geometry: Geometry) -> PartFindings:
    """Read one fold to its end and report what is wrong with it.

    Parameters
    ----------
    source : str
        ``<file>#fold_<n>``.
    geometry : Geometry
        Has to have the file's numbers of cells.
    """
    checksum = ContentChecksum()
    identities: list[Identities] = []
    problems: list[Problem] = []
    energy = np.zeros(0, dtype=np.float32)
    size = 0
    try:
        path, fold = _address(source)
        with _opened(path) as file:
            size = Path(path).stat().st_size
            stored = _StoredFold(file, path, fold, geometry)
            energy = stored.energy_gev
            problems.extend(_energy_problems(energy, path, stored.name))
            first = 0
            for hits in stored.hits():
                nothing = np.zeros(len(hits), dtype=np.float32)
                part = energy[first : first + len(hits)]
                muons = Muons(hits, part, nothing, nothing, nothing.astype(np.int8))
                checksum.update(*checksum_columns(muons))
                identities.append(muon_identities(muons))
                first += len(hits)
    except NtupleError as error:
        problems.extend(error.problems)
    every = np.concatenate([np.zeros(0, dtype=np.uint64), *identities])
    if not problems:
        problems.extend(repeat_problems(every, "muon", source))
    known = energy[np.isfinite(energy) & (energy > 0.0)]
    return PartFindings(
        n_events=len(energy),
        content_checksum="" if problems else checksum.hexdigest(),
        layout="fold_file",
        problems=tuple(problems),
        e_min_gev=float(known.min()) if len(known) else None,
        e_max_gev=float(known.max()) if len(known) else None,
        size_bytes=size,
        identities=b"" if problems else every.tobytes(),
    )


def _energy_problems(energy: NDArray[np.float32], path: str, place: str) -> Iterator[Problem]:
    if not len(energy):
        yield Problem("empty_tree", "the fold has no muons", "leave the fold out", path, place)
    bad = ~(np.isfinite(energy) & (energy > 0.0))
    if bad.any():
        detail = "true energy not positive (challenge files hide it as -1)"
        fix = "use a file with true energies; hidden ones serve neither training nor evaluation"
        yield Problem("non_positive_energy", detail, fix, path, place, "targets", int(bad.argmax()), int(bad.sum()))


def _address(source: str) -> tuple[str, int]:
    path, _, fold = source.rpartition("#fold_")
    if not path or not fold.isdigit():
        raise _error(source, "missing_fold", "the address of a fold is <file>#fold_<number>")
    return path, int(fold)


class _StoredFold:
    """One fold of an open file: what is per muon in memory, its hits read as they are asked for."""

    def __init__(self, file: Any, path: str | Path, fold: int, geometry: Geometry) -> None:
        groups = _fold_groups(file, path)
        if fold not in groups:
            raise _error(path, "missing_fold", f"no fold {fold}; there are {sorted(groups)}")
        meta = _meta(file, path)
        if meta.shape != geometry.shape:
            detail = f"{meta.shape} cells, geometry {geometry.name} has {geometry.shape}"
            raise _error(path, "wrong_shape", detail, "meta_data/matrix_feats")
        self.name = groups[fold]
        group = file[self.name]
        for dataset in _DATASETS:
            if dataset not in group:
                raise _error(path, "missing_dataset", f"no dataset {dataset}", self.name)
        self.energy_gev: NDArray[np.float32] = np.asarray(group["targets"][:], dtype=np.float32).reshape(-1)
        inputs = np.asarray(group["inputs"][:], dtype=np.float32)
        expected = (len(self.energy_gev), len(FEATURE_NAMES))
        if inputs.shape != expected:
            raise _error(path, "wrong_length", f"inputs have shape {inputs.shape}, expected {expected}", self.name)
        self.features: NDArray[np.float32] = np.nan_to_num(inputs[:, meta.columns])
        self._path, self._meta, self._stored = path, meta, group["matrix_inputs"]

    def hits(self, slice_mb: float = 64.0) -> Iterator[CellHits]:
        """Yield the hits of consecutive muons, together of all."""
        read = _sparse_hits if self._meta.sparse else _dense_hits
        try:
            yield from read(self._stored, len(self.energy_gev), self._meta.shape, slice_mb)
        except _BadHits as bad:
            raise _error(self._path, "bad_hits", str(bad), f"{self.name}/matrix_inputs") from bad


class _BadHits(Exception):
    """The stored hits contradict themselves."""


def _error(path: str | Path, reason: str, detail: str, place: str = "") -> NtupleError:
    return NtupleError(Problem(reason, detail, _DOWNLOAD, str(path), place))


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    check_file(Path(path))
    with naming_damage(str(path), library=f"h5py {h5py.__version__}", fix=_DOWNLOAD), h5py.File(path, "r") as file:
        yield file


def _fold_groups(file: Any, path: str | Path) -> dict[int, str]:
    groups = {}
    for name in file:
        match = _FOLD.search(name)
        if match:
            groups[int(match.group(1))] = name
    if not groups:
        raise _error(path, "missing_fold", f"no group fold_<n>; there are {sorted(file)}")
    return groups


def _json(file: Any, path: str | Path, name: str) -> Any:
    place = f"meta_data/{name}"
    if place not in file:
        raise _error(path, "missing_dataset", f"no dataset {place}", place)
    text = file[place][()]
    try:
        return json.loads(text)  # bytes or str, as the writer had it
    except (TypeError, ValueError) as error:
        raise _error(path, "unreadable", f"not JSON: {error}", place) from error


def _meta(file: Any, path: str | Path) -> _Meta:
    names = [str(name).removeprefix("hl_") for name in _json(file, path, "cont_feats")]
    if sorted(names) != sorted(FEATURE_NAMES):
        odd = sorted(set(names) ^ set(FEATURE_NAMES))
        raise _error(path, "wrong_features", f"features differ from the 28 of the study: {odd}", "meta_data/cont_feats")
    matrix = _json(file, path, "matrix_feats")
    shape = tuple(int(n) for n in matrix.get("shape", ()))
    if len(shape) != 4 or shape[0] != 1:
        detail = f"shape {list(shape)}, expected [1, z, x, y]"
        raise _error(path, "wrong_shape", detail, "meta_data/matrix_feats")
    columns = [names.index(name) for name in FEATURE_NAMES]
    return _Meta(columns, (shape[1], shape[2], shape[3]), bool(matrix.get("is_sparse", False)))


def _sparse_hits(stored: Any, n_muons: int, shape: tuple[int, int, int], slice_mb: float) -> Iterator[CellHits]:
    """Read coordinate rows (deposit, muon, channel, z, x, y), all stored as float32."""
    if stored.ndim != 2 or stored.shape[0] != _COO_ROWS:
        raise _BadHits(f"shape {stored.shape}, expected ({_COO_ROWS}, number of hits)")
    n_cells = math.prod(shape)
    dtype = cell_dtype(n_cells)
    step = max(int(slice_mb * 1e6 / (_COO_ROWS * 4)), 1)
    done = 0  # muons that were yielded
    before = -1
    # hits of the last muon of a slice, which may go on in the next
    muon = np.zeros(0, dtype=np.int64)
    cell = np.zeros(0, dtype=dtype)
    energy = np.zeros(0, dtype=np.float32)
    for start in range(0, stored.shape[1], step):
        block = stored[:, start : start + step]
        place = _places(block, start, n_muons, shape)
        if (np.diff(place, prepend=before) <= 0).any():
            raise _BadHits("hits are not in ascending order of muon, z, x, y")
        before = int(place[-1])
        filled = block[0] > 0.0
        muon = np.concatenate([muon, place[filled] // n_cells])
        cell = np.concatenate([cell, (place[filled] % n_cells).astype(dtype)])
        energy = np.concatenate([energy, block[0][filled]])
        complete = before // n_cells
        if complete > done:
            # muons ascend, so the hits of all muons before m are those left of it
            indptr = np.searchsorted(muon, np.arange(done, complete + 1)).astype(np.int64)
            yield CellHits(indptr, cell[: indptr[-1]], energy[: indptr[-1]])
            muon, cell, energy = muon[indptr[-1] :], cell[indptr[-1] :], energy[indptr[-1] :]
            done = complete
    yield CellHits(np.searchsorted(muon, np.arange(done, n_muons + 1)).astype(np.int64), cell, energy)


def _places(block: NDArray[np.float32], start: int, n_muons: int, shape: tuple[int, int, int]) -> NDArray[np.int64]:
    """Return muon times number of cells plus flat cell of each hit of a slice, after checking it."""
    if not np.isfinite(block).all():
        raise _BadHits(f"NaN or infinity in hits {start} to {start + block.shape[1]}")
    if (block[0] < 0.0).any():
        raise _BadHits(f"negative deposit in hit {start + int(np.argmax(block[0] < 0.0))}")
    muon, channel, *index = block[1:].astype(np.int64)
    inside = (muon >= 0) & (muon < n_muons) & (channel == 0)
    place = muon
    for i, n in zip(index, shape, strict=True):
        inside &= (i >= 0) & (i < n)
        place = place * n + i
    if not inside.all():
        raise _BadHits(f"hit {start + int(np.argmin(inside))} is outside {n_muons} muons or cells {shape}")
    return np.asarray(place, dtype=np.int64)


def _dense_hits(stored: Any, n_muons: int, shape: tuple[int, int, int], slice_mb: float) -> Iterator[CellHits]:
    """Read a dense array (muon, channel, z, x, y)."""
    n_cells = math.prod(shape)
    if stored.shape[0] != n_muons or math.prod(stored.shape[1:]) != n_cells:
        raise _BadHits(f"shape {stored.shape}, expected ({n_muons}, 1, {shape[0]}, {shape[1]}, {shape[2]})")
    step = max(int(slice_mb * 1e6 / (4 * n_cells)), 1)
    for start in range(0, n_muons, step):
        dense = np.asarray(stored[start : start + step], dtype=np.float32).reshape(-1, n_cells)
        if not np.isfinite(dense).all() or (dense < 0.0).any():
            raise _BadHits(f"NaN, infinity or negative deposit in muons {start} to {start + len(dense)}")
        yield CellHits.from_dense(dense)
