"""Speed of what csc_muon does to roads, from the generator to the shard and to the tensors of its networks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hitforge.config import load_settings
from hitforge.shards import write_shard
from hitforge.studies.base import load_study
from hitforge.studies.csc_muon.data.derived import features_of
from hitforge.studies.csc_muon.data.ntuple import read_roads
from hitforge.studies.csc_muon.data.roads import Roads
from hitforge.studies.csc_muon.models.tensors import hit_image, plane_map
from hitforge.studies.csc_muon.settings import ReaderSettings, SimulationSettings
from hitforge.studies.csc_muon.simulation.generate import simulate_roads
from hitforge.studies.csc_muon.simulation.write import write_part

N_GUNS = 100_000
BATCH = 4096
ATTRIBUTES = {"study": "csc_muon", "sample": "bench", "part": "p", "content_checksum": "", "config_hash": ""}


def measure(folder: Path) -> dict[str, float | str]:
    """Return roads per CPU second of one core, the best of three."""
    study = load_study("csc_muon", load_settings({"studies": ["csc_muon"]}).studies["csc_muon"])
    chunks = list(simulate_roads(N_GUNS, 1, SimulationSettings()))
    few = Roads.concatenate(chunks).take(slice(0, 4 * BATCH)).variables
    batches = [few[i : i + BATCH] for i in range(0, len(few), BATCH)]
    sign = np.ones(BATCH, dtype=np.float32)
    part, shard = folder / "part.root", folder / "shard.h5"
    actions: dict[str, Callable[[], int]] = {
        "generate": lambda: sum(map(len, simulate_roads(N_GUNS, 1, SimulationSettings()))),
        "write ROOT": lambda: write_part(part, chunks),
        "read and check ROOT": lambda: sum(len(roads) for _, roads in read_roads(part, ReaderSettings())),
        "features": lambda: sum(len(features_of(roads.variables)) for roads in chunks),
        "build a shard": lambda: write_shard(shard, study.layout, study.read(str(part)), ATTRIBUTES),
        "plane_map": lambda: sum(len(plane_map(batch, sign)) for batch in batches),
        "hit_image": lambda: sum(len(hit_image(batch, sign)) for batch in batches),
    }
    return {f"{name} [roads / CPU s]": max(_rate(action) for _ in range(3)) for name, action in actions.items()}


def _rate(action: Callable[[], int]) -> float:
    start = time.process_time()
    number = action()
    return number / (time.process_time() - start)
