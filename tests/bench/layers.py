"""calo_muon's layers: making profiles and features of hits, and a training step of the network on them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hitforge.config import load_settings
from hitforge.studies.base import load_study
from hitforge.studies.calo_muon.data.geometry import load_geometry
from hitforge.studies.calo_muon.data.layers import as_tensor, layer_profiles, layer_summaries
from hitforge.studies.calo_muon.data.reading import high_level_features
from hitforge.studies.calo_muon.settings import SimulationSettings
from hitforge.studies.calo_muon.simulation.generate import simulate_muons
from hitforge.training.optimiser import build_optimiser
from tests.bench.timing import in_turn

N_MUONS = 500
MODELS = ("layers", "layers_density")


def measure(_folder: Path) -> dict[str, float | str]:
    """Return muons per second of CPU time of one core, and milliseconds a muon-step on one thread."""
    study = load_study("calo_muon", load_settings({"studies": ["calo_muon"]}).studies["calo_muon"])
    own, geometry = study.settings.layers, load_geometry(study.settings.geometry)
    muons = simulate_muons(N_MUONS, 1, geometry, SimulationSettings(), "flat")

    def profiles() -> Any:
        return layer_profiles(muons.hits, muons.x_mm, muons.y_mm, geometry, own)

    def columns() -> None:
        high_level_features(muons.hits, muons.x_mm, muons.y_mm, geometry)
        layer_summaries(profiles(), own)

    times = in_turn(5, clock=time.process_time, tensor=lambda: as_tensor(profiles(), own), columns=columns)
    result: dict[str, float | str] = {
        "tensor of profiles [muons/s]": N_MUONS / times["tensor"],
        "features and layer summaries [muons/s]": N_MUONS / times["columns"],
        "deposits a muon": len(muons.hits.cell) / N_MUONS,
    }
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    for model in MODELS:
        result[f"training step of {model}, one thread [ms/muon]"] = _step_ms(study, model, as_tensor(profiles(), own))
    torch.set_num_threads(before)
    return result


def _step_ms(study: Any, model: str, tensor: np.ndarray[Any, Any]) -> float:
    settings = study.settings.models[model].training
    network, loss = study.build_network(model, 1).train(), study.build_loss(model)
    optimiser = build_optimiser(list(network.parameters()), settings)
    size = settings.batch_size
    layers, features = torch.from_numpy(tensor[:size]), torch.randn(size, 28)
    target, weight = torch.linspace(60.0, 7900.0, size), torch.ones(size)

    def steps() -> None:
        for _ in range(10):
            optimiser.zero_grad(set_to_none=True)
            loss(network(layers=layers, features=features), target, weight).backward()
            optimiser.step()

    return 1e3 * in_turn(5, clock=time.process_time, steps=steps)["steps"] / (10 * size)
