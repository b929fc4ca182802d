"""A small network on the layers' profiles: convolutions along the muon's path, joined with the features (ours)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from hitforge.studies.calo_muon.settings import LayerNetworkSettings

ENERGY_UNIT_GEV = 1000.0
"""Outputs of order one become energies: a first layer in GeV would have to grow by three orders of magnitude."""


class LayerBlock(nn.Module):
    """x + convolutions(x) along the layers, each after batch norm and SiLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.BatchNorm1d(channels), nn.BatchNorm1d(channels)
        self.conv_1 = nn.Conv1d(channels, channels, 3, padding=1, bias=False)
        self.conv_2 = nn.Conv1d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, L) to the same shape."""
        residual = self.conv_1(silu(self.norm_1(x)))
        total: Tensor = x + self.conv_2(silu(self.norm_2(residual)))
        return total


class LayerNetwork(nn.Module):
    """Energy, its logarithm, or its density, from per-layer profiles and features.

    Parameters
    ----------
    settings : LayerNetworkSettings
    n_features : int
        Standardised features; may be 0.
    n_channels : int
        Channels of the profiles.
    outputs : int
        1, or the number of bins of a density.
    unit : float
        Factor on a single output: the unit of the target.
    """

    def __init__(
        self, settings: LayerNetworkSettings, n_features: int, n_channels: int, outputs: int, unit: float
    ) -> None:
        super().__init__()
        width = settings.channels
        self.unit = unit
        # standardises the profiles with the moments of the training batches, so no held-out muon is looked at
        self.input_norm = nn.BatchNorm1d(n_channels)
        self.first = nn.Conv1d(n_channels, width, settings.kernel, stride=settings.stride)
        self.blocks = nn.Sequential(*(LayerBlock(width) for _ in range(settings.blocks)))
        self.last_norm = nn.BatchNorm1d(width)
        # a training that continues on another sample takes that sample's moments over
        self.feature_norm = nn.BatchNorm1d(n_features) if n_features else None
        layers: list[nn.Module] = []
        joined = 3 * width + n_features
        for _ in range(settings.dense_layers):
            layers += [nn.Linear(joined, settings.dense_width), nn.SiLU(), nn.Dropout(settings.dropout)]
            joined = settings.dense_width
        self.dense = nn.Sequential(*layers)
        self.output = nn.Linear(joined, outputs)

    def forward(self, layers: Tensor, features: Tensor | None = None) -> Tensor:
        """Predict.

        Parameters
        ----------
        layers : Tensor, shape (B, n_channels, n_z)
            Profiles as the study's tensor ``layers`` has them.
        features : Tensor, shape (B, n_features), or None
            Standardised features.

        Returns
        -------
        Tensor
            Energies in GeV or their logarithms, shape (B,), or logits of the energy bins, shape (B, bins).
        """
        x = silu(self.last_norm(self.blocks(self.first(self.input_norm(layers)))))
        # mean, maximum and root mean square over the path; the small number keeps the root's gradient finite
        parts = [x.mean(2), x.amax(2), (x.square().mean(2) + 1e-6).sqrt()]
        if self.feature_norm is not None:
            if features is None:
                raise ValueError("the network needs its features")
            parts.append(self.feature_norm(features))
        output: Tensor = self.output(self.dense(torch.cat(parts, dim=1)))
        return output[:, 0] * self.unit if output.shape[1] == 1 else output


def build_layer_network(
    settings: LayerNetworkSettings, n_features: int, n_channels: int, outputs: int, unit: float, seed: int
) -> LayerNetwork:
    """Build the network with initial weights fixed by the seed; the global random state stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LayerNetwork(settings, n_features, n_channels, outputs, unit)
