"""Optimisers against their formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hitforge.training.optimiser import build_optimiser, set_rates
from hitforge.training.schedule import Rates
from hitforge.training.settings import TrainingSettings

GRADIENTS = (0.5, -2.0, 1.0, 0.25)


def walk(settings: TrainingSettings, rate: float) -> float:
    """Return where a parameter that starts at 1 goes under the gradients."""
    theta = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    optimiser = build_optimiser([theta], settings)
    for gradient in GRADIENTS:
        for group in optimiser.param_groups:
            set_rates(group, Rates(rate, 0.9), settings)
        theta.grad = torch.tensor(gradient, dtype=torch.float64)
        optimiser.step()
    return float(theta.detach())


def test_sgd() -> None:
    assert walk(TrainingSettings(optimiser="sgd"), 0.1) == pytest.approx(1 - 0.1 * sum(GRADIENTS))


def test_rmsprop() -> None:
    theta, v = 1.0, 0.0
    for g in GRADIENTS:
        v = 0.9 * v + 0.1 * g**2
        theta -= 0.01 * g / (np.sqrt(v) + 1e-7)
    assert walk(TrainingSettings(optimiser="rmsprop"), 0.01) == pytest.approx(theta)


def test_adam_with_bias_correction_and_decoupled_decay() -> None:
    theta, m, v = 1.0, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        theta -= 0.01 * 0.1 * theta
        theta -= 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    assert walk(TrainingSettings(weight_decay=0.1), 0.01) == pytest.approx(theta)


def test_weight_decay_is_for_adam_only() -> None:
    with pytest.raises(ValueError, match="weight_decay is for Adam only"):
        walk(TrainingSettings(optimiser="sgd", weight_decay=0.1), 0.1)
