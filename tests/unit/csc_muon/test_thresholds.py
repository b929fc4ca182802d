"""Metrics against a threshold: three conventions of the range, and the decision pT > x with its baseline."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.studies.csc_muon.evaluation.thresholds import (
    DECK_GEV,
    SCAN_GEV,
    RangeMetrics,
    TriggerMetrics,
    deck_class,
)


def muons(n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    true = 1.0 / rng.uniform(1 / 7000, 0.5, n)
    return true, true * np.exp(0.3 * rng.normal(size=n)), rng.integers(1, 4, n).astype(float)


def weighted_f1(true: np.ndarray, found: np.ndarray, weights: np.ndarray, n_classes: int) -> float:
    total = 0.0
    for c in range(n_classes):
        both = weights[(true == c) & (found == c)].sum()
        either = weights[true == c].sum() + weights[found == c].sum()
        total += weights[true == c].sum() * (2.0 * both / either if either else 0.0)
    return total / weights.sum()


@pytest.mark.parametrize("edges", [DECK_GEV, SCAN_GEV[::20]], ids=["deck", "scan"])
def test_ranges_against_loops_in_every_convention(edges: np.ndarray) -> None:
    true, found, weights = muons()
    metrics = RangeMetrics(true, found, edges, min_per_bin=1)(weights)
    upper = np.append(edges[1:], np.inf)
    for k, (low, high) in enumerate(zip(edges, upper, strict=True)):
        for i, inside in enumerate((true >= low, true < high, (true >= low) & (true < high))):
            t, p, w = true[inside], found[inside], weights[inside]
            if len(t) < 2:
                continue
            mse = np.average((p - t) ** 2, weights=w)
            assert metrics["mse"][i, k] == pytest.approx(mse)
            assert metrics["mae"][i, k] == pytest.approx(np.average(np.abs(p - t), weights=w))
            assert metrics["relative_mae"][i, k] == pytest.approx(np.average(np.abs(p - t) / t, weights=w))
            variance = np.average((t - np.average(t, weights=w)) ** 2, weights=w)
            assert metrics["r2"][i, k] == pytest.approx(1.0 - mse / variance, rel=1e-6)
            correct = deck_class(t) == deck_class(p)
            assert metrics["accuracy"][i, k] == pytest.approx(np.average(correct, weights=w))
            assert metrics["weighted_f1"][i, k] == pytest.approx(weighted_f1(deck_class(t), deck_class(p), w, 11))


def test_the_conventions_differ_and_the_error_of_muons_below_grows_slowly() -> None:
    true, found, weights = muons(5000)
    mae = RangeMetrics(true, found, DECK_GEV, 1)(weights)["mae"]
    above, below, inside = mae
    assert above[0] > 3.0 * below[0]
    assert below[0] == pytest.approx(inside[0])  # no muon lies below 2 GeV
    assert np.all(np.diff(below[:-1]) > 0)


def test_perfect_and_constant_predictions() -> None:
    true, _, weights = muons()
    perfect = RangeMetrics(true, true, DECK_GEV, 1)(weights)
    assert np.nanmax(perfect["mse"]) == 0.0 and np.nanmin(perfect["accuracy"]) == 1.0
    assert np.nanmin(perfect["r2"]) == 1.0 and np.nanmin(perfect["weighted_f1"]) == 1.0
    mean = np.average(true, weights=weights)
    constant = RangeMetrics(true, np.full_like(true, mean), DECK_GEV, 1)(weights)
    assert constant["r2"][0, 0] == pytest.approx(0.0, abs=1e-9)
    assert np.nanmax(constant["r2"]) < 1e-6


def test_too_few_muons_in_a_range() -> None:
    true = np.array([3.0, 3.5, 12.0])
    metrics = RangeMetrics(true, true, DECK_GEV, min_per_bin=2)
    assert np.isnan(metrics(np.ones(3))["mae"][2, 2]) and metrics(np.ones(3))["mae"][2, 0] == 0.0
    assert "fewer than 2 muons" in metrics.reason


def test_classes_are_digitised_from_the_pt_and_not_from_q_over_pt() -> None:
    q_over_pt = np.array([0.4, -0.01, 0.15])
    assert deck_class(1.0 / np.abs(q_over_pt)).tolist() == [0, 10, 1]
    assert set(deck_class(np.maximum(q_over_pt, 0.0))) == {0}  # the seed's digitisation puts all in one class


def test_decision_against_loops() -> None:
    true, found, weights = muons()
    metrics = TriggerMetrics(true, found, SCAN_GEV)(weights)
    for x in (0, 3, 22, 60, 125):
        yes, says = true > x, found > x
        both, neither = weights[yes & says].sum(), weights[~yes & ~says].sum()
        total = weights.sum()
        assert metrics["accuracy"][x] == pytest.approx((both + neither) / total)
        assert metrics["majority"][x] == pytest.approx(max(weights[yes].sum(), weights[~yes].sum()) / total)
        assert metrics["f1_above"][x] == pytest.approx(2 * both / (weights[yes].sum() + weights[says].sum()))
        if neither:
            assert metrics["f1_below"][x] == pytest.approx(2 * neither / (weights[~yes].sum() + weights[~says].sum()))


def test_guessing_the_larger_side_looks_good_and_its_f1_tells() -> None:
    true, _, weights = muons(5000)
    lazy = TriggerMetrics(true, np.full_like(true, 5.0), SCAN_GEV)(weights)
    assert lazy["accuracy"][120] > 0.97
    assert lazy["accuracy"][120] == lazy["majority"][120]
    assert lazy["f1_above"][120] == 0.0
