"""Parts in every layout that the study reads, made from the same roads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import uproot

from hitforge.studies.csc_muon.data.ntuple import complete_roads
from hitforge.studies.csc_muon.data.roads import Roads
from hitforge.studies.csc_muon.settings import SCALARS, ReaderSettings, SimulationSettings
from hitforge.studies.csc_muon.simulation.generate import simulate_roads
from hitforge.studies.csc_muon.simulation.write import write_part

MAPPED = ReaderSettings(branches={**{name: f"vh_{name}" for name in SCALARS}, "event": "number", "w": "weight"})


def some_roads(n_guns: int = 400, seed: int = 1) -> Roads:
    """Return simulated roads with the event numbers that an ``.npz`` file gives them."""
    roads = next(simulate_roads(n_guns, seed, SimulationSettings()))
    return complete_roads(roads.variables, roads.parameters)


def write_vector(path: Path, roads: Roads, chunk: int = 100) -> Path:
    write_part(path, (roads.take(slice(i, i + chunk)) for i in range(0, len(roads), chunk)))
    return path


def write_scalars(path: Path, roads: Roads, leave_out: tuple[str, ...] = ()) -> Path:
    """Write one branch for each column, under other names, float64 where the original has float32."""
    columns = np.concatenate([roads.variables, roads.parameters], axis=1).astype(np.float64)
    data: dict[str, np.ndarray] = {f"vh_{name}": columns[:, i] for i, name in enumerate(SCALARS)}
    data |= {"number": roads.event, "weight": roads.weight.astype(np.float64)}
    data["mode"] = np.full(len(roads), 99, np.int32)  # a foreign branch of the same name
    kept = {name: values for name, values in data.items() if name not in leave_out}
    with uproot.recreate(path) as file:
        file.mktree("muons", {name: values.dtype for name, values in kept.items()}).extend(kept)
    return path


def write_npz(path: Path, roads: Roads, order: tuple[int, int, int] = (0, 1, 2), compressed: bool = False) -> Path:
    """Write the original layout; ``order`` gives the columns of the parameters."""
    save = np.savez_compressed if compressed else np.savez
    save(path, variables=roads.variables, parameters=roads.parameters[:, list(order)])
    return path
