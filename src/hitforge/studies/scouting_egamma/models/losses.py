"""Losses of the networks. The target of all is y = E_MC / E_reco, cut to the range that models may learn."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from hitforge.studies.scouting_egamma.features import Y_RANGE
from hitforge.studies.scouting_egamma.settings import EgammaModelSettings
from hitforge.training.losses import MemberLoss

DEGREES = 3
"""Degrees of freedom of Student's t: the tails of gaps, dead crystals and bremsstrahlung, and a finite variance."""

Outputs = Mapping[str, Tensor]


class CorrectionLoss(MemberLoss):
    """The loss that the settings of a model's network name.

    ``relative`` is ((E_predicted - E_MC) / E_MC)^2 = (y_predicted / y - 1)^2 and ``absolute`` (E_predicted - E_MC)^2
    in GeV^2. The others are negative log-likelihoods without constants: ``gaussian`` and ``student_t`` of ln y,
    ``crystal_ball`` of y with both sides.
    """

    def __init__(self, model: EgammaModelSettings) -> None:
        super().__init__()
        self.kind = model.network.loss

    def per_event(self, output: Outputs, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the loss of each candidate, shape (n,)."""
        y = target.float().clamp(*Y_RANGE)
        if self.kind == "relative":
            loss = relative_loss(output["y"], y)
        elif self.kind == "absolute":
            loss = (output["e_reco"] * (output["y"] - y)).square()
        elif self.kind == "crystal_ball":
            loss = -crystal_ball_log_density(y, output)
        else:
            log_scale = output["ln_y_log_scale"]
            distance = ((torch.log(y) - output["ln_y"]) * torch.exp(-log_scale)).square()
            if self.kind == "student_t":
                distance = (DEGREES + 1) * torch.log1p(distance / DEGREES)
            loss = log_scale + 0.5 * distance
        return loss if weight is None else loss * weight

    def metrics(self, output: Outputs, target: Tensor) -> Mapping[str, Tensor]:
        """Return the relative loss, which all networks can be compared by."""
        return {"relative": relative_loss(output["y"], target.float().clamp(*Y_RANGE))}


def relative_loss(predicted: Tensor, y: Tensor) -> Tensor:
    """Return (y_predicted / y - 1)^2, shape (n,)."""
    return (predicted / y - 1).square()


def crystal_ball_log_density(y: Tensor, about: Outputs) -> Tensor:
    """Return the log-density of y, shape (n,), of :mod:`hitforge.studies.scouting_egamma.evaluation.crystal_ball`."""
    t = (y - about["mu"]) / about["sigma"]
    low, high = about["alpha_low"], about["alpha_high"]
    n_low, n_high = about["n_low"], about["n_high"]
    # the argument of an unused branch stays finite, or its gradient would be NaN
    beyond_low = -0.5 * low**2 - n_low * torch.log1p(low / n_low * (torch.maximum(-t, low) - low))
    beyond_high = -0.5 * high**2 - n_high * torch.log1p(high / n_high * (torch.maximum(t, high) - high))
    core = -0.5 * torch.minimum(torch.maximum(t, -low), high) ** 2
    value = torch.where(t < -low, beyond_low, torch.where(t > high, beyond_high, core))
    root = 2**-0.5
    norm = (torch.pi / 2) ** 0.5 * (torch.erf(low * root) + torch.erf(high * root))
    for alpha, n in ((low, n_low), (high, n_high)):
        norm = norm + n / (alpha * (n - 1)) * torch.exp(-0.5 * alpha**2)
    return value - torch.log(about["sigma"] * norm)
