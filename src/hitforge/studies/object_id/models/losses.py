"""Losses of the networks. The target is the label of the class, as a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from hitforge.studies.object_id.data.objects import N_CLASSES
from hitforge.studies.object_id.settings import ObjectModelSettings
from hitforge.training.losses import MemberLoss

Outputs = Mapping[str, Tensor]


def build_loss(model: ObjectModelSettings) -> MemberLoss:
    """Return the loss of a model."""
    return ClassLoss(model.network.loss, model.network.label_smoothing)


class ClassLoss(MemberLoss):
    """Cross entropy -sum p log q, or mean over the four outputs of (p - q)^2, with label smoothing.

    The accuracy in training is counted along, with dropout at work, and enters the history of each epoch.
    """

    correct: Tensor
    seen: Tensor
    accuracy: Tensor

    def __init__(self, kind: Literal["cross_entropy", "mse"], label_smoothing: float) -> None:
        super().__init__()
        self.kind, self.label_smoothing = kind, label_smoothing
        for name in ("correct", "seen", "accuracy"):
            self.register_buffer(name, torch.zeros((), dtype=torch.float64))

    def per_event(self, output: Outputs, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the loss of each object, shape (n,)."""
        logits, label = output["class_logits"].float(), target.long()
        if self.training:
            self.correct += (logits.detach().argmax(dim=1) == label).sum()
            self.seen += len(label)
        if self.kind == "cross_entropy":
            loss = functional.cross_entropy(logits, label, reduction="none", label_smoothing=self.label_smoothing)
        else:
            one_hot = functional.one_hot(label, N_CLASSES).float()
            true = one_hot * (1 - self.label_smoothing) + self.label_smoothing / N_CLASSES
            loss = (torch.softmax(logits, dim=1) - true).square().mean(dim=1)
        return loss if weight is None else loss * weight

    def end_of_epoch(self, epoch: int) -> None:
        """Keep the epoch's training accuracy and count anew."""
        self.accuracy.copy_(self.correct / self.seen.clamp(min=1))
        self.correct.zero_()
        self.seen.zero_()

    def metrics(self, output: Outputs, target: Tensor) -> Mapping[str, Tensor]:
        """Return 1 where the most probable class is the true one."""
        return {"accuracy": (output["class_logits"].argmax(dim=1) == target.long()).float()}

    def log(self) -> dict[str, Any]:
        """Return the training accuracy of the last epoch."""
        return {"train_accuracy": float(self.accuracy)}
