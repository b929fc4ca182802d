"""What a training minimises: the interface, and the Huberised squared error with its powers of the target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from hitforge.training.settings import LossSettings

_UNSET = -1.0


class MemberLoss(nn.Module, ABC):
    """The loss of a network, with the state that training moves in it; ``state_dict`` goes into checkpoints.

    The loop hands over whatever the network returns, so that a study is free to return one tensor or several by name.
    """

    def forward(self, output: Any, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the mean of :meth:`per_event` over the batch (divided by n, not by the sum of the weights)."""
        return self.per_event(output, target, weight).mean()

    @abstractmethod
    def per_event(self, output: Any, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the loss of each event, shape (n,), so that a validation can average over events."""

    def end_of_epoch(self, epoch: int) -> None:
        """Note that an epoch of training batches is over; called before its validation."""

    def metrics(self, output: Any, target: Tensor) -> Mapping[str, Tensor]:
        """Return per-event values, shape (n,), whose means over the monitoring events enter the history."""
        return {}

    def sample_metrics(self, output: Tensor, target: Tensor) -> Mapping[str, float]:
        """Return numbers of all monitoring events together, for the history: what no mean over events can be.

        ``output`` holds the outputs of all events, which the loop keeps for this; a network of several tensors has
        none.
        """
        return {}

    def log(self) -> dict[str, Any]:
        """Return plain data of the loss's state for the history of an epoch."""
        return {}


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
