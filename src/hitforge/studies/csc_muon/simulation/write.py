"""Simulated parts: ROOT files of roads, written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import uproot

from hitforge.config import SampleSettings, TreeFormat
from hitforge.new_trees import NewTree
from hitforge.provenance import atomic_path
from hitforge.studies.csc_muon.data.roads import N_VARIABLES, Roads
from hitforge.studies.csc_muon.settings import SimulationSettings
from hitforge.studies.csc_muon.simulation.generate import simulate_roads

TREE = "muons"
_BRANCHES: dict[str, tuple[Any, str]] = {
    "variables": (("<f4", (N_VARIABLES,)), "variables"),
    "parameters": (("<f4", (3,)), "parameters"),
    "event": ("<u8", "event"),
    "n_hits": ("<i4", "n_hits"),
    "mode": ("<i4", "mode"),
    "w": ("<f4", "weight"),
}
"""Type of each branch, and where its values are."""


def write_part(path: Path, chunks: Iterable[Roads], tree_format: TreeFormat = "ttree") -> int:
    """Write one file with tree ``muons``, one entry a road, and return the number of roads.

    The file appears under its name only when it is complete. Chunks are written as they come, so memory stays at
    one chunk.

    Parameters
    ----------
    path : Path
        Final name; its folder is made if needed.
    chunks : iterable of Roads
        Consecutive roads.
    tree_format : str
        ``ttree`` or ``rntuple``.
    """
    n_roads = 0
    with atomic_path(path) as temporary, uproot.recreate(temporary, compression=uproot.ZSTD(3)) as file:
        tree = NewTree(file, TREE, {branch: kind for branch, (kind, _) in _BRANCHES.items()}, tree_format)
        for roads in chunks:
            n_roads += len(roads)
            tree.extend({branch: getattr(roads, name) for branch, (_, name) in _BRANCHES.items()})
    return n_roads


def simulate_part(
    out: Path,
    sample: SampleSettings,
    seed: int,
    progress: Callable[[int, int], None] | None,
    simulation: SimulationSettings,
) -> None:
    """Write one part of ``events_per_part`` muons, about 0.78 of which make a road."""
    assert sample.events_per_part is not None
    if sample.spectrum != "flat":
        raise ValueError(f"spectrum {sample.spectrum!r} is not known; known: flat (in 1/pT)")
    write_part(out, simulate_roads(sample.events_per_part, seed, simulation, progress), sample.tree_format)
