"""Candidates and files for the tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from hitforge.studies.scouting_egamma.data.candidates import COLUMNS, Candidates
from hitforge.studies.scouting_egamma.simulation.generate import dead_channels, simulate_candidates
from hitforge.studies.scouting_egamma.simulation.settings import SimulationSettings
from hitforge.studies.scouting_egamma.simulation.write import BRANCHES

DEAD = dead_channels(SimulationSettings())
"""Dead barrel channels of the generator's default map."""


@cache
def simulated(n: int = 20_000, seed: int = 1) -> Candidates:
    """Candidates of the generator; do not change them in place."""
    chunks = list(simulate_candidates(n, seed, SimulationSettings()))
    return Candidates({name: np.concatenate([chunk[name] for chunk in chunks]) for name in COLUMNS})


def changed(candidates: Candidates, **columns: Any) -> Candidates:
    """A copy with other columns."""
    return Candidates({**candidates.columns, **columns})


def write(path: Path, candidates: Candidates, vectors: dict[str, ak.Array] | None = None, leave_out: str = "") -> Path:
    """A ROOT file of candidates, with track columns as vectors if wanted, or without one branch."""
    with uproot.recreate(path) as file:
        kinds: dict[str, Any] = {name: kind for name, kind in BRANCHES.items() if name != leave_out}
        data: dict[str, Any] = {name: candidates[name] for name in kinds}
        for name, values in (vectors or {}).items():
            kinds[name], data[name] = "var * float32", values
        tree = file.mktree("egamma", kinds)
        tree.extend(data)
    return path
