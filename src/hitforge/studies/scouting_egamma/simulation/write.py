"""ROOT files of candidates, written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import uproot
from numpy.typing import NDArray

from hitforge.config import SampleSettings, TreeFormat
from hitforge.new_trees import NewTree
from hitforge.provenance import atomic_path
from hitforge.studies.scouting_egamma.data.candidates import COLUMNS, MATRIX, N_CELLS, WORDS, Candidates
from hitforge.studies.scouting_egamma.simulation.generate import dead_channels, simulate_candidates
from hitforge.studies.scouting_egamma.simulation.settings import SimulationSettings

Progress = Callable[[int, int], None]

TREE, DEAD_TREE = "egamma", "dead_channels"
BRANCHES = {name: "<i2" if name in WORDS else "<f4" for name in COLUMNS} | {MATRIX: ("<f4", (N_CELLS,)), "event": "<u8"}


def simulate_part(
    out: Path, sample: SampleSettings, seed: int, progress: Progress | None, *, simulation: SimulationSettings
) -> None:
    """Write one simulated part of ``events_per_part`` candidates."""
    assert sample.events_per_part is not None
    settings = simulation.of_spectrum(sample.spectrum)
    candidates = simulate_candidates(sample.events_per_part, seed, settings, progress)
    write_part(out, candidates, dead_channels(settings), sample.tree_format)


def write_part(
    path: Path,
    chunks: Iterable[Candidates],
    dead: Mapping[str, NDArray[np.int16]],
    tree_format: TreeFormat = "ttree",
) -> int:
    """Write one file with tree ``egamma``, one entry a candidate, and return the number of candidates.

    Tree ``dead_channels`` lists ``ieta`` and ``iphi`` of dead barrel channels; readers do not need it.
    The file appears under its name only when it is complete; memory stays at one chunk.
    """
    total = 0
    with atomic_path(path) as temporary, uproot.recreate(temporary, compression=uproot.ZSTD(3)) as file:
        tree = NewTree(file, TREE, BRANCHES, tree_format)
        for candidates in chunks:
            total += len(candidates)
            tree.extend({name: candidates[name] for name in COLUMNS})
        NewTree(file, DEAD_TREE, dict.fromkeys(dead, "<i2"), tree_format).extend(dead)
    return total
