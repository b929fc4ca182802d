"""Weighted order statistics in groups against loops over the muons."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.evaluation.ordered import OrderedGroups


def smallest_interval(values: np.ndarray, weights: np.ndarray, fraction: float) -> float:
    """Half width of the smallest interval that holds a fraction of the weight, by trying all."""
    order = np.argsort(values)
    values, weights = values[order], weights[order]
    best = np.inf
    for i in range(len(values)):
        for j in range(i, len(values)):
            if weights[i : j + 1].sum() >= fraction * weights.sum() - 1e-9:
                best = min(best, values[j] - values[i])
                break
    return 0.5 * best


@pytest.mark.parametrize("whole", [True, False])
def test_against_loops(whole: bool) -> None:
    rng = np.random.default_rng(3)
    values, groups = rng.normal(size=150), rng.integers(-1, 4, 150)
    groups[groups == 2] = 0  # one group stays empty
    weights = rng.integers(0, 4, 150).astype(float) if whole else rng.uniform(0.1, 2.0, 150)
    found = OrderedGroups(values, groups, 4).weighted(weights)
    for g in (0, 1, 3):
        own, own_weights = values[(groups == g) & (weights > 0)], weights[(groups == g) & (weights > 0)]
        assert found.sigma_eff()[g] == pytest.approx(smallest_interval(own, own_weights, 0.683))
        cumulative = np.cumsum(own_weights[np.argsort(own)])
        expected = np.sort(own)[np.argmax(cumulative >= 0.3 * cumulative[-1])]
        assert found.quantile(0.3)[g] == expected
        if whole:
            assert found.median()[g] == pytest.approx(np.median(np.repeat(own, own_weights.astype(int))))
    assert np.isnan([found.median()[2], found.sigma_eff()[2], found.core()[2], found.quantile(0.5)[2]]).all()


def test_a_gaussian_with_tails_keeps_its_core() -> None:
    rng = np.random.default_rng(5)
    values = np.concatenate([rng.normal(3.0, 0.2, 40_000), rng.uniform(-50.0, 50.0, 2_000)])
    found = OrderedGroups(values, np.zeros(len(values), dtype=int), 1).weighted(np.ones(len(values)))
    assert found.core()[0] == pytest.approx(0.2, rel=0.02)
    assert values.std() > 5.0


def test_no_muons() -> None:
    found = OrderedGroups(np.zeros(0), np.zeros(0, dtype=int), 2).weighted(np.zeros(0))
    for result in (found.median(), found.sigma_eff(), found.quantile(0.5), found.core()):
        assert np.isnan(result).all() and result.shape == (2,)
