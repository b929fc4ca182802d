"""Losses of the study's networks: the Huberised squared error of an energy, and the cross entropy of its density."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hitforge.evaluation.information import binned_information
from hitforge.training.losses import HuberisedLoss, MemberLoss
from hitforge.training.settings import LossSettings


class EnergyLoss(HuberisedLoss):
    """The Huberised squared error; of all monitoring muons together it measures the information about the energy."""

    def sample_metrics(self, output: Tensor, target: Tensor) -> Mapping[str, float]:
        """Return the information in bits that outputs hold about the targets, shape (n,)."""
        return {"information": binned_information(output.numpy(), target.numpy())}


class DensityLoss(MemberLoss):
    """Cross entropy of the energy's bin (ours): its mean is minus the log-likelihood of the density, plus a constant.

    Labels are smeared: a part of each goes to the two neighbouring bins. Bins are narrower than what the deposits can
    tell apart, and a network that is told so learns faster.

    Parameters
    ----------
    edges_gev : ndarray, shape (K + 1,), GeV
        Bins of the energy; muons beyond them count in the outermost.
    settings : LossSettings
        ``smearing`` is used.
    """

    edges: Tensor
    labels: Tensor
    log_prior: Tensor

    def __init__(self, edges_gev: NDArray[np.float64], settings: LossSettings) -> None:
        super().__init__()
        bins = len(edges_gev) - 1
        labels = torch.zeros(bins, bins)
        for shift, share in ((-1, settings.smearing / 2), (0, 1 - settings.smearing), (1, settings.smearing / 2)):
            for k in range(bins):
                labels[k, min(max(k + shift, 0), bins - 1)] += share
        prior = np.diff(edges_gev) / (edges_gev[-1] - edges_gev[0])
        self.register_buffer("edges", torch.tensor(edges_gev, dtype=torch.float32), persistent=False)
        self.register_buffer("labels", labels, persistent=False)
        self.register_buffer("log_prior", torch.tensor(np.log(prior), dtype=torch.float32), persistent=False)

    def per_event(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the cross entropy of each muon in nats, shape (n,), from logits, shape (n, K), and energies in GeV.

        Event weights do not enter: a weighted likelihood would learn the density of another spectrum.
        """
        bins = self._bins(target)
        return -(self.labels[bins] * torch.log_softmax(output.float(), dim=1)).sum(dim=1)

    def metrics(self, output: Tensor, target: Tensor) -> Mapping[str, Tensor]:
        """Return the information about each muon's energy in bits: log2 of density over flat prior at the truth."""
        bins = self._bins(target)
        log_density = torch.log_softmax(output.float(), dim=1).gather(1, bins[:, None])[:, 0]
        return {"information": (log_density - self.log_prior[bins]) / np.log(2.0)}

    def _bins(self, target: Tensor) -> Tensor:
        return (torch.bucketize(target.float(), self.edges, right=True) - 1).clamp(0, len(self.labels) - 1)
