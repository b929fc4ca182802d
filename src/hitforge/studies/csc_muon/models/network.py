"""Networks by architecture, and ours: residual convolutions along the planes of a road, joined with features."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.studies.csc_muon.models.seed_networks import EmtfNetwork, SeedCnn1d, SeedCnn2d, SeedFcn, initialise
from hitforge.studies.csc_muon.models.targets import QUANTILE_LEVELS
from hitforge.studies.csc_muon.models.tensors import PLANE_CHANNELS
from hitforge.studies.csc_muon.settings import CscModelSettings, NetworkSettings

N_CLASSES = 4
_SCALE = 10.0


class PlaneBlock(nn.Module):
    """Two convolutions along the planes with a shortcut; planes without a hit are set to zero before each.

    The planes are the width of an image of height 1 whose channels lie together in memory: two-dimensional
    convolutions and normalisations have fast code for this order, one-dimensional ones have not.
    """

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, (1, kernel), padding="same") for _ in range(2))
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(2))

    def forward(self, x: Tensor, hit: Tensor) -> Tensor:
        """Return (B, C, 1, 12) of (B, C, 1, 12) and the mask (B, 1, 1, 12)."""
        y = self.first(functional.gelu(self.norms[0](x)) * hit)
        y = self.second(functional.gelu(self.norms[1](y)) * hit)
        out: Tensor = x + y
        return out


class EnsembleNetwork(nn.Module):
    """One member of our ensemble.

    All outputs are of the folded value s q/pT, s being the sign of the bending, except the classes. The mean, the
    quantiles and the width are predicted in units of 0.1/GeV, so that they are of order one.
    """

    def __init__(self, settings: NetworkSettings, n_features: int, n_plane_channels: int, hit_channel: int) -> None:
        super().__init__()
        self.levels, self.hit_channel = len(QUANTILE_LEVELS), hit_channel
        self.stem = nn.Conv2d(n_plane_channels, settings.channels, 1)
        self.blocks = nn.ModuleList(PlaneBlock(settings.channels, settings.kernel) for _ in range(settings.blocks))
        width = n_features
        layers: list[nn.Module] = []
        for units in settings.dense:
            layers += [nn.Linear(width, units), nn.GELU(), nn.Dropout(settings.dropout)]
            width = units
        self.dense = nn.Sequential(*layers)
        width += 2 * settings.channels
        joint = settings.joint
        self.joint = nn.Sequential(nn.Linear(width, joint), nn.GELU(), nn.Dropout(settings.dropout))
        self.heads = nn.Linear(joint, 2 + self.levels + N_CLASSES + 1)

    def forward(self, features: Tensor, planes: Tensor, sign: Tensor) -> dict[str, Tensor]:
        """Return all heads.

        Parameters
        ----------
        features : Tensor, shape (B, n_features)
            Standardised; 0 where a value is missing, which the mask bits among them tell.
        planes : Tensor, shape (B, 12, channels)
            The folded plane map.
        sign : Tensor, shape (B,)
            +-1, the sign of the bending.

        Returns
        -------
        dict
            ``folded`` and ``log_variance`` (of it, 1/GeV), ``folded_quantiles`` (B, levels), ascending,
            ``class_logits`` (B, 4), ``charge_logit`` of s q > 0, and ``sign``.
        """
        hit = planes[:, :, self.hit_channel][:, None, None]
        x = self.stem(planes.transpose(1, 2)[:, :, None]) * hit
        for block in self.blocks:
            x = block(x, hit)
        # channels last, so that the gradients come back in the order that the convolutions like
        values, weights = x[:, :, 0].transpose(1, 2), hit[:, 0].transpose(1, 2)
        mean = (values * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
        highest = values.masked_fill(weights == 0, -torch.inf).amax(dim=1)
        pooled = [mean, torch.where(torch.isfinite(highest), highest, 0.0)]
        out = self.heads(self.joint(torch.cat([*pooled, self.dense(features)], dim=1)))
        folded, log_variance, quantiles, logits, charge = out.split([1, 1, self.levels, N_CLASSES, 1], dim=1)
        steps = torch.cat([quantiles[:, :1], functional.softplus(quantiles[:, 1:])], dim=1)
        return {
            "folded": folded[:, 0] / _SCALE,
            "log_variance": log_variance[:, 0].clamp(-16.0, 4.0) - 2 * math.log(_SCALE),
            "folded_quantiles": steps.cumsum(dim=1) / _SCALE,
            "class_logits": logits,
            "charge_logit": charge[:, 0],
            "sign": sign,
        }


def build_network(model: CscModelSettings, n_features: int, seed: int) -> nn.Module:
    """Build and initialise a network; the global random state stays as it is.

    Parameters
    ----------
    n_features : int
        Features of the model.
    seed : int
        Fixes all initial parameters.
    """
    settings = model.network
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if settings.architecture == "ensemble":
            return EnsembleNetwork(settings, n_features, len(PLANE_CHANNELS), PLANE_CHANNELS.index("hit"))
        network: nn.Module
        if settings.architecture == "emtf_nn":
            network = EmtfNetwork(n_features)
        elif settings.architecture == "seed_cnn1d":
            network = SeedCnn1d(n_features, settings.output)
        elif settings.architecture == "seed_cnn2d":
            network = SeedCnn2d(settings.output)
        else:
            network = SeedFcn(n_features, settings.output)
        initialise(network)
        if isinstance(network, SeedCnn2d):
            network.initialise_output()
    return network
