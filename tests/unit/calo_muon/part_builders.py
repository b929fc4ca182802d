"""Write small ROOT files, good ones and ones with a chosen fault."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from hitforge.hits import CellHits
from hitforge.inspection import ContentChecksum
from hitforge.studies.calo_muon.data.muons import Muons
from hitforge.studies.calo_muon.data.ntuple import checksum_columns

N_CELLS = 51_200
ZSTD = uproot.ZSTD(1)


def make_muons(number: int = 5, seed: int = 1, n_cells: int = N_CELLS) -> Muons:
    """Muons with a few random hits each; the charges alternate."""
    rng = np.random.default_rng(seed)
    dense = np.zeros((number, n_cells), dtype=np.float32)
    for row in dense:
        row[rng.choice(n_cells, min(60, n_cells // 2), replace=False)] = 10 ** rng.uniform(-6, 0, min(60, n_cells // 2))
    x, y = rng.uniform(-20, 20, (2, number)).astype(np.float32)
    charge = np.where(np.arange(number) % 2 == 0, -1, 1).astype(np.int8)
    return Muons(CellHits.from_dense(dense), rng.uniform(50, 8000, number).astype(np.float32), x, y, charge)


def b4_columns(muons: Muons, n_cells: int = N_CELLS) -> dict[str, Any]:
    """Columns of the tree B4 as the simulation writes it."""
    dense = muons.hits.to_dense(n_cells).astype(np.float64)
    return {
        "isMuon": (muons.charge < 0).astype(np.int32),
        "isAntiMuon": (muons.charge > 0).astype(np.int32),
        "true_energy": muons.energy_gev.astype(np.float64),
        "true_x": muons.x_mm.astype(np.float64),
        "true_y": muons.y_mm.astype(np.float64),
        "total_dep_energy": dense.sum(axis=1),
        "rechit_energy": dense,
    }


def compact_columns(muons: Muons) -> dict[str, Any]:
    """Columns of the tree muons; the hits are jagged and become one collection in :func:`write_tree`."""
    counts = np.diff(muons.hits.indptr)
    return {
        "event": np.arange(len(muons), dtype=np.int32),
        "charge": muons.charge,
        "e_true": muons.energy_gev,
        "x0": muons.x_mm,
        "y0": muons.y_mm,
        "hit": ak.zip({"cell": ak.unflatten(muons.hits.cell, counts), "e": ak.unflatten(muons.hits.energy, counts)}),
    }


def write_tree(path: Path, name: str, columns: dict[str, Any], batch: int = 2, compression: Any = ZSTD) -> Path:
    """Write columns as a TTree with several baskets; an empty column makes an empty tree."""
    types = {}
    for column, values in columns.items():
        if isinstance(values, ak.Array):
            types[column] = ak.type(values).content if len(values) else "var * float64"
        else:
            types[column] = np.dtype((values.dtype, values.shape[1:]))
    with uproot.recreate(path, compression=compression) as file:
        tree = file.mktree(name, types)
        for start in range(0, len(next(iter(columns.values()))), batch):
            tree.extend({column: values[start : start + batch] for column, values in columns.items()})
    return path


def write_b4(path: Path, muons: Muons, **kwargs: Any) -> Path:
    """A good file in the fixed-length layout."""
    return write_tree(path, "B4", b4_columns(muons), **kwargs)


def write_compact(path: Path, muons: Muons, **kwargs: Any) -> Path:
    """A good file in the compact layout."""
    return write_tree(path, "muons", compact_columns(muons), **kwargs)


def content_checksum(chunks: Iterable[Muons]) -> str:
    """Return the checksum of the decoded values of consecutive muons, as an inspection takes it."""
    checksum = ContentChecksum()
    for muons in chunks:
        checksum.update(*checksum_columns(muons))
    return checksum.hexdigest()
