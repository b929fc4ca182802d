"""Speed of the embedded simulation, without writing."""

from __future__ import annotations

import time
from pathlib import Path

from hitforge.studies.calo_muon.data.geometry import load_geometry
from hitforge.studies.calo_muon.settings import SimulationSettings
from hitforge.studies.calo_muon.simulation.generate import simulate_muons


def measure(_folder: Path) -> dict[str, float | str]:
    """Return events per CPU second of one core on the flat spectrum; catastrophic showers make it vary by sample."""
    geometry, settings = load_geometry("pbwo4_40.64mm"), SimulationSettings()
    simulate_muons(2, 1, geometry, settings, "flat")
    n_events = 600
    start = time.process_time()
    muons = simulate_muons(n_events, 2, geometry, settings, "flat")
    seconds = time.process_time() - start
    deposit = float(muons.hits.energy.sum()) / n_events
    return {"events / CPU s, flat 50-8000 GeV": n_events / seconds, "mean deposit [GeV]": deposit}
