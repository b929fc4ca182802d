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
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from hitforge.hits import CellHits
from hitforge.ntuple import NtupleError, Problem
from hitforge.studies.calo_muon.decode import cell_dtype
from hitforge.studies.calo_muon.features import FEATURE_NAMES

_FOLD = re.compile(r"fold_(\d+)")
_DATASETS = ("inputs", "targets", "matrix_inputs")
_COO_ROWS = 6

_DOWNLOAD = "download the file again, or check that it is a fold file of this study"


class Fold(NamedTuple):
    """One fold of N muons.

    Attributes
    ----------
    features : ndarray, shape (N, 28), float32
        High-level features, scaled by the authors; columns in our order.
    hits : CellHits
        Deposits, GeV.
    energy_gev : ndarray, shape (N,), float32
        True energy; -1 in challenge files that hide it.
    """

    features: NDArray[np.float32]
    hits: CellHits
    energy_gev: NDArray[np.float32]


@dataclass(frozen=True)
class _Meta:
    columns: list[int]
    shape: tuple[int, int, int]
    sparse: bool


def fold_files(path: str | Path) -> list[int]:
    """Return the numbers of the folds in a file, in numeric order."""
    with _opened(path) as file:
        return sorted(_fold_groups(file, path))


def read_fold(path: str | Path, fold: int, slice_mb: float = 64.0) -> Fold:
    """Read one fold.

    Parameters
    ----------
    path : str or Path
        Fold file, opened read-only.
    fold : int
        One of :func:`fold_files`.
    slice_mb : float, default 64
        The stored coordinates are read in slices of this size; beyond the returned arrays memory stays at a few
        times that.

    Returns
    -------
    Fold
        Features without NaN or infinity, hits and energies. The number of muons is that of the targets: the last
        muons may have no hits.

    Raises
    ------
    NtupleError
        Not a fold file, an unknown fold, damaged or inconsistent content.
    """
    with _opened(path) as file:
        groups = _fold_groups(file, path)
        if fold not in groups:
            raise _error(path, "missing_fold", f"no fold {fold}; there are {sorted(groups)}")
        meta = _meta(file, path)
        name = groups[fold]
        group = file[name]
        for dataset in _DATASETS:
            if dataset not in group:
                raise _error(path, "missing_dataset", f"no dataset {dataset}", name)
        energy = np.asarray(group["targets"][:], dtype=np.float32).reshape(-1)
        inputs = np.asarray(group["inputs"][:], dtype=np.float32)
        if inputs.shape != (len(energy), len(FEATURE_NAMES)):
            expected = (len(energy), len(FEATURE_NAMES))
            raise _error(path, "wrong_length", f"inputs have shape {inputs.shape}, expected {expected}", name)
        read = _sparse_hits if meta.sparse else _dense_hits
        try:
            hits = read(group["matrix_inputs"], len(energy), meta.shape, slice_mb)
        except _BadHits as bad:
            raise _error(path, "bad_hits", str(bad), f"{name}/matrix_inputs") from bad
    return Fold(np.nan_to_num(inputs[:, meta.columns]), hits, energy)


class _BadHits(Exception):
    """The stored hits contradict themselves."""


def _error(path: str | Path, reason: str, detail: str, place: str = "") -> NtupleError:
    return NtupleError(Problem(reason, detail, _DOWNLOAD, str(path), place))


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    try:
        with h5py.File(path, "r") as file:
            yield file
    except FileNotFoundError as error:
        raise _error(path, "missing_file", "no such file") from error
    except (OSError, KeyError, RuntimeError) as error:  # all that HDF5 raises on damaged bytes
        raise _error(path, "unreadable", f"cannot be read ({type(error).__name__}: {error})") from error


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


def _sparse_hits(stored: Any, n_muons: int, shape: tuple[int, int, int], slice_mb: float) -> CellHits:
    """Read coordinate rows (deposit, muon, channel, z, x, y), all stored as float32."""
    if stored.ndim != 2 or stored.shape[0] != _COO_ROWS:
        raise _BadHits(f"shape {stored.shape}, expected ({_COO_ROWS}, number of hits)")
    n_hit = stored.shape[1]
    n_cells = math.prod(shape)
    cell = np.empty(n_hit, dtype=cell_dtype(n_cells))
    energy = np.empty(n_hit, dtype=np.float32)
    indptr = np.zeros(n_muons + 1, dtype=np.int64)
    step = max(int(slice_mb * 1e6 / (_COO_ROWS * 4)), 1)
    kept = 0
    before = -1
    for start in range(0, n_hit, step):
        block = stored[:, start : start + step]
        if not np.isfinite(block).all():
            raise _BadHits(f"NaN or infinity in hits {start} to {start + block.shape[1]}")
        muon, channel, *index = block[1:].astype(np.int64)
        inside = (muon >= 0) & (muon < n_muons) & (channel == 0)
        for i, n in zip(index, shape, strict=True):
            inside &= (i >= 0) & (i < n)
        if not inside.all():
            raise _BadHits(f"hit {start + int(np.argmin(inside))} is outside {n_muons} muons or cells {shape}")
        if (block[0] < 0.0).any():
            raise _BadHits(f"negative deposit in hit {start + int(np.argmax(block[0] < 0.0))}")
        flat = (index[0] * shape[1] + index[1]) * shape[2] + index[2]
        place = muon * n_cells + flat
        if (np.diff(place, prepend=before) <= 0).any():
            raise _BadHits("hits are not in ascending order of muon, z, x, y")
        before = int(place[-1])
        filled = block[0] > 0.0
        muon, flat = muon[filled], flat[filled]
        cell[kept : kept + len(flat)] = flat
        energy[kept : kept + len(flat)] = block[0][filled]
        # muons ascend, so the hits of all muons before m are those left of it
        indptr[1:] += np.searchsorted(muon, np.arange(n_muons), side="right")
        kept += len(flat)
    return CellHits(indptr, cell[:kept], energy[:kept])


def _dense_hits(stored: Any, n_muons: int, shape: tuple[int, int, int], slice_mb: float) -> CellHits:
    n_cells = math.prod(shape)
    if stored.shape[0] != n_muons or math.prod(stored.shape[1:]) != n_cells:
        raise _BadHits(f"shape {stored.shape}, expected ({n_muons}, 1, {shape[0]}, {shape[1]}, {shape[2]})")
    blocks = []
    step = max(int(slice_mb * 1e6 / (4 * n_cells)), 1)
    for start in range(0, n_muons, step):
        dense = np.asarray(stored[start : start + step], dtype=np.float32).reshape(-1, n_cells)
        if not np.isfinite(dense).all() or (dense < 0.0).any():
            raise _BadHits(f"NaN, infinity or negative deposit in muons {start} to {start + len(dense)}")
        blocks.append(CellHits.from_dense(dense))
    return CellHits.concatenate(blocks)
