"""A training step of scouting_egamma's seed-cnn on one core, on all cores and on a GPU, which the slides compare."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch

from hitforge.studies.scouting_egamma.models.losses import CorrectionLoss
from hitforge.studies.scouting_egamma.models.network import build_network
from hitforge.studies.scouting_egamma.settings import EgammaModelSettings, NetworkSettings
from tests.bench.timing import in_turn, ratios

BATCH = 2048
N_FEATURES = 31
STEPS = 5


def _steps(device: str, threads: int) -> Callable[[], None]:
    model = EgammaModelSettings(kind="network", network=NetworkSettings(image="emax", loss="relative"))
    network = build_network(model, N_FEATURES, seed=1).to(device)
    optimiser = torch.optim.AdamW(network.parameters())
    loss = CorrectionLoss(model)
    generator = torch.Generator().manual_seed(1)
    image, features = (
        torch.rand(BATCH, 1, 5, 5, generator=generator),
        torch.randn(BATCH, N_FEATURES, generator=generator),
    )
    batch = [values.to(device) for values in (image, features, 1 + 0.1 * torch.rand(BATCH, generator=generator))]

    def run() -> None:
        torch.set_num_threads(threads)
        for _ in range(STEPS):
            optimiser.zero_grad()
            loss(network(batch[0], batch[1]), batch[2]).backward()
            optimiser.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return run


def measure(_folder: Path) -> dict[str, float | str]:
    """Return milliseconds a step on each device, and how much faster a GPU is than all cores."""
    before, cores = torch.get_num_threads(), len(os.sched_getaffinity(0))
    actions = {"one core": _steps("cpu", 1), f"{cores} cores": _steps("cpu", cores)}
    if torch.cuda.is_available():
        actions["GPU"] = _steps("cuda", cores)
    times = in_turn(3, **actions)
    torch.set_num_threads(before)
    result: dict[str, float | str] = {f"{name} [ms/step]": 1e3 * seconds / STEPS for name, seconds in times.items()}
    if "GPU" not in times:
        return {**result, f"{cores} cores / GPU": "no CUDA device"}
    return result | ratios(times, "GPU")
