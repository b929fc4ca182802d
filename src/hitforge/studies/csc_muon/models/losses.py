"""Losses of the networks. The target of all is the generated q/pT; what a loss needs of it is made here."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from hitforge.studies.csc_muon.models.seed_networks import EmtfNetwork
from hitforge.studies.csc_muon.models.targets import PT_CLASSES_GEV, QUANTILE_LEVELS
from hitforge.studies.csc_muon.settings import CscModelSettings
from hitforge.training.losses import MemberLoss

Outputs = Mapping[str, Tensor]


def class_of(q_over_pt: Tensor) -> Tensor:
    """Return the pT class, 0 to 3, of each q/pT, shape (n,); classes are right-closed in pT."""
    # ascending in 1/pT: pT <= 10 is 1/pT >= 0.1
    edges = torch.tensor([1 / pt for pt in reversed(PT_CLASSES_GEV)], device=q_over_pt.device)
    return len(PT_CLASSES_GEV) - torch.bucketize(q_over_pt.abs(), edges, right=True)


def _weighted(loss: Tensor, weight: Tensor | None) -> Tensor:
    return loss if weight is None else loss * weight


class PointLoss(MemberLoss):
    """Absolute (the deck's 1-D network) or squared error of 1/pT or q/pT."""

    def __init__(self, column: str, squared: bool) -> None:
        super().__init__()
        self.column, self.squared = column, squared

    def per_event(self, output: Outputs, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the error of each muon, shape (n,), in 1/GeV or its square."""
        true = target.abs() if self.column == "inverse_pt" else target
        error = output[self.column].float() - true
        return _weighted(error.square() if self.squared else error.abs(), weight)


class ClassLoss(MemberLoss):
    """Cross entropy of the four pT classes; the balance of the classes is the study's event weight."""

    def per_event(self, output: Outputs, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the cross entropy of each muon, shape (n,)."""
        return _weighted(functional.cross_entropy(output["class_logits"], class_of(target), reduction="none"), weight)

    def metrics(self, output: Outputs, target: Tensor) -> Mapping[str, Tensor]:
        """Return 1 where the most probable class is the true one."""
        return {"accuracy": (output["class_logits"].argmax(dim=1) == class_of(target)).float()}


class EmtfLoss(MemberLoss):
    """Huber loss of 100 q/pT and cross entropy of the decision (EMTF++ code)."""

    DELTA = 1.345

    def __init__(self, threshold_gev: float) -> None:
        super().__init__()
        self.threshold_gev = threshold_gev

    def per_event(self, output: Outputs, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the sum of both for each muon, shape (n,)."""
        scaled = EmtfNetwork.SCALE * output["q_over_pt"]
        huber = functional.huber_loss(scaled, EmtfNetwork.SCALE * target, reduction="none", delta=self.DELTA)
        above = (target.abs() < 1 / self.threshold_gev).float()
        decision = functional.binary_cross_entropy_with_logits(output["trigger_logit"], above, reduction="none")
        return _weighted(huber + decision, weight)


class EnsembleLoss(MemberLoss):
    """Sum over the heads of our ensemble.

    The mean and the variance learn by the Gaussian likelihood times the (constant) predicted variance to a half
    (beta-NLL of arXiv:2203.09168): the plain one would hardly look at muons of low pT, whose errors are the largest.
    """

    levels: Tensor
    BETA = 0.5
    UNIT = 10.0
    """q/pT is compared in units of 1/UNIT per GeV: all terms are then of order one."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("levels", torch.tensor(QUANTILE_LEVELS), persistent=False)

    def per_event(self, output: Outputs, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the loss of each muon, shape (n,)."""
        folded = output["sign"] * target
        log_variance = output["log_variance"] + 2 * math.log(self.UNIT)
        squares = (self.UNIT * (output["folded"] - folded)).square()
        likelihood = 0.5 * (squares * torch.exp(-log_variance) + log_variance)
        likelihood = likelihood * torch.exp(self.BETA * log_variance).detach()
        above = self.UNIT * (folded[:, None] - output["folded_quantiles"])
        pinball = torch.maximum(self.levels * above, (self.levels - 1) * above).sum(dim=1)
        classes = functional.cross_entropy(output["class_logits"], class_of(target), reduction="none")
        charge = functional.binary_cross_entropy_with_logits(
            output["charge_logit"], (folded > 0).float(), reduction="none"
        )
        return _weighted(likelihood + pinball + classes + charge, weight)

    def metrics(self, output: Outputs, target: Tensor) -> Mapping[str, Tensor]:
        """Return hits of the class and the squared error of q/pT in 1/GeV^2."""
        return {
            "accuracy": (output["class_logits"].argmax(dim=1) == class_of(target)).float(),
            "squared_error": (output["folded"] - output["sign"] * target).square(),
        }


def build_loss(model: CscModelSettings) -> MemberLoss:
    """Return the loss of a model's architecture."""
    architecture, column = model.network.architecture, model.network.output
    if architecture == "ensemble":
        return EnsembleLoss()
    if architecture == "emtf_nn":
        return EmtfLoss(model.network.threshold_gev)
    if column == "class_logits":
        return ClassLoss()
    return PointLoss(column, squared=architecture != "seed_cnn1d")
