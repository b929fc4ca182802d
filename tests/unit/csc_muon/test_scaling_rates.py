"""Scaling to equal efficiency, turn-on curves, and rates on a falling spectrum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import beta

from hitforge.evaluation.differences import find
from hitforge.studies.csc_muon.evaluation.calibration import PtScaling, apply_calibration, calibrate_sample, fit_scaling
from hitforge.studies.csc_muon.evaluation.comparison import compare_models
from hitforge.studies.csc_muon.evaluation.rates import RATE_THRESHOLDS_GEV, Rate
from hitforge.studies.csc_muon.evaluation.sample import MuonSample
from hitforge.studies.csc_muon.evaluation.turn_on import (
    PT_EDGES_GEV,
    TurnOn,
    clopper_pearson,
    fit_erf,
    initial_fit,
    turn_on_curve,
)
from tests.unit.csc_muon.toy_muons import sample_of, settings, toy_sample, toy_truth

SETTINGS = settings()


def scaled(muons: MuonSample) -> MuonSample:
    return apply_calibration(muons, calibrate_sample(muons, SETTINGS))


def test_efficiency_at_threshold_is_what_was_asked_for() -> None:
    calibration = calibrate_sample(toy_sample(60_000, seed=1), SETTINGS)
    fitted = apply_calibration(toy_sample(60_000, seed=1), calibration)
    independent = apply_calibration(toy_sample(60_000, seed=2), calibration)
    for muons, tolerance in ((fitted, 0.02), (independent, 0.04)):
        found = TurnOn(muons, SETTINGS)(muons.weight)["at_threshold"]
        np.testing.assert_allclose(found, 0.9, atol=tolerance)


def test_an_optimistic_scale_gains_nothing() -> None:
    muons = toy_sample(20_000)
    optimistic = replace(muons, columns={"inverse_pt": muons.columns["inverse_pt"] / 1.3})
    first, second = scaled(muons).scaled_pt, scaled(optimistic).scaled_pt
    assert first is not None and second is not None
    inside = muons.predicted_pt < 1000.0  # beyond, the floor of 1/pT differs
    np.testing.assert_allclose(first[inside], second[inside], rtol=1e-9)


def test_the_table_is_monotone_and_passes_thresholds_exactly_at_their_cuts() -> None:
    rng = np.random.default_rng(1)
    true = 1.0 / np.abs(toy_truth(20_000)[0])
    steps = np.round(true * np.exp(0.2 * rng.normal(size=len(true))) / 4.0) * 4.0 + 2.0  # an output of few values
    table = fit_scaling(true, steps, np.ones(len(true)), SETTINGS)
    assert table.ok and np.all(np.diff(table.cuts_gev) >= 0)
    grid = np.geomspace(0.5, 7000.0, 500)
    assert np.all(np.diff(table.apply(grid)) >= 0)
    assert np.all(table.apply(np.array(table.cuts_gev)) >= np.array(table.thresholds_gev))
    below = np.array(table.cuts_gev) * (1.0 - 1e-9)
    assert np.all(table.apply(below) <= np.array(table.thresholds_gev))


def test_a_shared_cut_passes_all_its_thresholds() -> None:
    table = PtScaling(ok=True, thresholds_gev=(5.0, 10.0, 20.0), cuts_gev=(4.0, 8.0, 8.0))
    assert table.apply(np.array([4.0, 8.0, 16.0])).tolist() == pytest.approx([5.0, 20.0, 40.0])
    assert table.apply(np.array([2.0, 7.999]))[0] == pytest.approx(2.5)
    assert table.apply(np.array([7.999]))[0] < 10.0


def test_too_few_muons_to_scale() -> None:
    calibration = calibrate_sample(toy_sample(15), SETTINGS)
    assert not calibration["pt_scaling"]["ok"]
    assert "fewer than 20 calibration muons" in calibration["pt_scaling"]["reason"]
    assert apply_calibration(toy_sample(15), calibration).scaled_pt is None


def test_clopper_pearson_against_scipy_and_at_the_ends() -> None:
    passed, total = np.array([0.0, 3.0, 10.0]), np.array([10.0, 10.0, 10.0])
    low, high = clopper_pearson(passed, total, 0.95)
    assert low[0] == 0.0 and high[2] == 1.0
    assert low[1] == pytest.approx(beta.ppf(0.025, 3, 8)) and high[1] == pytest.approx(beta.ppf(0.975, 4, 7))
    assert high[0] == pytest.approx(1.0 - 0.025 ** (1 / 10)) and low[2] == pytest.approx(0.025 ** (1 / 10))
    assert np.isnan(clopper_pearson(np.array([np.nan]), np.zeros(1))[0][0])


@pytest.mark.parametrize("truth", [(18.0, 2.5, 0.97), (4.2, 0.6, 1.0), (22.0, 5.0, 0.99)])
def test_the_fit_is_the_likeliest_curve(truth: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(4)
    pt = 0.5 * (PT_EDGES_GEV[1:] + PT_EDGES_GEV[:-1])
    counts = rng.integers(30, 3000, len(pt))
    efficiency = rng.binomial(counts, turn_on_curve(pt, *truth)) / counts

    def minus_log_likelihood(parameters: np.ndarray) -> float:
        mean = np.clip(turn_on_curve(pt, *parameters), 1e-4, 1 - 1e-4)
        return float(-(counts * (efficiency * np.log(mean) + (1 - efficiency) * np.log(1 - mean))).sum())

    found = fit_erf(pt, efficiency, counts, initial_fit(1.2 * truth[0]))
    slow = minimize(minus_log_likelihood, truth, method="Nelder-Mead", bounds=[(1, 99), (0.01, 99), (0, 1)]).x
    assert minus_log_likelihood(found) <= minus_log_likelihood(slow) + 1e-3
    np.testing.assert_allclose(found, slow, rtol=2e-3)
    np.testing.assert_allclose(found, truth, rtol=0.05)


def test_a_turn_on_without_muons_has_no_fit() -> None:
    assert np.isnan(fit_erf(np.arange(3.0), np.ones(3), np.ones(3, dtype=int), initial_fit(5.0))).all()
    muons = scaled(toy_sample(3000))
    turn_on = TurnOn(muons, settings(min_per_bin=10_000))
    assert np.isnan(turn_on(muons.weight)["x50"]).all() and "fewer than 10000 muons" in turn_on.reason


def test_turn_on_efficiencies_against_a_loop() -> None:
    muons = scaled(toy_sample(4000))
    assert muons.scaled_pt is not None
    found = TurnOn(muons, settings(min_per_bin=1))(muons.weight)["efficiency"]
    region = (np.abs(muons.eta) >= 1.55) & (np.abs(muons.eta) < 2.1)
    for b in (5, 20, 40):
        inside = region & (muons.true_pt >= PT_EDGES_GEV[b]) & (muons.true_pt < PT_EDGES_GEV[b + 1])
        for t, threshold in enumerate(SETTINGS.trigger_thresholds_gev):
            if inside.any():
                assert found[2, t, b] == pytest.approx(np.mean(muons.scaled_pt[inside] >= threshold))


def test_rate_of_a_perfect_model_is_that_of_the_spectrum() -> None:
    # stratified and not random: the sum is then the integral
    inverse = (np.arange(400_000) + 0.5) / 400_000 * (0.5 - 1 / 7000) + 1 / 7000
    muons = replace(sample_of(inverse, {"inverse_pt": inverse}), scaled_pt=1.0 / inverse)
    rates = Rate(muons, SETTINGS)(muons.weight)["rate"]
    for row, n in zip(rates, SETTINGS.spectrum_exponents, strict=True):
        expected = (RATE_THRESHOLDS_GEV ** (1 - n) - 7000.0 ** (1 - n)) / (2.0 ** (1 - n) - 7000.0 ** (1 - n))
        np.testing.assert_allclose(row, expected, rtol=1e-3)


def test_a_spectrum_of_ones_own_counts_its_bins_alone() -> None:
    inverse = (np.arange(400_000) + 0.5) / 400_000 * (0.5 - 1 / 7000) + 1 / 7000
    muons = replace(sample_of(inverse, {"inverse_pt": inverse}), scaled_pt=1.0 / inverse)
    own = settings(spectrum_histogram={"edges_gev": [10, 20, 40], "density": [3, 1]})
    rate = Rate(muons, own)(muons.weight)["rate"]
    assert len(rate) == len(own.spectrum_exponents) + 1
    expected = np.interp(RATE_THRESHOLDS_GEV, [10, 20, 40], [1, 20 / 50, 0])
    np.testing.assert_allclose(rate[-1], expected, atol=2e-3)
    with pytest.raises(ValueError, match="3 edges need 2 densities"):
        settings(spectrum_histogram={"edges_gev": [10, 20, 40], "density": [1]})
    with pytest.raises(ValueError, match="ascend"):
        settings(spectrum_histogram={"edges_gev": [10, 40, 20], "density": [1, 1]})


def test_rate_reduction_is_paired_and_orders_models() -> None:
    samples = {model: toy_sample(20_000, model) for model in ("emtf-bdt", "seed-bdt", "ens5")}
    samples = {model: scaled(muons) for model, muons in samples.items()}
    rows = compare_models(samples, 7, "test", settings(bootstraps=20))

    def reduction(model: str, where: dict[str, Any]) -> dict[str, Any]:
        found = find(rows, model, "emtf-bdt", "rate_reduction", where)
        assert found is not None
        return found

    rates = {model: reduction(model, {}) for model in samples}
    assert rates["emtf-bdt"]["value"] == 1.0 and rates["emtf-bdt"]["error"] == 0.0
    assert rates["ens5"]["value"] > 1.0 + rates["ens5"]["error"]
    assert rates["seed-bdt"]["value"] < 1.0 - rates["seed-bdt"]["error"]
    for model, headline in rates.items():
        assert reduction(model, {"threshold_gev": 22.0, "exponent": 4.0}) == pytest.approx(headline)
        assert reduction(model, {"abs_eta": [1.2, 1.3]})["value"] > 0
    row = find(rows, "emtf-bdt", "ens5", "rate")
    assert row is not None
    at = list(RATE_THRESHOLDS_GEV).index(22.0)
    first, second = (Rate(samples[m], SETTINGS)(samples[m].weight)["rate"][0, at] for m in ("emtf-bdt", "ens5"))
    assert row["value"] == pytest.approx(first - second) and row["value"] > row["error"] > 0


def test_without_the_reference_there_is_a_reason() -> None:
    muons = scaled(toy_sample(500))
    (alone,) = compare_models({"hgb": muons}, 7, "test", SETTINGS)
    assert (alone["quantity"], alone["second"], alone["where"]) == ("rate_reduction", "emtf-bdt", {})
    assert alone["difference"]["value"] is None and "emtf-bdt was not evaluated" in alone["difference"]["reason"]
    unscaled = replace(muons, scaled_pt=None, reason="none")
    both = find(
        compare_models({"emtf-bdt": muons, "hgb": unscaled}, 7, "test", SETTINGS), "hgb", "emtf-bdt", "rate_reduction"
    )
    assert both is not None and both["reason"] == "hgb has no scaled pT"
