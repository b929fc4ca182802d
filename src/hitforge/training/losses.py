"""What a training minimises: the interface that every study's losses have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


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
