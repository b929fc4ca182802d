"""The muon network: residual convolutions of the voxel grid, dense layers on top of them and the features."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from hitforge.studies.calo_muon.models.networks.blocks import (
    BlockPlan,
    EnergySum,
    Grid,
    ResidualBlock,
    SqueezeExcitation,
    plan_blocks,
)
from hitforge.studies.calo_muon.models.networks.running_norm import RunningBatchNorm, at_least_float32
from hitforge.studies.calo_muon.settings import NetworkSettings


class GridEncoder(nn.Module):
    """Twelve residual blocks and global pooling: (B, 1, z, x, y) in GeV to (B, width)."""

    coordinates: Tensor | None

    def __init__(self, settings: NetworkSettings, grid_shape: Grid) -> None:
        super().__init__()
        plans = list(plan_blocks(settings, grid_shape))
        self.input_norm = _input_norm(settings)
        coordinates = None
        if settings.coordinates:
            plans[0] = BlockPlan(**{**vars(plans[0]), "in_channels": 4})
            axes = [torch.linspace(-1, 1, n) for n in grid_shape]
            coordinates = torch.stack(torch.meshgrid(*axes, indexing="ij"))[None]
        self.register_buffer("coordinates", coordinates, persistent=False)
        self.blocks = nn.ModuleList(ResidualBlock(plan, settings) for plan in plans)
        channels = plans[-1].out_channels + int(settings.energy_pass)
        self.pooling = settings.pooling
        self.width = 2 * channels if settings.pooling else channels * math.prod(plans[-1].grid)

    def forward(self, grid: Tensor) -> Tensor:
        """Encode the grid; the maxima of all channels come before their means."""
        energy = grid
        x = grid if self.input_norm is None else self.input_norm(grid)
        if self.coordinates is not None:
            x = torch.cat([x, self.coordinates.expand(len(x), -1, -1, -1, -1)], dim=1)
        for block in self.blocks:
            x, energy = block(x, energy)
        if not self.pooling:
            return at_least_float32(x).flatten(1)
        means = x.mean((2, 3, 4), dtype=torch.promote_types(x.dtype, torch.float32))
        return torch.cat([x.amax((2, 3, 4)).to(means.dtype), means], dim=1)


class MuonNetwork(nn.Module):
    """Muon energy from high-level features and the voxel grid (arXiv:2107.02119, architecture section).

    Build it with :func:`build_network`.

    Attributes
    ----------
    n_features : int
    grid_shape : tuple of int
        Cells along z, x and y.
    """

    def __init__(self, settings: NetworkSettings, n_features: int, grid_shape: Grid) -> None:
        super().__init__()
        self.n_features = n_features
        self.grid_shape = grid_shape
        self.encoder = GridEncoder(settings, grid_shape) if settings.cnn else None
        width = n_features + (self.encoder.width if self.encoder is not None else 0)
        layers: list[nn.Module] = []
        for _ in range(settings.dense_layers):
            layers += [nn.Linear(width, settings.dense_width), nn.SiLU()]
            width = settings.dense_width
        self.dense = nn.Sequential(*layers)
        self.output = nn.Linear(width, 1)

    def forward(self, features: Tensor | None = None, grid: Tensor | None = None) -> Tensor:
        """Predict energies.

        Parameters
        ----------
        features : Tensor, shape (B, n_features), or None
            Standardised features; not looked at if the network has none.
        grid : Tensor, shape (B, 1, z, x, y), GeV, or None
            Deposits; not looked at without convolutions.

        Returns
        -------
        Tensor, shape (B,), GeV
        """
        parts: list[Tensor] = []
        if self.n_features:
            if features is None:
                raise ValueError(f"the network needs its {self.n_features} features")
            parts.append(features)
        if self.encoder is not None:
            if grid is None:
                raise ValueError("the network needs the voxel grid")
            parts.append(self.encoder(grid))
        # the dense layers cost next to nothing, and an energy in bfloat16 has two or three digits
        with torch.autocast(parts[0].device.type, enabled=False):
            prediction: Tensor = self.output(self.dense(torch.cat(parts, dim=1)))
        return prediction[:, 0]


def build_network(settings: NetworkSettings, n_features: int, grid_shape: Grid, seed: int) -> MuonNetwork:
    """Build and initialise the network; the global random state stays as it is.

    Parameters
    ----------
    settings : NetworkSettings
    n_features : int
        Number of standardised features; 0 with ``features: none``.
    grid_shape : tuple of int
        Cells along z, x and y.
    seed : int
        Fixes all initial parameters.
    """
    if n_features == 0 and not settings.cnn:
        raise ValueError("a network without features and convolutions has no input")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MuonNetwork(settings, n_features, grid_shape)
        _initialise(network)
    return network


def describe_network(network: nn.Module) -> dict[str, Any]:
    """Describe the network for the report: parameters, and the shapes of every block and layer.

    Returns
    -------
    dict
        JSON-able: ``n_parameters`` (trainable), ``n_frozen`` and ``layers``, a list of ``name``, ``input_shape``,
        ``output_shape`` (both without the batch axis) and ``n_parameters``; of a network on layers ``n_parameters``
        and, by part, the shapes of the parameters.
    """
    if not isinstance(network, MuonNetwork):
        parts = {name: [list(p.shape) for p in part.parameters()] for name, part in network.named_children()}
        return {"n_parameters": sum(p.numel() for p in network.parameters()), "parts": parts}
    layers: list[dict[str, Any]] = []
    named: list[tuple[str, nn.Module]] = []
    if network.encoder is not None:
        named += [(f"block {i}", block) for i, block in enumerate(network.encoder.blocks)]
        named.append(("convolutions and pooling", network.encoder))
    dense = [*(layer for layer in network.dense if isinstance(layer, nn.Linear)), network.output]
    named += [(f"dense {i}", layer) for i, layer in enumerate(dense)]

    def describe(name: str) -> Any:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
            result = output[0] if isinstance(output, tuple) else output
            layers.append(
                {
                    "name": name,
                    "input_shape": list(inputs[0].shape[1:]),
                    "output_shape": list(result.shape[1:]),
                    "n_parameters": _count(module, trainable=True),
                }
            )

        return hook

    device = network.output.weight.device
    was_training = network.training
    handles = [module.register_forward_hook(describe(name)) for name, module in named]
    try:
        network.eval()
        with torch.no_grad():
            network(
                torch.zeros(2, network.n_features, device=device),
                torch.zeros(2, 1, *network.grid_shape, device=device),
            )
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    return {
        "n_parameters": _count(network, trainable=True),
        "n_frozen": _count(network, trainable=False),
        "layers": layers,
    }


def _count(module: nn.Module, *, trainable: bool) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad == trainable)


def _input_norm(settings: NetworkSettings) -> nn.Module | None:
    if not settings.input_norm:
        return None
    return nn.BatchNorm3d(1) if settings.norm == "nominal" else RunningBatchNorm(1)


@torch.no_grad()
def _initialise(network: MuonNetwork) -> None:
    """Kaiming (fan in, gain sqrt 2) before a swish, Xavier before a sigmoid or nothing, biases zero.

    The bias of the first block's shortcut keeps torch's default. Predictions start near 0 GeV.
    """
    shortcut_bias = None
    if network.encoder is not None:
        shortcut = network.encoder.blocks[0].shortcut
        if isinstance(shortcut, nn.Sequential):
            shortcut_bias = shortcut[-1].bias
    for module in network.modules():
        if isinstance(module, EnergySum):
            module.weight.fill_(1.0)
        elif isinstance(module, nn.Linear | nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None and module.bias is not shortcut_bias:
                module.bias.zero_()
    for module in network.modules():
        if isinstance(module, SqueezeExcitation):
            nn.init.xavier_normal_(module.excite.weight)
    nn.init.xavier_normal_(network.output.weight)
