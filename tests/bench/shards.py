"""Building a shard against what uproot alone needs to read and decompress the same branches."""

from __future__ import annotations

import os
from pathlib import Path

import uproot

from hitforge.config import load_settings
from hitforge.shards import write_shard
from hitforge.studies.base import Study, load_study
from hitforge.studies.calo_muon.geometry import load_geometry
from hitforge.studies.calo_muon.settings import SimulationSettings
from hitforge.studies.calo_muon.simulation.generate import simulate_muons
from hitforge.studies.calo_muon.simulation.write import write_part
from tests.bench.timing import in_turn, ratios

BRANCHES = ["rechit_energy", "true_energy", "true_x", "true_y"]
N_EVENTS = 250
ATTRIBUTES = {"study": "calo_muon", "sample": "bench", "part": "p", "content_checksum": "", "config_hash": ""}


def measure(folder: Path) -> dict[str, float | str]:
    """Return milliseconds an event and ratios for both layouts of the tree B4."""
    study = load_study("calo_muon", load_settings({"studies": ["calo_muon"]}).studies["calo_muon"])
    geometry = load_geometry("pbwo4_40.64mm")
    fixed = folder / "fixed.root"
    write_part(
        fixed, simulate_muons(N_EVENTS, 1, geometry, SimulationSettings(), "flat"), geometry, SimulationSettings()
    )
    result = _compare(study, [fixed], N_EVENTS, folder, "fixed arrays", "np")
    reference = Path(os.environ.get("HITFORGE_REFERENCE_DATA", "../shared/data")) / "cmu_0.root"
    if reference.is_file():
        # ten muons a file: read it 25 times for the same number of events
        result |= _compare(study, [reference] * 25, N_EVENTS, folder, "std::vector", "ak")
    else:
        result["std::vector"] = "not measured: set HITFORGE_REFERENCE_DATA to the folder with cmu_0.root"
    return result


def _compare(
    study: Study, paths: list[Path], n_events: int, folder: Path, layout: str, library: str
) -> dict[str, float | str]:
    def bare() -> None:
        for path in paths:
            with uproot.open({path: "B4"}, array_cache=None) as tree:
                tree.arrays(BRANCHES, library=library)

    def read() -> None:
        for path in paths:
            for _ in study.read(str(path)):
                pass

    def build() -> None:
        for path in paths:
            write_shard(folder / "shard.h5", study.layout, study.read(str(path)), ATTRIBUTES)

    times = in_turn(5, uproot=bare, read=read, build=build)
    per_event = {f"{layout}: {name} [ms/event]": 1e3 * seconds / n_events for name, seconds in times.items()}
    return {**per_event, **{f"{layout}: {name}": value for name, value in ratios(times, "uproot").items()}}
