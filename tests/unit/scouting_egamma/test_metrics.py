"""Metrics with known answers: widths, calibration, Crystal Ball, pair mass, paired differences."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation import crystal_ball
from hitforge.studies.scouting_egamma.evaluation.binned import resolution
from hitforge.studies.scouting_egamma.evaluation.calibration import apply_calibration, fit_scale
from hitforge.studies.scouting_egamma.evaluation.comparison import compare_models
from hitforge.studies.scouting_egamma.evaluation.metrics import evaluate_model, evaluate_sample
from hitforge.studies.scouting_egamma.evaluation.pair_mass import PairMass
from hitforge.studies.scouting_egamma.evaluation.response import SELECTIONS
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample, join_samples
from hitforge.studies.scouting_egamma.evaluation.settings import EvaluationSettings
from hitforge.studies.scouting_egamma.evaluation.widths import PARAMETERS, EnergyFit, fit_terms

SETTINGS = EvaluationSettings(bootstraps=10)


def toy(n: int = 8000, width: float = 0.02, scale: float = 1.0, seed: int = 1, sigma: bool = False) -> EnergySample:
    """Candidates whose corrected energies are Gaussian about ``scale`` times the true ones."""
    rng = np.random.default_rng(seed)
    y_true = rng.uniform(0.9, 1.3, n)
    columns = {"y": y_true * scale * (1 + width * rng.standard_normal(n))}
    if sigma:
        columns["ln_y_sigma"] = np.full(n, 0.01)
    pt = rng.uniform(2, 100, n)
    eta = rng.uniform(-2.5, 2.5, n)
    return EnergySample(
        y_true=y_true, gen_pt=pt, gen_eta=eta, pt=pt / y_true, abs_eta=np.abs(eta),
        category=rng.integers(0, 4, n), quality=rng.integers(0, 3, n), observable=rng.random(n) < 0.8,
        weights=np.ones(n), columns=columns, factor=np.ones(n),
        observed={
            "r9": rng.uniform(0.8, 1.0, n), "fbrem": np.where(rng.random(n) < 0.5, rng.random(n), np.nan),
            "supermodule": rng.integers(0, 20, n).astype(float), "e5x5_response": rng.uniform(0.8, 1.0, n),
        },
    )  # fmt: skip


def test_width_scale_and_tails_of_a_gaussian() -> None:
    found = evaluate_sample("test", toy(scale=1.1), SETTINGS, 1)["response"]
    place = SELECTIONS.index("all")
    for c in range(4):
        assert found["width"]["value"][place][c] == pytest.approx(0.02, rel=0.06)
        assert found["core"]["value"][place][c] == pytest.approx(0.02, rel=0.1)
        assert found["riqr"]["value"][place][c] == pytest.approx(0.02, rel=0.1)
        assert found["median"]["value"][place][c] == pytest.approx(1.1, rel=0.002)
        assert found["outside20"]["value"][place][c] == 0
        assert 0 < found["width"]["error"][place][c] < 0.002


def test_package_quotes_width_and_bias_of_each_category_in_bins_of_pt() -> None:
    metrics = evaluate_model("toy", {"test": toy(20_000, scale=1.1)}, [1.0], 1, evaluation=SETTINGS)
    found = resolution(metrics, "test")
    edges = list(itertools.pairwise(SETTINGS.pt_edges_gev))
    assert [(each.where, (each.low, each.high)) for each in found.bins] == list(itertools.product(CATEGORIES, edges))
    for each in found.bins:
        # some have a hundred candidates only
        assert each.numbers["resolution"]["value"] == pytest.approx(0.02, rel=0.4)
        assert each.numbers["bias"]["value"] == pytest.approx(0.1, abs=5 * each.numbers["bias"]["error"])


def test_too_few_candidates_are_null_with_a_reason() -> None:
    sample = toy(200)
    one = replace(sample, category=np.zeros(200, dtype=np.int64))
    found = evaluate_sample("test", one, SETTINGS, 1)["response"]["width"]
    assert found["value"][0][1] is None and "fewer than 20" in found["reason"]
    assert found["value"][0][0] is not None


def test_calibration_brings_medians_to_one_and_leaves_constants_alone() -> None:
    fitted, other = toy(scale=0.93, seed=2), toy(scale=0.93, seed=3)
    calibration = fit_scale(fitted, SETTINGS)
    assert np.median(apply_calibration(other, calibration).response) == pytest.approx(1, abs=0.002)
    raw = replace(fitted, columns={"y": np.ones(len(fitted))})
    assert np.unique(fit_scale(raw, SETTINGS)["factors"]).tolist() == [1]


def test_width_is_scaled_to_its_coverage() -> None:
    fitted = toy(sigma=True, seed=2)
    half = np.where(fitted.category == 3, 0.5, 1.0)
    calibration = fit_scale(replace(fitted, columns={**fitted.columns, "ln_y_sigma": 0.01 * half}), SETTINGS)
    # 0.02 of which the model says 0.01, and half of it for one category
    np.testing.assert_allclose(calibration["sigma_scale"], [2, 2, 2, 4], rtol=0.06)
    calibration["sigma_scale"][3] /= 2
    found = evaluate_sample("test", apply_calibration(toy(sigma=True, seed=3), calibration), SETTINGS, 1)
    np.testing.assert_allclose(found["pulls"]["inside1"]["value"], 0.683, atol=0.03)


def test_coverage_of_exact_quantiles() -> None:
    rng = np.random.default_rng(3)
    sample = toy(sigma=True)
    ln_y = np.log(sample.y_true)
    centre = ln_y - 0.02 * rng.standard_normal(len(sample))
    quantiles = centre[:, None] + 0.02 * np.array([-1.6449, 0.0, 1.6449])
    found = evaluate_sample(
        "test", replace(sample, columns={**sample.columns, "ln_y_quantiles": quantiles}), SETTINGS, 1
    )["coverage"]["below"]
    np.testing.assert_allclose(found["value"], np.tile([0.05, 0.5, 0.95], (4, 1)), atol=0.04)


def test_resolution_in_energy_is_found_again() -> None:
    rng = np.random.default_rng(5)
    n, (a, b, c) = 60_000, (0.03, 0.2, 0.005)
    sample = toy(n)
    sigma = np.sqrt(a**2 / sample.energy + b**2 / sample.energy**2 + c**2)
    good = np.zeros(n, dtype=np.int64)
    sample = replace(sample, quality=good, columns={"y": sample.y_true * (1 + sigma * rng.standard_normal(n))})
    found = EnergyFit(sample, SETTINGS)(np.ones(n))
    for name, true in zip(PARAMETERS, (a, b, c), strict=True):
        assert np.median(found[name]) == pytest.approx(true, rel=0.2), name
    e, width = np.array([5.0, 20, 80, 300]), np.array([3.0, 2, 1, 0.5])
    exact = fit_terms(e, np.sqrt(a**2 / e + b**2 / e**2 + c**2), np.array([50, 60, 70, 80]))
    np.testing.assert_allclose(exact, (a, b, c), rtol=1e-6)
    assert np.isnan(fit_terms(e[:3], width[:3], np.ones(3, dtype=np.int64))).all()


def test_numbers_in_bins_of_what_is_observed() -> None:
    """A response that is 2 % low at the gap of a supermodule and 1 % high for half of the r9 range."""
    sample = toy(12_000, 0.005)
    gap, high = sample.observed["supermodule"] == 0, sample.observed["r9"] > 0.94
    y = sample.columns["y"] * np.where(gap, 0.98, 1) * np.where(high, 1.01, 1)
    found = evaluate_sample("test", replace(sample, columns={"y": y}), SETTINGS, 1)
    place = np.array(found["response_supermodule"]["median"]["value"])
    assert place.shape == (4, 20) and (place[:, 0] < place[:, 5:].min(axis=1) - 0.01).all()
    r9 = np.array(found["response_r9"]["median"]["value"], dtype=float)
    assert (r9[:, -1] > r9[:, 1] + 0.008).all()
    assert found["response_r9"]["median"]["value"][0][0] is None  # nothing below 0.8
    # photons have no fbrem, so bins hold what is left; the plane is particle, pT, eta
    plane = np.array(found["response_pt_eta"]["width"]["value"], dtype=float)
    assert plane.shape == (2, 6, 8) and np.nanmedian(plane) == pytest.approx(0.008, abs=0.003)


@pytest.mark.parametrize("parameters", [(1.0, 0.02, 1.2, 3.0, 1.8, 5.0), (0.97, 0.05, 0.5, 2.5, 0.8, 20.0)])
def test_crystal_ball_is_normalised_and_smooth(parameters: tuple[float, ...]) -> None:
    mu, sigma, low, _, high, _ = parameters
    edges = [-np.inf, mu - low * sigma, mu, mu + high * sigma, np.inf]
    pieces = [
        quad(lambda x: np.exp(crystal_ball.log_density(np.array([x]), *parameters)[0]), a, b)[0]
        for a, b in itertools.pairwise(edges)
    ]
    assert sum(pieces) == pytest.approx(1, abs=1e-5)
    for joint in (edges[1], edges[3]):
        x = joint + 1e-7 * np.array([-2, -1, 1, 2])
        value = crystal_ball.log_density(x, *parameters)
        assert value[1] == pytest.approx(value[2], abs=1e-4)
        assert (value[1] - value[0]) == pytest.approx(value[3] - value[2], rel=1e-2, abs=1e-9)


def test_crystal_ball_fit_finds_a_gaussian_core() -> None:
    rng = np.random.default_rng(4)
    response = np.where(rng.random(6000) < 0.9, rng.normal(1.01, 0.015, 6000), rng.uniform(0.7, 1.0, 6000))
    found = crystal_ball.fit(response, np.ones(6000))
    assert found["mu"]["value"] == pytest.approx(1.01, abs=0.001)
    assert found["sigma"]["value"] == pytest.approx(0.015, rel=0.1)
    assert found["sigma"]["error"] is None or found["sigma"]["error"] < 0.001
    assert crystal_ball.fit(response[:10], np.ones(10))["mu"]["reason"]


def test_pair_mass_widens_with_the_response() -> None:
    narrow, wide = (PairMass(toy(20000, width), np.random.default_rng(1))(np.ones(20000)) for width in (1e-4, 0.05))
    np.testing.assert_allclose(narrow["median"], 91.19, atol=0.2)
    assert (wide["sigma_eff"] > narrow["sigma_eff"] + 1).all()


def test_differences_are_paired() -> None:
    one = toy(seed=1)
    worse = replace(one, columns={"y": one.columns["y"] * (1 + 0.02 * np.random.default_rng(9).standard_normal(8000))})
    same = replace(one)
    rows = compare_models({"a": one, "b": worse, "c": same}, 1, "test", evaluation=SETTINGS)

    def found(second: str, key: str) -> list[float]:
        return [row["difference"][key] for row in rows if (row["first"], row["second"]) == ("a", second)]

    assert max(found("c", "value")) == 0 == max(found("c", "error"))
    assert max(found("b", "value")) < -0.002
    assert [row["where"] for row in rows[3:5]] == [
        {"category": "EE photon"},
        {"selection": "good", "category": "EB electron"},
    ]


def test_joined_samples_keep_their_own_calibration() -> None:
    low, high = (apply_calibration(toy(scale=s, seed=2), fit_scale(toy(scale=s, seed=3), SETTINGS)) for s in (0.9, 1.1))
    assert np.median(join_samples([low, high]).response) == pytest.approx(1, abs=0.002)


def test_predictions_that_are_not_finite_are_named() -> None:
    with pytest.raises(ValueError, match="column y must be finite"):
        replace(toy(10), columns={"y": np.full(10, np.nan)})
