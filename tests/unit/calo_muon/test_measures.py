"""Information, measured gain and coverage of models: against slow calculations and known answers."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest

from hitforge.evaluation.bootstrap import resampling
from hitforge.predictions import EvaluationPiece
from hitforge.seeds import child_generator
from hitforge.studies.calo_muon.evaluation.calibration import calibrate, calibrated
from hitforge.studies.calo_muon.evaluation.comparison import compare_models
from hitforge.studies.calo_muon.evaluation.density import EnergyDensity
from hitforge.studies.calo_muon.evaluation.measures import COVERAGE_OF_POINTS, LOSSES_UNKNOWN
from hitforge.studies.calo_muon.evaluation.metrics import evaluate_model
from hitforge.studies.calo_muon.evaluation.posterior import combined_energy, measure
from hitforge.studies.calo_muon.evaluation.sample import EvaluationSample, ModelOutput
from hitforge.studies.calo_muon.settings import DensitySettings, EvaluationSettings
from tests.unit.calo_muon.toy_densities import Copula, outputs

GRID = DensitySettings()
EDGES = GRID.edges_gev()
SETTINGS = EvaluationSettings(bootstraps=30)
QUANTITIES = ("mean_improvement", "information_bits", "measured_gain")


def densities(n: int, rng: np.random.Generator) -> tuple[np.ndarray, EnergyDensity]:
    """Return energies that were drawn from random smooth densities, and these."""
    middle, width = rng.uniform(0.0, 64.0, (n, 1)), rng.uniform(4.0, 25.0, (n, 1))
    weight = np.exp(-0.5 * ((np.arange(64) - middle) / width) ** 2)
    probability = weight / weight.sum(axis=1, keepdims=True)
    chosen = np.minimum((np.cumsum(probability, axis=1) < rng.random((n, 1))).sum(axis=1), 63)
    energy = EDGES[chosen] + rng.random(n) * (EDGES[chosen + 1] - EDGES[chosen])
    return energy, EnergyDensity(GRID, probability.astype(np.float32))


def sample_of(energy: np.ndarray, density: EnergyDensity, **more: Any) -> EvaluationSample:
    return EvaluationSample(energy, ModelOutput(energy, energy), density=density, **more)


def evaluated(sample: EvaluationSample, name: str = "test", seed: int = 5) -> dict[str, Any]:
    result: dict[str, Any] = evaluate_model("m", {name: sample}, None, seed, evaluation=SETTINGS)["samples"][name]
    return result


def slow_median(ratio: np.ndarray | None, measured: float, settings: EvaluationSettings) -> float:
    """Return the posterior's median by brute force on a million energies, equal in log(E)."""
    energy = np.exp(np.linspace(np.log(GRID.low_gev), np.log(GRID.high_gev), 1_000_001))
    likelihood = np.ones_like(energy)
    if ratio is not None:
        roots = np.sqrt(EDGES)
        likelihood = np.interp(np.sqrt(energy), 0.5 * (roots[1:] + roots[:-1]), ratio)
    if settings.tracker == "curvature":
        exponent = -0.5 * ((measured - 1.0 / energy) / settings.tracker_per_gev) ** 2
    else:
        sigma = settings.tracker_per_gev * energy**2
        exponent = -0.5 * ((measured - energy) / sigma) ** 2 - np.log(sigma)
    # the last factor is dE / d log(E)
    weight = likelihood * np.exp(exponent - exponent.max()) * energy
    upto = np.cumsum(weight)
    return float(energy[np.searchsorted(upto, 0.5 * upto[-1])])


@pytest.mark.parametrize("tracker", ["energy", "curvature"])
@pytest.mark.parametrize("with_calorimeter", [True, False])
def test_combined_energy_is_that_of_brute_force(
    tracker: Literal["energy", "curvature"], with_calorimeter: bool
) -> None:
    settings = EvaluationSettings(tracker=tracker)
    rng = np.random.default_rng(1)
    energy, density = densities(12, rng)
    energy[:4] = (50.5, 100.0, 300.0, 7990.0)
    measured = measure(energy, rng.normal(size=12), settings)
    # far outside of what can be true
    measured[4:6] = (-5e-4, 0.021) if tracker == "curvature" else (-400.0, 60_000.0)
    ratio = density.ratio() if with_calorimeter else None
    found = combined_energy(ratio, measured, GRID, settings)
    slow = [slow_median(None if ratio is None else ratio[k], measured[k], settings) for k in range(12)]
    np.testing.assert_allclose(found, slow, rtol=3e-4)


def test_tracker_has_the_width_of_the_settings() -> None:
    noise = np.random.default_rng(2).normal(size=100_000)
    energy = np.full(100_000, 1000.0)
    assert np.std(measure(energy, noise, SETTINGS)) == pytest.approx(200.0, rel=0.01)
    curvature = measure(energy, noise, EvaluationSettings(tracker="curvature"))
    assert np.std(curvature * 1000.0) == pytest.approx(0.2, rel=0.01)


