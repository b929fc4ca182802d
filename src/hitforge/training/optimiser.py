"""Optimisers by name, and the rates of the schedule in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from hitforge.training.schedule import Rates
from hitforge.training.settings import TrainingSettings

RMSPROP_DECAY, RMSPROP_EPS = 0.9, 1e-7
"""Constants of the framework that examples with RMSprop are written for."""


def build_optimiser(parameters: Sequence[nn.Parameter], settings: TrainingSettings) -> torch.optim.Optimizer:
    """Return the optimiser of the settings; the schedule sets its rates at every step.

    With gradient g, learning rate eta and averages that start at zero:

    * ``sgd``: theta -= eta g;
    * ``rmsprop``: v = 0.9 v + 0.1 g^2, theta -= eta g / (sqrt(v) + 1e-7);
    * ``adam``: m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
      theta -= eta (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps).

    Weight decay is decoupled: theta -= eta weight_decay theta. RMSprop and SGD have none.

    Raises
    ------
    ValueError
        Weight decay with an optimiser that has none.
    """
    rate = settings.schedule.lr_peak
    if settings.optimiser == "adam":
        betas = (settings.schedule.beta1_high, settings.adam_beta2)
        decay = settings.weight_decay
        return torch.optim.AdamW(parameters, rate, betas, settings.adam_eps, weight_decay=decay, fused=True)
    if settings.weight_decay:
        raise ValueError(f"training.weight_decay is for Adam only; set it to 0 with optimiser: {settings.optimiser}")
    if settings.optimiser == "rmsprop":
        return torch.optim.RMSprop(parameters, rate, alpha=RMSPROP_DECAY, eps=RMSPROP_EPS)
    return torch.optim.SGD(parameters, rate)


def set_rates(group: dict[str, Any], rates: Rates, settings: TrainingSettings) -> None:
    """Set the learning rate, and Adam's momentum, of an optimiser's group of parameters."""
    group["lr"] = rates.lr
    if "betas" in group:
        group["betas"] = (rates.beta1, settings.adam_beta2)
