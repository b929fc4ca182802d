"""The state of a training: everything that a checkpoint carries, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from hitforge.training.losses import MemberLoss
from hitforge.training.schedule import OneCycleThenStep


def copied(values: Any) -> Any:
    """Return a deep copy on the CPU of nested plain containers with tensors."""
    if isinstance(values, Tensor):
        return values.detach().to("cpu", copy=True)
    if isinstance(values, Mapping):
        return {key: copied(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return type(values)(copied(value) for value in values)
    return values


@dataclass
class TrainingState:
    """Network, optimiser and where the training stands; ``epoch`` and ``batch`` are the next ones to do.

    Attributes
    ----------
    network, optimiser, loss, schedule
        The live objects.
    epoch, batch : int
        Counted from 0; ``batch`` may equal the number of batches: the validation is still to be done.
    loss_sum : float
        Sum over the events of this epoch's batches of their training loss.
    history : list of dict
        One entry for each finished epoch.
    best : dict or None
        Weights and optimiser state of the epoch with the lowest validation loss.
    """

    network: nn.Module
    optimiser: torch.optim.Optimizer
    loss: MemberLoss
    schedule: OneCycleThenStep
    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None

    def keep_best(self) -> None:
        """Note the present weights and optimiser state as the best."""
        self.best = {
            "network": copied(self.network.state_dict()),
            "optimiser": copied(self.optimiser.state_dict()),
        }

    def reload_best(self) -> None:
        """Go back to the best weights and optimiser state; loss thresholds stay as they are."""
        if self.best is None:
            raise RuntimeError("there is no best epoch to go back to")
        self.network.load_state_dict(self.best["network"])
        # load_state_dict may keep the tensors it is given, and the optimiser changes them in place
        self.optimiser.load_state_dict(copied(self.best["optimiser"]))

    def state_dict(self) -> dict[str, Any]:
        """Return tensors and plain containers only."""
        return {
            "network": copied(self.network.state_dict()),
            "optimiser": copied(self.optimiser.state_dict()),
            "loss": copied(self.loss.state_dict()),
            "schedule": self.schedule.state_dict(),
            "epoch": self.epoch,
            "batch": self.batch,
            "loss_sum": self.loss_sum,
            "history": self.history,
            "best": self.best,
            "torch_rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(copied(state["optimiser"]))
        self.loss.load_state_dict(state["loss"])
        self.schedule.load_state_dict(state["schedule"])
        self.epoch = state["epoch"]
        self.batch = state["batch"]
        self.loss_sum = state["loss_sum"]
        self.history = state["history"]
        self.best = state["best"]
        torch.set_rng_state(state["torch_rng"])
        # a job may resume on a node with another number of GPUs
        if torch.cuda.is_available() and len(state["cuda_rng"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["cuda_rng"])
