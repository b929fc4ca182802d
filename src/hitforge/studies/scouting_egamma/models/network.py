"""Convolutions on the 5 x 5 joined with dense layers on the table; either can be left out."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.studies.scouting_egamma.features import Y_RANGE
from hitforge.studies.scouting_egamma.models.inputs import N_CHANNELS
from hitforge.studies.scouting_egamma.settings import EgammaModelSettings, NetworkSettings

N_OUTPUTS = {"relative": 1, "absolute": 1, "gaussian": 2, "student_t": 2, "crystal_ball": 6}
SIGMA_RANGE = (0.0002, 0.5)
"""Range of the Crystal Ball's width, as in the CMS trainer."""

_FIRST_SIGMA = 0.03


class HybridNetwork(nn.Module):
    """A correction, with the parameters of its distribution where the loss is a likelihood."""

    def __init__(self, settings: NetworkSettings, n_features: int) -> None:
        super().__init__()
        self.loss = settings.loss
        self.image, self.table = nn.Sequential(), nn.Sequential()
        channels = N_CHANNELS[settings.image]
        joined = 0
        if channels:
            for wanted in settings.channels:
                self.image.extend([nn.Conv2d(channels, wanted, 3, padding=1), nn.BatchNorm2d(wanted), nn.ReLU()])
                channels = wanted
            self.image.extend([nn.Flatten(), nn.Linear(25 * channels, settings.flat), nn.ReLU()])
            joined += settings.flat
        if n_features:
            width = n_features
            for units in settings.dense:
                self.table.extend([nn.Linear(width, units), nn.ReLU()])
                width = units
            joined += width
        self.joint = nn.Sequential()
        for units in settings.joint:
            self.joint.extend([nn.Linear(joined, units), nn.ReLU()])
            joined = units
        self.output = nn.Linear(joined, N_OUTPUTS[settings.loss])
        nn.init.normal_(self.output.weight, std=0.01)
        nn.init.zeros_(self.output.bias)
        if settings.loss in ("gaussian", "student_t"):
            with torch.no_grad():
                self.output.bias[1] = math.log(_FIRST_SIGMA)
        if settings.loss == "crystal_ball":
            with torch.no_grad():
                self.output.bias[:2] = torch.tensor([_unlimited(1.0, Y_RANGE), _unlimited(_FIRST_SIGMA, SIGMA_RANGE)])

    def forward(
        self, image: Tensor | None = None, features: Tensor | None = None, e_reco: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the outputs by name, shape (B,) each.

        Parameters
        ----------
        image : Tensor, shape (B, channels, 5, 5)
        features : Tensor, shape (B, F)
            Standardised.
        e_reco : Tensor, shape (B,), GeV
            Handed through to a loss of absolute energies.

        Returns
        -------
        dict
            ``y`` always. With a Gaussian or Student's t ``ln_y`` and ``ln_y_log_scale``; with a double-sided
            Crystal Ball its ``mu``, ``sigma``, ``alpha_low``, ``n_low``, ``alpha_high`` and ``n_high`` in y.
        """
        branches = []
        if image is not None:
            branches.append(self.image(image))
        if features is not None:
            branches.append(self.table(features))
        out = self.output(self.joint(torch.cat(branches, dim=1))).float()
        if self.loss in ("gaussian", "student_t"):
            ln_y = out[:, 0]
            return {"y": torch.exp(ln_y), "ln_y": ln_y, "ln_y_log_scale": out[:, 1].clamp(-9.0, 1.0)}
        if self.loss == "crystal_ball":
            mu, sigma = _limited(out[:, 0], Y_RANGE), _limited(out[:, 1], SIGMA_RANGE)
            shape = functional.softplus(out[:, 2:])
            return {
                "y": mu, "mu": mu, "sigma": sigma, "alpha_low": 0.2 + 2 * shape[:, 0], "n_low": 1.05 + 3 * shape[:, 1],
                "alpha_high": 0.2 + 2 * shape[:, 2], "n_high": 1.05 + 3 * shape[:, 3],
            }  # fmt: skip
        found = {"y": 1 + out[:, 0]}
        return found if e_reco is None else {**found, "e_reco": e_reco}


def _limited(raw: Tensor, limits: tuple[float, float]) -> Tensor:
    """Return values within limits, as the CMS regression does: mid + half sin(raw)."""
    low, high = limits
    return 0.5 * (low + high) + 0.5 * (high - low) * torch.sin(raw)


def _unlimited(value: float, limits: tuple[float, float]) -> float:
    low, high = limits
    return math.asin((2 * value - low - high) / (high - low))


def build_network(model: EgammaModelSettings, n_features: int, seed: int) -> HybridNetwork:
    """Build and initialise the network of a model; the global random state stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return HybridNetwork(model.network, n_features)
