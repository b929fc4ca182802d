from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from hitforge.studies.calo_muon.evaluation.bias import fit_bias
from hitforge.studies.calo_muon.evaluation.resolution import (
    CHALLENGE_EDGES_GEV,
    EnergyBins,
    Response,
    challenge_score,
    combine,
    tracker_resolution,
)
from hitforge.studies.calo_muon.settings import EvaluationSettings
from tests.unit.calo_muon.test_bias import golden

HEADLINE = EnergyBins.spectrum(np.linspace(100.0, 4000.0, 21))


def oracle_resolution(true: np.ndarray, predicted: np.ndarray, low: float, high: float) -> float:
    inside = (true > low) & (true <= high)
    t, p = np.median(true[inside]), np.median(predicted[inside])
    delta = (np.percentile(predicted[inside], 84.135) - np.percentile(predicted[inside], 15.865)) / 2
    return float(np.sqrt(delta**2 + (p - t) ** 2) / t)


def test_golden_resolution_and_mean_improvement() -> None:
    true, predicted = golden()
    corrected = fit_bias(true, predicted, EvaluationSettings()).correct(predicted)
    binned = Response(true, corrected, HEADLINE)()
    np.testing.assert_allclose(
        binned.resolution[[0, 1, 2, 19]], [0.3915788, 0.2712468, 0.2497988, 0.2384457], atol=1e-7
    )
    assert binned.mean_improvement == pytest.approx(0.2256894, abs=1e-7)
    assert binned.max_combined == pytest.approx(0.23077, abs=5e-6)


def test_bins_equal_a_loop_with_numpy_percentiles() -> None:
    rng = np.random.default_rng(2)
    true = rng.uniform(50.0, 5000.0, 3000).astype(np.float32)
    predicted = (true * rng.normal(1.05, 0.3, 3000)).astype(np.float32)
    binned = Response(true, predicted, HEADLINE)()
    edges = np.linspace(100.0, 4000.0, 21)
    expected = [oracle_resolution(true, predicted.astype(float), a, b) for a, b in pairwise(edges)]
    np.testing.assert_allclose(binned.resolution, expected, rtol=1e-6)
    tracker = 2e-4 * (edges[1:] + edges[:-1]) / 2
    combined = 1 / np.sqrt(1 / np.square(expected) + 1 / tracker**2)
    assert binned.mean_improvement == pytest.approx(np.mean(tracker - combined), rel=1e-6)


def test_a_replica_equals_the_repeated_sample() -> None:
    rng = np.random.default_rng(4)
    true = rng.uniform(100.0, 4000.0, 800)
    predicted = true * rng.normal(1.0, 0.3, 800)
    counts = np.bincount(rng.integers(0, 800, 800), minlength=800)
    replica = Response(true, predicted, HEADLINE)(counts)
    repeated = Response(np.repeat(true, counts), np.repeat(predicted, counts), HEADLINE)()
    np.testing.assert_allclose(replica.resolution, repeated.resolution, rtol=1e-12)
    np.testing.assert_array_equal(replica.n, repeated.n)


def test_resolution_bins_are_right_closed_and_discrete_ones_forgive_rounding() -> None:
    bins = EnergyBins.spectrum([100.0, 200.0, 300.0])
    assert bins.index(np.array([100.0, 100.001, 200.0, 200.001, 300.0, 300.001])).tolist() == [-1, 0, 0, 1, 1, -1]
    points = EnergyBins.discrete([100.0, 500.0, 4100.0])
    energies = np.array([99.0, 100.0, 499.9999, 500.00006, 700.0, 4100.0, 9000.0])
    assert points.index(energies).tolist() == [-1, 0, 1, 1, -1, 2, -1]
    assert [bins.name(0), points.name(2)] == ["100-200 GeV", "4100 GeV"]


def test_discrete_sample_uses_its_energy_as_the_true_median() -> None:
    rng = np.random.default_rng(1)
    true = np.repeat([500.0, 900.0], 200)
    predicted = true * rng.normal(1.1, 0.2, 400)
    binned = Response(true, predicted, EnergyBins.discrete([900.0, 500.0]))()
    assert binned.true_gev.tolist() == [500.0, 900.0]
    assert binned.resolution[1] == pytest.approx(oracle_resolution(true, predicted, 800.0, 1000.0))
    assert binned.mean_improvement == pytest.approx(np.mean([0.1, 0.18] - binned.combined))


def test_a_poor_bin_has_a_reason_and_no_mean_improvement() -> None:
    rng = np.random.default_rng(1)
    true = np.concatenate([rng.uniform(295.0001, 4000.0, 2000), [150.0, 160.0, 170.0]])
    response = Response(true, true, HEADLINE, min_per_bin=5)
    binned = response()
    assert np.isnan(binned.resolution[0]) and np.all(np.isfinite(binned.resolution[1:]))
    assert np.isnan(binned.mean_improvement) and np.isnan(binned.max_combined)
    assert response.reason == ("1 of 20 bins without a resolution, the first: 3 events at 100-295 GeV, fewer than 5")


def test_perfect_calorimeter_reaches_the_upper_bound() -> None:
    true = np.repeat(HEADLINE.centre_gev, 10)
    assert Response(true, true, HEADLINE)().mean_improvement == pytest.approx(0.41)
    assert tracker_resolution(np.array([1000.0]))[0] == pytest.approx(0.2)
    assert combine(np.array([0.2]), np.array([0.2]))[0] == pytest.approx(0.2 / np.sqrt(2))


def test_challenge_variant_has_its_own_bound() -> None:
    bins = EnergyBins.spectrum(CHALLENGE_EDGES_GEV)
    true = np.repeat(bins.centre_gev, 3)
    assert len(bins) == 40
    assert challenge_score(true, true)["value"] == pytest.approx(0.805)
    short = challenge_score(true[true < 4000], true[true < 4000])
    assert short["value"] is None and "20 of 40 bins" in short["reason"]


def test_arrays_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ValueError, match="true and"):
        Response(np.ones(3), np.ones(2), HEADLINE)
    with pytest.raises(ValueError, match="finite"):
        Response(np.ones(2), np.array([1.0, np.nan]), HEADLINE)
