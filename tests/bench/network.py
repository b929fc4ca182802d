"""The paper's network against its plain, eager, channels-first implementation (the tests' oracle)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from hitforge.studies.calo_muon.models.networks.network import build_network
from hitforge.studies.calo_muon.settings import NetworkSettings
from hitforge.training.device import channels_last
from tests.bench.timing import in_turn, ratios
from tests.unit.calo_muon.oracle_network import OracleNetwork, load_oracle

BATCH = 32
OCCUPANCY = 0.1


def _training_step(network: nn.Module, fused: bool, amp: bool = False) -> Callable[[], None]:
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = torch.optim.Adam(trainable, fused=fused)
    features, grid, target = _batch()

    def step() -> None:
        network.train()
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=amp):
            output = network(features, grid)
        ((output.float() - target) ** 2).mean().backward()
        optimiser.step()

    return step


def _inference(network: nn.Module) -> Callable[[], None]:
    features, grid, _ = _batch()

    def predict() -> None:
        network.eval()
        with torch.inference_mode():
            network(features, grid)

    return predict


def _batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    grid = torch.rand(BATCH, 1, 50, 32, 32, generator=generator)
    grid *= torch.rand(grid.shape, generator=generator) < OCCUPANCY
    return torch.randn(BATCH, 28, generator=generator), grid, 4000 * torch.rand(BATCH, generator=generator)


def measure(_folder: Path) -> dict[str, float | str]:
    """Return milliseconds a muon and ratios for training and inference, with one and two threads."""
    result: dict[str, float | str] = {}
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        fast = build_network(NetworkSettings(), 28, (50, 32, 32), seed=1)
        oracle = OracleNetwork()
        load_oracle(oracle, fast)
        plain = build_network(NetworkSettings(), 28, (50, 32, 32), seed=1)
        half = build_network(NetworkSettings(), 28, (50, 32, 32), seed=1)
        half = channels_last(half)
        fast = channels_last(fast)
        steps = in_turn(
            3,
            oracle=_training_step(oracle, fused=False),
            hitforge=_training_step(fast, fused=True),
            channels_first=_training_step(plain, fused=True),
            bfloat16=_training_step(half, fused=True, amp=True),
        )
        predictions = in_turn(3, oracle=_inference(oracle), hitforge=_inference(fast))
        for what, times in (("training", steps), ("inference", predictions)):
            label = f"{what}, {threads} thread(s)"
            result |= {f"{label}: {name} [ms/muon]": 1e3 * seconds / BATCH for name, seconds in times.items()}
            result |= {f"{label}: {name}": value for name, value in ratios(times, "hitforge").items()}
    torch.set_num_threads(before)
    return result
