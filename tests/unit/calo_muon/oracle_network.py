"""The paper's network written in the most obvious way: channels first, autograd everywhere, no fusion.

Kept as the reference for values and gradients of the fast network. Written from arXiv:2107.02119 block by block,
independently of the fast network's code: only the default architecture, no options.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class OracleNorm(nn.Module):
    """Running batch norm, autograd through the newest batch's sums."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("sums", torch.zeros(channels))
        self.register_buffer("square_sums", torch.zeros(channels))
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("events", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            over = [0, *range(2, x.ndim)]
            m = 1 - 0.9 / math.sqrt(len(x) - 1 + 1e-5)
            s, q, k = x.sum(over), (x * x).sum(over), x.numel() / x.shape[1]
            self.sums = self.sums.detach() + m * (s - self.sums.detach())
            self.square_sums = self.square_sums.detach() + m * (q - self.square_sums.detach())
            self.count = self.count + m * (k - self.count)
            self.events = self.events + len(x)
        mean = self.sums / self.count
        variance = self.square_sums / self.count - mean * mean
        variance = variance.clamp(min=0.01 if self.events < 20 else 0.0)
        shape = (1, -1) + (1,) * (x.ndim - 2)
        normed = (x - mean.view(shape)) / (variance + 1e-5).sqrt().view(shape)
        return normed * self.weight.view(shape) + self.bias.view(shape)


class OracleBlock(nn.Module):
    """One residual block; ``kind`` is first, down or same."""

    def __init__(self, c_in: int, c_out: int, kind: str) -> None:
        super().__init__()
        self.kind = kind
        kernel, stride = (3, 1) if kind == "same" else (4, 2)
        self.conv1 = nn.Conv3d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
        self.conv2 = nn.Conv3d(c_out, c_out, 3, 1, 1, bias=False)
        self.norm1 = OracleNorm(c_out if kind == "first" else c_in)
        self.norm2 = OracleNorm(c_out)
        self.squeeze = nn.Linear(c_out, max(2, c_out // 4))
        self.excite = nn.Linear(max(2, c_out // 4), c_out)
        if kind != "same":
            self.shortcut = nn.Conv3d(c_in, c_out, 1, bias=kind == "first")
            self.register_buffer("ones", torch.ones(1, 1, 2, 2, 2))
        if kind == "down":
            self.shortcut_norm = OracleNorm(c_in)

    def forward(self, x: Tensor) -> Tensor:
        silu = nn.functional.silu
        energy = x[:, :1]
        if self.kind == "first":
            residual = self.norm1(silu(self.conv1(x)))
            residual = self.norm2(silu(self.conv2(residual)))
        else:
            residual = self.conv1(silu(self.norm1(x)))
            residual = self.conv2(silu(self.norm2(residual)))
        gate = self.excite(silu(self.squeeze(residual.mean((2, 3, 4))))).sigmoid()
        residual = residual * gate[:, :, None, None, None]
        skip = x
        if self.kind == "down":
            skip = self.shortcut_norm(silu(skip))
        if self.kind != "same":
            skip = self.shortcut(nn.functional.avg_pool3d(skip, 2, 2, 1))
            energy = nn.functional.conv3d(energy, self.ones, None, 2, 1)
        return torch.cat([energy, residual + skip], dim=1)


class OracleNetwork(nn.Module):
    """Features and grid to energy in GeV."""

    def __init__(self, n_features: int = 28, blocks_per_resolution: int = 3) -> None:
        super().__init__()
        blocks: list[OracleBlock] = []
        channels = 1
        for resolution in range(4):
            for index in range(blocks_per_resolution):
                kind = "same" if index else "down" if resolution else "first"
                c_out = {"first": 8, "down": channels * 3 // 2, "same": channels}[kind]
                blocks.append(OracleBlock(channels, c_out, kind))
                channels = c_out + 1
        self.blocks = nn.ModuleList(blocks)
        self.dense = nn.ModuleList([nn.Linear(n_features + 2 * channels, 80), nn.Linear(80, 80), nn.Linear(80, 80)])
        self.output = nn.Linear(80, 1)

    def forward(self, features: Tensor, grid: Tensor) -> Tensor:
        x = grid
        for block in self.blocks:
            x = block(x)
        x = torch.cat([features, x.amax((2, 3, 4)), x.mean((2, 3, 4))], dim=1)
        for layer in self.dense:
            x = nn.functional.silu(layer(x))
        return self.output(x)[:, 0]


_FIRST = {"conv1": "convolutions.0", "norm1": "convolutions.1", "conv2": "convolutions.2", "norm2": "convolutions.3"}
_LATER = {"norm1": "convolutions.0", "conv1": "convolutions.1", "norm2": "convolutions.2", "conv2": "convolutions.3"}


def oracle_name(name: str) -> str | None:
    """Translate a parameter or buffer name of the fast network; None for the frozen sums."""
    parts = name.split(".")
    if parts[0] == "dense":
        return f"dense.{int(parts[1]) // 2}.{parts[2]}"
    if parts[0] == "output":
        return name
    _, _, block, part, *rest = parts
    prefix, leaf = f"blocks.{block}", rest[-1]
    if part == "energy_sum":
        return None
    if part == "excitation":
        return f"{prefix}.{rest[0]}.{leaf}"
    if part == "shortcut":
        is_norm = rest[0] == "0" and block != "0"
        return f"{prefix}.shortcut_norm.{leaf}" if is_norm else f"{prefix}.shortcut.{leaf}"
    table = _FIRST if block == "0" else _LATER
    place = {ours: theirs for theirs, ours in table.items()}[f"{part}.{rest[0]}"]
    return f"{prefix}.{place}.{leaf}"


def load_oracle(oracle: OracleNetwork, network: nn.Module) -> None:
    """Copy parameters and running sums of the fast network into the oracle."""
    state = {}
    for name, value in network.state_dict().items():
        theirs = oracle_name(name)
        if theirs is not None:
            state[theirs] = value.clone()
    missing, unexpected = oracle.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.endswith(".ones") for name in missing)
