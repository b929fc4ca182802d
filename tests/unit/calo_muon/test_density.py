"""Density of the energy given what a model says: against cases whose information is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from hitforge.predictions import EvaluationPiece
from hitforge.studies.calo_muon.evaluation.calibration import calibrate, calibrated
from hitforge.studies.calo_muon.evaluation.conditional import fit_surface, flat_spectrum
from hitforge.studies.calo_muon.evaluation.density import (
    DensityCalibration,
    EnergyDensity,
    bin_of,
    fit_densities,
    half_of,
)
from hitforge.studies.calo_muon.settings import DensitySettings, EvaluationSettings
from tests.unit.calo_muon.toy_densities import Copula, outputs

GRID = DensitySettings()
FLAT = flat_spectrum(GRID)
SETTINGS = EvaluationSettings(bootstraps=20)


def found_bits(fitted: tuple[np.ndarray, np.ndarray], judged: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    surface = fit_surface(fitted[1], bin_of(fitted[0], GRID), GRID)
    density = EnergyDensity(GRID, surface.table(GRID)[surface.row(judged[1])].astype(np.float32))
    return density.bits(judged[0])


@pytest.fixture(scope="module", params=[0.05, 0.5, 0.8, 1.5])
def copula_losses(request: pytest.FixtureRequest) -> tuple[float, dict[int, float]]:
    """Return the known information, and what the fitted density lacks of it, by the number of fitted muons."""
    case, rng = Copula(request.param), np.random.default_rng(1)
    judged = case.draw(40_000, rng)
    known = case.bits(*judged)
    # the difference on the same muons: its statistical error is some 0.001
    losses = {
        n: float(np.mean([np.mean(found_bits(case.draw(n, rng), judged) - known) for _ in range(2)]))
        for n in (500, 3000, 6000)
    }
    return float(known.mean()), losses


def test_information_of_a_gaussian_copula_is_found(copula_losses: tuple[float, dict[int, float]]) -> None:
    known, losses = copula_losses
    assert known == pytest.approx(next(b for b in (0.05, 0.5, 0.8, 1.5) if abs(b - known) < 0.03), abs=0.03)
    assert -0.06 < losses[500] < 0.0
    assert -0.022 < losses[3000] < 0.001
    assert -0.013 < losses[6000] < 0.001
    if known < 1.0:
        assert losses[6000] > -0.01


def test_information_converges_from_below(copula_losses: tuple[float, dict[int, float]]) -> None:
    _, losses = copula_losses
    assert losses[500] < losses[3000] < losses[6000] + 0.001


def test_information_of_a_calorimeter_is_found() -> None:
    """A number whose relative width falls with the energy and whose mean saturates: far from a Gaussian copula."""
    rng = np.random.default_rng(3)

    def centre(energy: np.ndarray) -> np.ndarray:
        return np.log(energy / (1.0 + energy / 9000.0) + 300.0)

    def width(energy: np.ndarray) -> np.ndarray:
        return 0.25 + 0.25 / (1.0 + energy / 1000.0)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        energy = rng.uniform(GRID.low_gev, GRID.high_gev, n)
        return energy, np.exp(centre(energy) + width(energy) * rng.normal(size=n))

    judged = draw(20_000)
    middle = GRID.low_gev + (GRID.high_gev - GRID.low_gev) * (np.arange(1000) + 0.5) / 1000
    log = np.log(judged[1])
    tried = np.exp(-0.5 * ((log[:, None] - centre(middle)) / width(middle)) ** 2) / width(middle)
    own = np.exp(-0.5 * ((log - centre(judged[0])) / width(judged[0])) ** 2) / width(judged[0])
    known = np.log2(own / tried.mean(axis=1))
    lost = found_bits(draw(6000), judged) - known
    assert known.mean() > 0.7
    assert -0.012 < lost.mean() < 0.002


def test_a_number_without_information_has_none() -> None:
    rng = np.random.default_rng(5)
    energy, number = rng.uniform(50.0, 8000.0, 6000), rng.normal(size=6000)
    bits = found_bits((energy[:3000], number[:3000]), (energy[3000:], number[3000:]))
    assert abs(bits.mean()) < 0.01
    constant = np.full(3000, 7.0)
    assert abs(found_bits((energy[:3000], constant), (energy[3000:], constant)).mean()) < 0.01


def test_a_monotone_function_of_the_number_changes_nothing() -> None:
    case, rng = Copula(0.8), np.random.default_rng(7)
    fitted, judged = case.draw(2000, rng), case.draw(2000, rng)
    plain = found_bits(fitted, judged)
    for function in (np.exp, np.tanh, lambda s: s**3 + 5.0):
        changed = found_bits((fitted[0], function(fitted[1])), (judged[0], function(judged[1])))
        np.testing.assert_array_equal(changed, plain)


def test_densities_are_normalised_and_never_zero() -> None:
    energy, number = Copula(1.5).draw(3000, np.random.default_rng(2))
    table = fit_surface(number, bin_of(energy, GRID), GRID).table(GRID)
    np.testing.assert_allclose(table.sum(axis=1), 1.0)
    assert table.min() > 0.0
    lowest = EnergyDensity(GRID, table[[-1]].astype(np.float32))
    assert np.isfinite(lowest.bits(np.array([50.0])))[0]


def test_each_half_is_judged_by_the_other() -> None:
    """Muons of the second half get a number without meaning: only densities fitted on the first half know anything."""
    energy, number = Copula(1.5).draw(2000, np.random.default_rng(4))
    made = outputs(energy, number)
    second = half_of(made) == 1
    made.ensemble["energy"][second] = np.random.default_rng(5).normal(size=second.sum())
    calibration = fit_densities(made, GRID)
    density, reason = calibration.densities(made, calibrated_on=True)
    assert reason is None and density is not None
    bits = EnergyDensity(GRID, density).bits(energy)
    # the first half is judged by the second, which knows nothing; the second is judged by what its numbers do not obey
    assert abs(bits[~second].mean()) < 0.1
    assert bits[second].mean() < -0.5
    expected = calibration.halves[1].probability(made.select(~second), GRID)
    np.testing.assert_array_equal(density[~second], expected)
    everywhere, _ = calibration.densities(made, calibrated_on=False)
    np.testing.assert_array_equal(everywhere, calibration.all.probability(made, GRID))


def test_a_density_that_is_too_sure_is_corrected() -> None:
    case, rng = Copula(0.8), np.random.default_rng(6)
    energy, number = case.draw(4000, rng)
    surface = fit_surface(number, bin_of(energy, GRID), GRID)
    energy, number = case.draw(4000, rng)
    honest = surface.table(GRID)[surface.row(number)]
    sure = honest**2 / (honest**2).sum(axis=1, keepdims=True)
    fitted = fit_densities(outputs(energy, energy, sure), GRID).all
    assert fitted.kind == "learnt" and fitted.exponent == pytest.approx(0.5, abs=0.03)
    found = fitted.probability(outputs(energy, energy, sure), GRID)
    before, after = (EnergyDensity(GRID, p.astype(np.float32)).bits(energy).mean() for p in (sure, found))
    assert after > before + 0.1
    assert after == pytest.approx(EnergyDensity(GRID, honest.astype(np.float32)).bits(energy).mean(), abs=0.01)


def test_a_learnt_density_of_exact_zeros_stays_finite() -> None:
    energy = np.random.default_rng(8).uniform(50.0, 8000.0, 400)
    one_bin = np.zeros((400, 64))
    one_bin[np.arange(400), np.where(np.arange(400) % 10, bin_of(energy, GRID), 0)] = 1.0
    made = outputs(energy, energy, one_bin)
    density, _ = fit_densities(made, GRID).densities(made, calibrated_on=True)
    assert density is not None and np.all(np.isfinite(EnergyDensity(GRID, density).bits(energy)))


def test_a_density_of_another_grid_is_refused() -> None:
    energy = np.full(200, 1000.0)
    with pytest.raises(ValueError, match=r"ensemble/density has \(40,\) bins, density.bins of the settings is 64"):
        fit_densities(outputs(energy, energy, np.full((200, 40), 1 / 40)), GRID)


def test_too_few_muons_give_a_reason() -> None:
    energy = np.random.default_rng(9).uniform(50.0, 8000.0, 80)
    made = outputs(energy, energy)
    calibration = json.loads(json.dumps(calibrate(made, evaluation=SETTINGS, density=GRID)))
    assert calibration["density"]["all"]["ok"] and not calibration["density"]["halves"][0]["ok"]
    crosswise = calibrated([EvaluationPiece(made, calibration, calibrated_on=True)], evaluation=SETTINGS)
    assert crosswise.density is None
    assert "40 held-out muons between 50 and 8000 GeV in one half" in crosswise.density_reason
    assert calibrated([EvaluationPiece(made, calibration)], evaluation=SETTINGS).density is not None


def test_pieces_are_joined_in_the_order_of_events() -> None:
    rng = np.random.default_rng(10)
    energy, number = Copula(0.8).draw(600, rng)
    made = outputs(energy, number)
    calibration = calibrate(made, evaluation=SETTINGS, density=GRID)
    odd, even = made.select(np.arange(600) % 2 == 1), made.select(np.arange(600) % 2 == 0)
    joined = calibrated([EvaluationPiece(odd, calibration), EvaluationPiece(even, calibration)], evaluation=SETTINGS)
    fitted = DensityCalibration.model_validate(calibration["density"]).all
    assert joined.density is not None
    np.testing.assert_array_equal(joined.density.probability, fitted.probability(made, GRID))


def test_what_the_simulation_knows_is_carried_in_the_order_of_events() -> None:
    energy = np.random.default_rng(12).uniform(50.0, 8000.0, 200)
    made = outputs(energy, energy)
    calibration = calibrate(made, evaluation=SETTINGS, density=GRID)
    told = replace(made, truth={"limit_bits": energy.astype(np.float32)})
    assert not calibrated([EvaluationPiece(made, calibration)], evaluation=SETTINGS).limits
    limits = calibrated([EvaluationPiece(told.select(np.arange(200)[::-1]), calibration)], evaluation=SETTINGS).limits
    np.testing.assert_array_equal(limits["limit_bits"], energy.astype(np.float32))


def test_muons_outside_the_grid_have_no_information() -> None:
    density = EnergyDensity(GRID, np.tile(FLAT, (4, 1)).astype(np.float32))
    bits = density.bits(np.array([49.0, 50.0, 8000.0, 8001.0]))
    np.testing.assert_allclose(bits, [np.nan, 0.0, 0.0, np.nan], atol=1e-6)
    below = density.below(np.array([49.0, 50.0, 8000.0, 2037.5]))
    np.testing.assert_allclose(below, [np.nan, 0.0, 1.0, 0.25], atol=1e-6)


def test_among_points_is_bayes_rule() -> None:
    points = np.array([100.0, 900.0, 4100.0])
    probability = np.random.default_rng(11).dirichlet(np.ones(64), 3)
    density = EnergyDensity(GRID, probability.astype(np.float32))
    bits, at = density.bits_among(points, points), bin_of(points, GRID)
    for k in range(3):
        likelihood = probability[k, at] / FLAT[at]
        posterior = likelihood[k] / likelihood.sum()
        assert bits[k] == pytest.approx(np.log2(posterior * 3), abs=1e-4)
