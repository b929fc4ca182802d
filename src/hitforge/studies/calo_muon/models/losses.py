"""Losses of the study's networks: the Huberised squared error of an energy, and the cross entropy of its density."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hitforge.evaluation.information import binned_information
from hitforge.studies.calo_muon.settings import CaloModelSettings, DensitySettings, LossSettings
from hitforge.training.losses import MemberLoss

_UNSET = -1.0


def build_loss(model: CaloModelSettings, *, density: DensitySettings) -> MemberLoss:
    """Return the fresh loss of a model."""
    loss = model.training.loss
    return DensityLoss(density.edges_gev(), loss) if loss.kind == "density" else EnergyLoss(loss)


class HuberisedLoss(MemberLoss):
    """Squared error times a power of the target, linear beyond a threshold per target bin.

    With a power of -1 it is the mean fractional squared error of arXiv:2107.02119 (loss section).

    The thresholds are state: running averages of a quantile of the squared errors in each bin. They move with
    every call in training mode (:meth:`train`) and stand still in evaluation mode (:meth:`eval`), unless
    ``update_in_validation`` asks for the original behaviour. ``state_dict`` holds them, so a resumed training
    continues with the thresholds it had.

    Parameters
    ----------
    settings : LossSettings
        Variant of the loss.

    Notes
    -----
    Everything is computed in float32: squared errors reach 6e7 GeV^2. Targets must be positive.
    """

    edges: Tensor
    thresholds: Tensor
    frozen: Tensor

    def __init__(self, settings: LossSettings) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("edges", torch.tensor(settings.bin_edges, dtype=torch.float32), persistent=False)
        self.register_buffer("thresholds", torch.full((len(settings.bin_edges) - 1,), _UNSET))
        self.register_buffer("frozen", torch.tensor(False))

    def per_event(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the loss of each event, so that a validation can average over events instead of batches.

        Parameters
        ----------
        output, target : Tensor, shape (n,), GeV
        weight : Tensor, shape (n,), optional
            Event weights; ignored if the settings switch weighting off.

        Returns
        -------
        Tensor, shape (n,), float32
            In GeV for a target power of -1, in GeV^2 for 0.
        """
        target = target.float()
        distance = (output.float() - (target.log() if self.settings.kind == "log" else target)).abs()
        loss = distance.square()
        if self.settings.huber != "off":
            # An infinite threshold would turn the unused branch's gradient into NaN, hence the mask and the zero.
            threshold = self._threshold_of_each(loss.detach(), target)
            beyond = (threshold >= 0) & (loss.detach() > threshold)
            root = threshold.clamp(min=0).sqrt()
            loss = torch.where(beyond, root.square() + 2 * root * (distance - root), loss)
        if self.settings.target_power == -1:
            loss = loss / target
        elif self.settings.target_power:
            loss = loss * target**self.settings.target_power
        if self.settings.weighted and weight is not None:
            loss = loss * weight.float()
        return loss

    def end_of_epoch(self, epoch: int) -> None:
        """Freeze the thresholds of the ``fixed`` variant after the first epoch (0); later calls change nothing."""
        if self.settings.huber == "fixed":
            self.frozen.fill_(True)

    def log(self) -> dict[str, Any]:
        """Return the thresholds, None where unset."""
        return {"thresholds": [t if t >= 0 else None for t in self.thresholds.tolist()]}

    @torch.no_grad()
    def _threshold_of_each(self, squared: Tensor, target: Tensor) -> Tensor:
        """Return every event's threshold, negative where it has none, after moving the state if it may move."""
        n_bins = len(self.thresholds)
        index = torch.bucketize(target, self.edges, right=True) - 1
        member = index == torch.arange(n_bins, device=index.device)[:, None]
        thresholds = self.thresholds
        if self.settings.huber == "batchwise":
            thresholds = self._quantiles(squared, member)
            self.thresholds.copy_(thresholds)
        elif self.training or self.settings.update_in_validation:
            newest = self._quantiles(squared, member)
            moved = torch.lerp(thresholds, newest, self.settings.momentum)
            moved = torch.where(thresholds < 0, newest, moved)
            moves = (newest >= 0) & ~self.frozen
            thresholds = torch.where(moves, moved, thresholds)
            self.thresholds.copy_(thresholds)
        # Targets outside the bins keep the plain squared error.
        inside = (index >= 0) & (index < n_bins)
        return torch.where(inside, thresholds[index.clamp(0, n_bins - 1)], _UNSET)

    def _quantiles(self, squared: Tensor, member: Tensor) -> Tensor:
        """Return the k-th smallest squared error of each bin, k = 1 + round(q (m - 1)); unset for empty bins."""
        ordered = torch.where(member, squared, torch.inf).sort(dim=1).values
        size = member.sum(dim=1)
        # Half to even in double precision, as Python's round.
        place = (self.settings.quantile * (size.clamp(min=1) - 1).double()).round().long()
        found = ordered.gather(1, place[:, None])[:, 0]
        return torch.where(size > 0, found, _UNSET)


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
