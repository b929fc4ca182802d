"""Resolution, bias, charge, coverage and pulls of muons with a known response."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri

from hitforge.studies.csc_muon.evaluation.regression import RegressionErrors, check_r2
from hitforge.studies.csc_muon.evaluation.resolution import (
    TAIL,
    ChargeMisidentification,
    PointResolution,
    Resolution,
    binnings,
    predicted_charge,
    relative_error,
)
from hitforge.studies.csc_muon.evaluation.uncertainty import Pulls, QuantileCoverage, fit_sigma_scale
from hitforge.studies.csc_muon.models.targets import QUANTILE_LEVELS
from tests.unit.csc_muon.toy_muons import sample_of, settings, toy_sample, toy_truth

SETTINGS = settings()


def test_known_relative_width_and_bias() -> None:
    truth, eta, _ = toy_truth(40_000)
    factor = 1.05 + 0.1 * np.random.default_rng(1).normal(size=len(truth))
    muons = sample_of(truth, {"inverse_pt": np.abs(truth) * factor, "q_over_pt": truth * factor}, eta)
    for name, (group, n_bins) in binnings(muons, SETTINGS).items():
        found = Resolution(relative_error(muons), group, n_bins, 1000, TAIL)(muons.weight)
        known = np.isfinite(found["core"])
        assert known.sum() >= 3, name
        np.testing.assert_allclose(found["core"][known], 0.1, rtol=0.1)
        np.testing.assert_allclose(found["sigma_eff"][known], 0.1, rtol=0.1)
        np.testing.assert_allclose(found["bias"][known], 0.05, atol=0.012)
        assert np.nanmax(found["tail"]) < 1e-3
    group, n_bins = binnings(muons, SETTINGS)["pt"]
    signed = Resolution(muons.columns["q_over_pt"] - muons.q_over_pt, group, n_bins, 20)(muons.weight)
    assert signed["sigma_eff"][0] > 10 * signed["sigma_eff"][9]  # in 1/GeV it falls with pT


def test_bins_with_few_muons_give_nothing() -> None:
    muons = toy_sample(300)
    group, n_bins = binnings(muons, SETTINGS)["pt"]
    statistic = Resolution(relative_error(muons), group, n_bins, 20)
    counts = np.bincount(group[group >= 0], minlength=n_bins)
    assert np.array_equal(np.isfinite(statistic(muons.weight)["bias"]), counts >= 20)
    assert "fewer than 20 muons" in statistic.reason


def test_points_and_the_tail_beyond_120_gev() -> None:
    pt = np.repeat([5.0, 20.0, 50.0, 200.0], 50)
    found = pt * np.repeat([1.1, 0.8, 1.3, 4.0], 50)
    points = PointResolution(sample_of(1.0 / pt, {"inverse_pt": 1.0 / found}), SETTINGS)(np.ones(200))
    np.testing.assert_allclose(points["median"], [0.1, 0.2, 0.3])
    assert points["high_pt_tail"] == 1.0


def test_the_charge_is_from_its_own_output_or_from_the_sign() -> None:
    truth = np.array([0.1, -0.1, 0.1, -0.1])
    by_sign = sample_of(truth, {"inverse_pt": np.abs(truth), "q_over_pt": np.array([0.1, 0.1, -0.1, -0.1])})
    assert predicted_charge(by_sign).tolist() == [1, 1, -1, -1]
    own = replace(by_sign, columns={**by_sign.columns, "charge_probability": np.array([0.9, 0.1, 0.8, 0.7])})
    assert predicted_charge(own).tolist() == [1, -1, 1, 1]
    wrong = ChargeMisidentification(own, settings(min_per_bin=1))
    assert wrong(np.ones(4))["total"] == 0.25
    assert wrong(np.array([1.0, 1.0, 1.0, 0.0]))["total"] == 0.0


def test_a_small_prediction_is_a_large_pt_and_never_an_infinite_one() -> None:
    muons = sample_of(np.array([0.01, 0.01]), {"inverse_pt": np.array([0.0, 1e-6])})
    assert muons.predicted_pt.tolist() == pytest.approx([7000.0, 7000.0])


def test_quantiles_that_are_right_and_too_narrow_ones() -> None:
    truth, eta, _ = toy_truth(20_000)
    rng = np.random.default_rng(2)
    found = truth + 0.01 * rng.normal(size=len(truth))
    for width, expected in ((0.01, 0.68), (0.005, 0.38)):
        quantiles = found[:, None] + width * ndtri(QUANTILE_LEVELS)
        columns = {"inverse_pt": np.abs(found), "q_over_pt": found, "quantiles": quantiles}
        coverage = QuantileCoverage(sample_of(truth, columns, eta), SETTINGS)(np.ones(len(truth)))
        assert coverage["inside"][1] == pytest.approx(expected, abs=0.015)
        assert coverage["below"][3] == pytest.approx(0.5, abs=0.015)
        assert coverage["crossing"] == 0.0
    with pytest.raises(ValueError, match="column quantiles: 3 of them, expected 7"):
        QuantileCoverage(sample_of(truth, {**columns, "quantiles": quantiles[:, :3]}, eta), SETTINGS)


def test_an_unsigned_model_is_compared_with_the_unsigned_truth() -> None:
    truth = np.tile([-0.2, 0.2], 50)
    quantiles = np.abs(truth)[:, None] + 0.05 * ndtri(QUANTILE_LEVELS)
    columns = {"inverse_pt": np.abs(truth), "quantiles": quantiles}
    assert QuantileCoverage(sample_of(truth, columns), SETTINGS)(np.ones(100))["inside"].tolist() == [1.0, 1.0, 1.0]


def test_pulls_before_and_after_the_scale_is_fitted() -> None:
    muons = toy_sample(20_000, "ens5")  # its sigma is 1.3 times too large
    before = Pulls(muons, SETTINGS)(muons.weight)
    assert before["width"] == pytest.approx(1 / 1.3, rel=0.03)
    scale = fit_sigma_scale(muons)
    assert scale == pytest.approx(1 / 1.3, rel=0.03)
    after = Pulls(replace(muons, sigma_scale=scale), SETTINGS)(muons.weight)
    assert after["inside1"] == pytest.approx(0.683, abs=0.001)
    assert after["width68"] == pytest.approx(1.0, abs=0.03)
    wrong = replace(muons, columns={**muons.columns, "q_over_pt_sigma": np.zeros(len(muons))})
    with pytest.raises(ValueError, match="q_over_pt_sigma must be positive"):
        Pulls(wrong, SETTINGS)


def test_errors_of_a_regression() -> None:
    true, found = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.5, 2.5, 3.5, 4.5])
    errors = RegressionErrors(true, found)(np.ones(4))
    assert errors["mae"] == errors["rmse"] == errors["median_ae"] == 0.5
    assert errors["explained_variance"] == pytest.approx(1.0)  # a constant offset explains all of the variance
    assert errors["r2"] == pytest.approx(1.0 - 0.25 / 1.25)
    constant = RegressionErrors(true, np.full(4, 2.5))(np.ones(4))
    assert constant["r2"] == pytest.approx(0.0)
    assert np.isnan(RegressionErrors(np.ones(4), found)(np.ones(4))["r2"])


def test_the_decks_r2_contradicts_its_mse() -> None:
    def numbers(r2: float, mse: float, variance: float) -> dict[str, dict[str, float]]:
        return {"r2": {"value": r2}, "mse": {"value": mse}, "variance": {"value": variance}}

    with pytest.raises(ValueError, match=r"seed-cnn2d: R2 = 0\.9999, but MSE = 0\.00148"):
        check_r2(numbers(0.9999, 0.00148, 0.018), "seed-cnn2d")
    check_r2(numbers(1.0 - 0.00148 / 0.018, 0.00148, 0.018), "seed-cnn2d")
    check_r2(numbers(None, 0.1, None), "nothing to compare")
