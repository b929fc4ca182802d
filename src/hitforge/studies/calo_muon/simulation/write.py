"""ROOT files of simulated muons, in the original's layout or compact, written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from hitforge.config import SampleSettings, TreeFormat
from hitforge.new_trees import NewTree
from hitforge.provenance import atomic_path
from hitforge.studies.calo_muon.data.geometry import Geometry, load_geometry
from hitforge.studies.calo_muon.data.muons import LIMITS, Muons
from hitforge.studies.calo_muon.settings import SimulationSettings
from hitforge.studies.calo_muon.simulation.generate import simulate_muons

_BATCH = {"b4": 50, "compact": 500}  # events in memory at a time: 20 MB of dense cells, or about as much of hits
_FLAGS = ("isElectron", "isPionCharged", "isPionNeutral", "isK0Long", "isK0Short", "isGamma", "isPositron")


def simulate_part(
    out: Path,
    sample: SampleSettings,
    seed: int,
    progress: Callable[[int, int], None] | None,
    *,
    geometry: str | Geometry,
    simulation: SimulationSettings,
) -> None:
    """Write one simulated part."""
    assert sample.events_per_part is not None
    if sample.spectrum not in ("flat", "discrete"):
        raise ValueError(f"spectrum {sample.spectrum!r} is not known; known: flat, discrete")
    block, spectrum = load_geometry(geometry), cast(Literal["flat", "discrete"], sample.spectrum)
    muons = simulate_muons(sample.events_per_part, seed, block, simulation, spectrum, progress)
    write_part(out, muons, block, simulation, sample.tree_format)


def write_part(
    path: Path, muons: Muons, geometry: Geometry, settings: SimulationSettings, tree_format: TreeFormat = "ttree"
) -> None:
    """Write one file: tree ``B4`` or tree ``muons``.

    The file appears under its name only when it is complete: it is written beside it and renamed. ``B4`` carries the
    names of the original production (arXiv:2107.02119) with fixed-length arrays in place of vectors.

    Parameters
    ----------
    path : Path
        Final name; its folder is made if needed.
    settings : SimulationSettings
        ``layout`` and ``full_branches`` choose what is written.
    tree_format : str
        ``ttree`` or ``rntuple``.
    """
    # uproot writes the file's name into it, so that name has to be the same in every job
    partial = path.with_name(f".{path.name}.partial")
    rows, name = (_b4_rows, "B4") if settings.layout == "b4" else (_compact_rows, "muons")
    static = _cell_branches(geometry) if settings.layout == "b4" and settings.full_branches else {}
    with atomic_path(path) as temporary:
        try:
            with uproot.recreate(partial, compression=uproot.ZSTD(3)) as file:
                # an empty batch carries the types, so that a file of zero muons has its tree as well
                batch = rows(muons, 0, 0, geometry, static)
                types = {key: _branch_type(value) for key, value in batch.items()}
                tree = NewTree(file, name, types, tree_format)
                step = _BATCH[settings.layout]
                for start in range(0, len(muons), step):
                    tree.extend(rows(muons, start, min(start + step, len(muons)), geometry, static))
            partial.replace(temporary)
        finally:
            partial.unlink(missing_ok=True)


def _branch_type(value: ak.Array | NDArray[np.generic]) -> object:
    if isinstance(value, np.ndarray):
        return (value.dtype, value.shape[1:]) if value.ndim > 1 else value.dtype
    return value.type.content


def _cell_branches(geometry: Geometry) -> dict[str, NDArray[np.generic]]:
    """Branches that are the same for every muon, shape (n_cells,): positions of cells [mm], layers, sizes."""
    iz, ix, iy = np.indices(geometry.shape).reshape(3, -1)
    ones = np.ones(geometry.n_cells)
    return {
        "rechit_x": (ix + 0.5) * geometry.pitch_x_mm - geometry.half_width_x_mm,
        "rechit_y": (iy + 0.5) * geometry.pitch_y_mm - geometry.half_width_y_mm,
        "rechit_z": iz * geometry.pitch_z_mm,  # front face, as in the original
        "rechit_layer": iz.astype(np.float64),
        "rechit_varea": ones * geometry.pitch_x_mm * geometry.pitch_y_mm,
        "rechit_vz": ones * geometry.pitch_z_mm,
        "rechit_vxy": ones * geometry.pitch_x_mm,
        "rechit_detid": np.arange(geometry.n_cells, dtype=np.int32),
    }


def _b4_rows(
    muons: Muons, start: int, stop: int, geometry: Geometry, static: dict[str, NDArray[np.generic]]
) -> dict[str, NDArray[np.generic]]:
    """Branches of events ``start:stop`` of the original's tree."""
    n = stop - start
    charge = muons.charge[start:stop]
    dense = muons.hits.slice(start, stop).to_dense(geometry.n_cells).astype(np.float64)
    batch: dict[str, NDArray[np.generic]] = {name: np.zeros(n, np.int32) for name in _FLAGS}
    batch["isMuon"] = (charge < 0).astype(np.int32)
    batch["isAntiMuon"] = (charge > 0).astype(np.int32)
    batch["true_energy"] = muons.energy_gev[start:stop].astype(np.float64)
    batch["true_x"] = muons.x_mm[start:stop].astype(np.float64)
    batch["true_y"] = muons.y_mm[start:stop].astype(np.float64)
    for name in LIMITS:
        batch[name] = getattr(muons, name)[start:stop]
    batch["total_dep_energy"] = dense.sum(axis=1)
    batch["rechit_energy"] = dense
    for name, values in static.items():
        batch[name] = np.broadcast_to(values, (n, len(values)))
    return batch


def _compact_rows(
    muons: Muons, start: int, stop: int, geometry: Geometry, static: dict[str, NDArray[np.generic]]
) -> dict[str, ak.Array | NDArray[np.generic]]:
    """Branches of events ``start:stop`` of the compact tree; ``nhit`` is added where the tree is written."""
    hits = muons.hits.slice(start, stop)
    counts = np.diff(hits.indptr)
    deposit = np.add.reduceat(np.append(hits.energy, np.float32(0)), hits.indptr[:-1]) if stop > start else np.zeros(0)
    return {
        "event": np.arange(start, stop, dtype=np.int32),
        "charge": muons.charge[start:stop],
        "e_true": muons.energy_gev[start:stop],
        "x0": muons.x_mm[start:stop],
        "y0": muons.y_mm[start:stop],
        **{name: getattr(muons, name)[start:stop] for name in LIMITS},
        "e_dep": np.where(counts > 0, deposit, 0).astype(np.float32),
        "hit": ak.zip(
            {
                "cell": ak.unflatten(hits.cell.astype(np.uint16), counts),
                "e": ak.unflatten(hits.energy.astype(np.float32), counts),
            }
        ),
    }
