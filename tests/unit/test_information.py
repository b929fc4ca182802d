"""The quick estimate of information on cases with a known answer."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.evaluation.information import binned_information


def gaussians(n: int, correlation: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two unit Gaussians; they share -log2(1 - correlation^2) / 2 bits."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return x, correlation * x + np.sqrt(1 - correlation**2) * rng.normal(size=n)


@pytest.mark.parametrize("bits", [0.1, 0.5, 0.8, 1.5])
def test_of_correlated_gaussians(bits: float) -> None:
    x, y = gaussians(20_000, np.sqrt(1 - 2 ** (-2 * bits)), 1)
    # bins lose a little
    assert 0.88 * bits - 0.02 < binned_information(x, y) < bits + 0.02


def test_without_a_connection_it_is_zero() -> None:
    found = [binned_information(*gaussians(1000, 0.0, seed)) for seed in range(40)]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(40) + 0.002


def test_monotone_functions_change_nothing() -> None:
    x, y = gaussians(3000, 0.7, 2)
    assert binned_information(np.exp(x), y) == binned_information(x, y**3) == binned_information(x, y)


def test_a_constant_knows_nothing() -> None:
    assert binned_information(np.ones(500), np.arange(500.0)) == pytest.approx(0.0, abs=1e-12)
