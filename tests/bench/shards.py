"""Building a shard against what uproot alone needs to read and decompress the same branches."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import uproot

from hitforge.config import load_settings
from hitforge.shards import write_shard
from hitforge.studies.base import Study, load_study
from hitforge.studies.calo_muon.data.geometry import load_geometry
from hitforge.studies.calo_muon.data.reading import high_level_features
from hitforge.studies.calo_muon.settings import SimulationSettings
from hitforge.studies.calo_muon.simulation.generate import simulate_muons
from hitforge.studies.calo_muon.simulation.write import write_part
from tests.bench.timing import in_turn, ratios

B4 = ("rechit_energy", "true_energy", "true_x", "true_y")
COMPACT = ("hit_cell", "hit_e", "nhit", "e_true", "x0", "y0")
N_EVENTS = 250
ATTRIBUTES = {"study": "calo_muon", "sample": "bench", "part": "p", "content_checksum": "", "config_hash": ""}


def measure(folder: Path) -> dict[str, float | str]:
    """Return milliseconds an event and ratios for each layout and compression, and the speed of the features."""
    study = load_study("calo_muon", load_settings({"studies": ["calo_muon"]}).studies["calo_muon"])
    geometry = load_geometry("pbwo4_40.64mm")
    fixed, lzma = folder / "fixed.root", folder / "lzma.root"
    muons = simulate_muons(N_EVENTS, 1, geometry, SimulationSettings(), "flat")
    write_part(fixed, muons, geometry, SimulationSettings())
    _compress_again(fixed, lzma)
    features = in_turn(
        5,
        clock=time.process_time,
        all=lambda: high_level_features(muons.hits, muons.x_mm, muons.y_mm, geometry),
    )
    result: dict[str, float | str] = {"28 features [muons/s]": N_EVENTS / features["all"]}
    result |= _compare(study, [fixed], N_EVENTS, folder, "fixed arrays", "np")
    result |= _compare(study, [lzma], N_EVENTS, folder, "fixed arrays, LZMA", "np")
    reference = Path(os.environ.get("HITFORGE_REFERENCE_DATA", "../shared/data"))
    if not reference.is_dir():
        missing = "not measured: set HITFORGE_REFERENCE_DATA to the folder with the reference files"
        return result | {"std::vector": missing, "compact, LZMA": missing}
    # ten muons a file: read 25 times into one shard, for the same number of events
    result |= _compare(study, [reference / "cmu_0.root"] * 25, N_EVENTS, folder, "std::vector", "ak")
    return result | _compare(study, [reference / "geant4_flat_00.root"], 500, folder, "compact, LZMA", "ak", COMPACT)


def _compress_again(source: Path, target: Path) -> None:
    """Write the branches that are read once more, with LZMA and the same baskets."""
    with uproot.open({source: "B4"}) as tree:
        columns = tree.arrays(B4, library="np")
        edges = tree["rechit_energy"].entry_offsets
    with uproot.recreate(target, compression=uproot.LZMA(5)) as file:
        tree = file.mktree("B4", {name: np.dtype((v.dtype, v.shape[1:])) for name, v in columns.items()})
        for start, stop in pairwise(edges):
            tree.extend({name: values[start:stop] for name, values in columns.items()})


def _compare(
    study: Study,
    paths: list[Path],
    n_events: int,
    folder: Path,
    layout: str,
    library: str,
    branches: Sequence[str] = B4,
) -> dict[str, float | str]:
    def bare() -> None:
        for path in paths:
            with uproot.open({path: "B4" if branches is B4 else "muons"}, array_cache=None) as tree:
                tree.arrays(branches, library=library)

    def read() -> None:
        for path in paths:
            for _ in study.read(str(path)):
                pass

    def build() -> None:
        blocks = chain.from_iterable(study.read(str(path)) for path in paths)
        write_shard(folder / "shard.h5", study.layout, blocks, ATTRIBUTES)

    times = in_turn(5, clock=time.process_time, uproot=bare, read=read, build=build)
    per_event = {f"{layout}: {name} [ms/event]": 1e3 * seconds / n_events for name, seconds in times.items()}
    return {**per_event, **{f"{layout}: {name}": value for name, value in ratios(times, "uproot").items()}}
