"""Where a training step of the paper's network goes: each kind of part against the arithmetic it needs.

One thread, CPU time. The floor is the number of multiplications and additions at the speed of a large matrix product.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hitforge.studies.calo_muon.models.networks.blocks import SqueezeExcitation
from hitforge.studies.calo_muon.models.networks.convolution import FastConv3d
from hitforge.studies.calo_muon.models.networks.network import build_network
from hitforge.studies.calo_muon.models.networks.running_norm import RunningBatchNorm
from hitforge.studies.calo_muon.settings import NetworkSettings
from hitforge.training.device import channels_last
from tests.bench.network import BATCH, _batch, _training_step
from tests.bench.timing import in_turn

MATRIX = 1536
TIMED = (FastConv3d, RunningBatchNorm, SqueezeExcitation)


def measure(_folder: Path) -> dict[str, float | str]:
    """Return milliseconds a muon of each part: forward, towards the data and towards the weights, and the floor."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    network = channels_last(build_network(NetworkSettings(), 28, (50, 32, 32), seed=1))
    calls = _record(network)
    a, b = torch.randn(2, MATRIX, MATRIX)
    speed = 2 * MATRIX**3 / _cpu(5, product=lambda: a @ b)["product"]
    result: dict[str, float | str] = {"large matrix product [GFLOP/s]": speed / 1e9}
    for module, inputs, output in calls:
        label, parts = _parts(module, inputs, output)
        if isinstance(module, FastConv3d):
            passes = 3 if module.in_channels > 1 else 2  # nobody needs the gradient of the raw grid
            volume = module.weight[0].numel() * output.numel()
            parts["floor"] = passes * 2 * volume / speed
        for name, seconds in parts.items():
            key = f"{label}: {name} [ms/muon]"
            result[key] = float(result.get(key, 0.0)) + 1e3 * seconds / BATCH
    known = sum(float(v) for key, v in result.items() if "ms/muon" in key and ": floor" not in key)
    step = 1e3 * _cpu(3, step=_training_step(network, fused=True))["step"] / BATCH
    torch.set_num_threads(before)
    return result | {"everything else [ms/muon]": step - known, "training step [ms/muon]": step}


def _record(network: nn.Module) -> list[tuple[nn.Module, list[Any], Tensor]]:
    """Return every timed part with what it gets and gives in a forward pass."""
    calls: list[tuple[nn.Module, list[Any], Tensor]] = []
    hooks = [
        module.register_forward_hook(lambda m, i, o: calls.append((m, [t if t is None else t.detach() for t in i], o)))
        for module in network.modules()
        if isinstance(module, TIMED)
    ]
    features, grid, _ = _batch()
    network(features, grid)
    for hook in hooks:
        hook.remove()
    return calls


def _parts(module: nn.Module, inputs: list[Any], output: Tensor) -> tuple[str, dict[str, float]]:
    """Return the kind of a part and the seconds of its passes."""
    x, gradient = inputs[0], torch.ones_like(output)
    if isinstance(module, FastConv3d):
        label = f"kernel {module.kernel_size[0]}, grid {'x'.join(map(str, output.shape[2:]))}"

        def backward(data: bool, weights: bool) -> Callable[[], None]:
            leaf = x.clone().requires_grad_(data)
            module.weight.requires_grad_(weights)
            y = module(leaf)
            return lambda: y.backward(gradient, retain_graph=True)

        passes = {"forward": lambda: module(x), "weights": backward(False, True)}
        if module.in_channels > 1:
            passes["data"] = backward(True, False)
        times = _cpu(5, **passes)
        module.weight.requires_grad_(True)
        return label, times
    label = "norm and SiLU" if isinstance(module, RunningBatchNorm) else "squeeze-excitation and joining"
    leaves = [t if t is None else t.clone().requires_grad_() for t in inputs]

    def forward() -> Tensor:
        y: Tensor = module(*leaves)
        return y

    times = _cpu(5, forward=forward, both=lambda: forward().backward(gradient))
    return label, {"forward": times["forward"], "backward": times["both"] - times["forward"]}


def _cpu(rounds: int, **actions: Callable[[], object]) -> dict[str, float]:
    return in_turn(rounds, clock=time.process_time, **actions)