def test_a_calibrated_density_covers_68_percent() -> None:
    energy, density = densities(40_000, np.random.default_rng(3))
    result = evaluated(sample_of(energy, density))
    assert result["coverage_68"]["value"] == pytest.approx(0.6827, abs=0.008)
    assert result["coverage_68"]["error"] == pytest.approx(np.sqrt(0.6827 * 0.3173 / 40_000), rel=0.4)
    sure = density.probability.astype(np.float64) ** 3
    sure = EnergyDensity(GRID, (sure / sure.sum(axis=1, keepdims=True)).astype(np.float32))
    covered = evaluated(sample_of(energy, sure))["coverage_68"]
    assert covered["value"] < 0.55


def test_numbers_and_errors_are_those_of_a_slow_calculation() -> None:
    energy, density = densities(6000, np.random.default_rng(4))
    result = evaluated(sample_of(energy, density))
    noise = child_generator(5, "evaluation", "test", "tracker").standard_normal(6000)
    measured = energy + 2e-4 * energy**2 * noise
    residual = {
        "tracker": combined_energy(None, measured, GRID, SETTINGS) / energy - 1,
        "combined": combined_energy(density.ratio(), measured, GRID, SETTINGS) / energy - 1,
    }
    bits = density.bits(energy)
    edges = np.linspace(100.0, 4000.0, 9)

    def slow(chosen: np.ndarray) -> list[float]:
        widths: dict[str, list[float]] = {"tracker": [], "combined": []}
        for low, high in pairwise(edges):
            own = chosen[(energy[chosen] > low) & (energy[chosen] <= high)]
            for name, values in residual.items():
                lower, median, upper = np.quantile(values[own], (0.15865, 0.5, 0.84135))
                widths[name].append(float(np.hypot(0.5 * (upper - lower), median)))
        gain = np.mean(widths["tracker"]) - np.mean(widths["combined"])
        third = chosen[(energy[chosen] > edges[2]) & (energy[chosen] <= edges[3])]
        return [bits[chosen].mean(), gain, np.mean(widths["tracker"]), widths["combined"][2], bits[third].mean()]

    draws = resampling(6000, 30, child_generator(5, "evaluation", "test", "bootstrap"))
    errors = np.std([slow(np.repeat(np.arange(6000), counts)) for counts in draws], axis=0, ddof=1)
    row = result["measured_bins"][2]
    scalars = [result[key] for key in ("information_bits", "measured_gain", "tracker_alone")]
    found = [*scalars, row["combined"], row["bits"]]
    np.testing.assert_allclose([number["value"] for number in found], slow(np.arange(6000)), rtol=1e-9)
    np.testing.assert_allclose([number["error"] for number in found], errors, rtol=1e-9)
    assert len(result["measured_bins"]) == 8 and row["low_gev"] == 1075.0 and row["n"] > 100
    assert result["measured_gain"]["value"] > 5 * result["measured_gain"]["error"]
    json.dumps(result, allow_nan=False)


def test_a_saturating_objective_raises_the_published_measure_and_not_the_information() -> None:
    """The point of measuring both: a monotone function of a prediction says exactly as much as the prediction."""
    rng = np.random.default_rng(6)
    energy = rng.uniform(50.0, 8000.0, 12_000)
    plain = energy * np.exp((0.25 + 0.4 * np.exp(-energy / 1500.0)) * rng.normal(size=12_000))
    saturated = 6000.0 * np.tanh(plain / 6000.0)
    results = {}
    for name, number in (("plain", plain), ("saturated", saturated)):
        made = outputs(energy, number)
        piece = EvaluationPiece(made, calibrate(made, evaluation=SETTINGS, density=GRID), calibrated_on=True)
        results[name] = calibrated([piece], evaluation=SETTINGS)
    first, second = (evaluated(results[name], "heldout") for name in ("saturated", "plain"))
    assert first["mean_improvement"]["value"] > second["mean_improvement"]["value"] + 0.01
    for name in ("information_bits", "measured_gain", "coverage_68"):
        assert first[name] == second[name]
    rows = {row["quantity"]: row["difference"] for row in compare_models(results, 1, "heldout", evaluation=SETTINGS)}
    assert rows["mean_improvement"]["value"] < -4 * rows["mean_improvement"]["error"]
    assert rows["information_bits"]["value"] == rows["information_bits"]["error"] == 0.0


def test_comparisons_are_paired_and_agree_with_the_metrics() -> None:
    rng = np.random.default_rng(7)
    energy, number = Copula(0.8).draw(4000, rng)
    noise = {"a": 0.0, "b": 0.1, "c": 0.7}
    made = {name: outputs(energy, number + width * rng.normal(size=4000)) for name, width in noise.items()}
    samples = {
        name: calibrated(
            [EvaluationPiece(own, calibrate(own, evaluation=SETTINGS, density=GRID), True)], evaluation=SETTINGS
        )
        for name, own in made.items()
    }
    rows = compare_models(samples, 3, "heldout", evaluation=SETTINGS)
    assert [(r["first"], r["second"], r["quantity"]) for r in rows] == [
        (first, second, quantity) for quantity in QUANTITIES for first, second in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    alone = {name: evaluated(sample, "heldout", 3) for name, sample in samples.items()}
    found = {(r["first"], r["second"], r["quantity"]): r["difference"] for r in rows}
    for quantity in QUANTITIES[1:]:
        values = {name: numbers[quantity] for name, numbers in alone.items()}
        assert found["a", "c", quantity]["value"] == pytest.approx(values["a"]["value"] - values["c"]["value"])
        assert found["a", "b", quantity]["error"] < 0.7 * values["a"]["error"]
    assert found["a", "c", "information_bits"]["value"] > 5 * found["a", "c", "information_bits"]["error"]


def test_samples_are_compared_with_the_first_that_has_a_spectrum() -> None:
    rng = np.random.default_rng(8)
    sizes = {"heldout": 500, "test": 6000, "points": 440, "geant4": 3000}
    made = {name: densities(n, rng) for name, n in sizes.items()}
    made["points"] = (np.repeat(SETTINGS.test_energies_gev, 40), made["points"][1])
    samples = {name: sample_of(e, d, discrete=name == "points") for name, (e, d) in made.items()}
    metrics = evaluate_model("m", samples, None, 5, evaluation=SETTINGS)
    assert [(row["first"], row["second"]) for row in metrics["transfer"]] == [("geant4", "test")] * 3
    numbers = [metrics["samples"][name]["information_bits"] for name in ("geant4", "test")]
    (row,) = (row for row in metrics["transfer"] if row["quantity"] == "information_bits")
    assert row["difference"]["value"] == pytest.approx(numbers[0]["value"] - numbers[1]["value"])
    assert row["difference"]["error"] == pytest.approx(np.hypot(numbers[0]["error"], numbers[1]["error"]))


def test_discrete_energies_have_points_and_no_coverage() -> None:
    energy = np.repeat(SETTINGS.test_energies_gev, 60)
    _, density = densities(len(energy), np.random.default_rng(9))
    result = evaluated(sample_of(energy, density, discrete=True), "points")
    # 4100 GeV is beyond the range
    assert [row["energy_gev"] for row in result["measured_bins"]] == list(SETTINGS.test_energies_gev[:-1])
    assert result["coverage_68"] == {"value": None, "error": None, "reason": COVERAGE_OF_POINTS}
    assert result["information_bits"]["value"] == pytest.approx(
        density.bits_among(energy, np.array(SETTINGS.test_energies_gev)).mean()
    )
    assert result["measured_gain"]["value"] is not None


def test_without_a_density_there_are_reasons_and_the_tracker() -> None:
    energy = np.random.default_rng(10).uniform(50.0, 8000.0, 2000)
    sample = EvaluationSample(energy, ModelOutput(energy, energy), density_reason="too few muons")
    result = evaluated(sample, "heldout")
    for name in ("information_bits", "measured_gain", "coverage_68"):
        assert result[name] == {"value": None, "error": None, "reason": "too few muons"}
    assert result["tracker_alone"]["value"] > 0.2 and result["measured_bins"][0]["tracker"]["error"] > 0
    assert result["measured_bins"][0]["combined"]["reason"] == "too few muons"
    rows = compare_models({"a": sample, "b": sample}, 5, "heldout", evaluation=SETTINGS)
    assert rows[1]["difference"]["reason"] == "a: too few muons"


def test_poor_bins_and_muons_outside_are_counted() -> None:
    energy, density = densities(300, np.random.default_rng(11))
    energy[:10] = 9000.0
    energy[(energy > 1000.0) & (energy < 1700.0)] = 5000.0
    result = evaluated(sample_of(energy, density))
    assert result["n_outside_grid"] == 10 and result["information_bits"]["value"] is not None
    assert "0 events at 1075-1562.5 GeV, fewer than 5" in result["measured_gain"]["reason"]
    empty = EvaluationSample(energy[:0], ModelOutput(energy[:0], energy[:0]))
    json.dumps(evaluate_model("m", {"test": empty}, None, 5, evaluation=SETTINGS), allow_nan=False)


def test_the_limit_is_a_mean_over_muons_whose_losses_are_known() -> None:
    energy, density = densities(1000, np.random.default_rng(12))
    limit = np.where(np.arange(1000) < 600, 1.25, np.nan)
    limit[0] = 7.25
    known = evaluated(sample_of(energy, density, limits={"limit_bits": limit}))["limit_bits"]
    assert known["value"] == pytest.approx(1.26) and known["error"] > 0
    assert evaluated(sample_of(energy, density))["limit_bits"] == {
        "value": None,
        "error": None,
        "reason": LOSSES_UNKNOWN,
    }
