from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hitforge.config import load_settings
from hitforge.evaluation.bootstrap import resampling
from hitforge.published import load_published
from hitforge.seeds import child_generator
from hitforge.studies.calo_muon.evaluation.bias import fit_bias
from hitforge.studies.calo_muon.evaluation.binned import resolution
from hitforge.studies.calo_muon.evaluation.comparison import compare_models
from hitforge.studies.calo_muon.evaluation.metrics import evaluate_model
from hitforge.studies.calo_muon.evaluation.resolution import Response, energy_bins
from hitforge.studies.calo_muon.evaluation.sample import EvaluationSample, ModelOutput
from hitforge.studies.calo_muon.settings import EvaluationSettings

SETTINGS = EvaluationSettings(bootstraps=40)


def model_on(true: np.ndarray, seed: int, width: float = 0.3) -> np.ndarray:
    return 0.85 * true + 120.0 + width * true * np.random.default_rng(seed).normal(size=len(true))


@pytest.fixture(scope="module")
def metrics() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    heldout, test = rng.uniform(50.0, 8000.0, 12_000), np.repeat(SETTINGS.test_energies_gev, 200)
    correction = fit_bias(heldout, model_on(heldout, 1), SETTINGS)
    samples = {}
    for name, true in (("heldout", heldout), ("test", test)):
        members = [ModelOutput(raw, correction.correct(raw)) for raw in (model_on(true, s) for s in (1, 2, 3))]
        samples[name] = EvaluationSample(true, members[0], members, discrete=name == "test")
    return evaluate_model("cnn", samples, [0.5, 0.25, 0.25], 7, evaluation=SETTINGS)


def test_metrics_are_json_and_repeat(metrics: dict[str, Any]) -> None:
    text = json.dumps(metrics, allow_nan=False)
    assert json.loads(text) == metrics
    assert metrics["model"] == "cnn" and metrics["ensemble_weights"] == [0.5, 0.25, 0.25]
    assert set(metrics["samples"]) == {"heldout", "test"}


def test_package_quotes_the_bins_of_the_evaluation(metrics: dict[str, Any]) -> None:
    found = resolution(metrics, "heldout")
    assert (found.bins[0].low, found.bins[-1].high) == (SETTINGS.e_min_gev, SETTINGS.e_max_gev)
    for each, own in zip(found.bins, metrics["samples"]["heldout"]["bins"], strict=True):
        assert each.holds(own["energy_gev"])
        assert each.numbers["bias"] == own["bias"] != own["bias_uncorrected"]
        assert each.numbers["resolution"] == own["resolution"]


def test_headline_numbers_are_those_of_a_direct_calculation(metrics: dict[str, Any]) -> None:
    true = np.random.default_rng(0).uniform(50.0, 8000.0, 12_000)
    raw = model_on(true, 1)
    corrected = fit_bias(true, raw, SETTINGS).correct(raw)
    result = metrics["samples"]["heldout"]
    bins = energy_bins(SETTINGS, False)
    binned = Response(true, corrected, bins)()
    assert result["mean_improvement"]["value"] == pytest.approx(binned.mean_improvement)
    assert result["mean_improvement_uncorrected"]["value"] == pytest.approx(
        Response(true, raw, bins)().mean_improvement
    )
    assert result["max_combined_resolution"]["value"] == pytest.approx(binned.max_combined)
    used = (true > 100) & (true <= 4000)
    error = corrected[used] - true[used]
    assert result["n_muons"] == 12_000 and result["n_in_bins"] == used.sum()
    assert result["rmse_gev"]["value"] == pytest.approx(np.sqrt(np.mean(error**2)))
    assert result["mean_fractional_error"]["value"] == pytest.approx(np.mean(error / true[used]))
    assert result["containment_68"]["value"] == pytest.approx(np.quantile(np.abs(error / true[used]), 0.68))


def test_errors_are_those_of_a_slow_bootstrap(metrics: dict[str, Any]) -> None:
    true = np.random.default_rng(0).uniform(50.0, 8000.0, 12_000)
    raw = model_on(true, 1)
    corrected = fit_bias(true, raw, SETTINGS).correct(raw)
    values = []
    for counts in resampling(len(true), 40, child_generator(7, "evaluation", "heldout", "bootstrap")):
        t, p = np.repeat(true, counts), np.repeat(corrected, counts)
        binned = Response(t, p, energy_bins(SETTINGS, False))()
        used = (t > 100) & (t <= 4000)
        rmse = np.sqrt(np.mean((p[used] - t[used]) ** 2))
        values.append([binned.mean_improvement, binned.resolution[4], binned.bias[0], rmse])
    expected = np.std(values, axis=0, ddof=1)
    result = metrics["samples"]["heldout"]
    assert result["mean_improvement"]["error"] == pytest.approx(expected[0])
    assert result["bins"][4]["resolution"]["error"] == pytest.approx(expected[1])
    assert result["bins"][0]["bias"]["error"] == pytest.approx(expected[2])
    assert result["rmse_gev"]["error"] == pytest.approx(expected[3])


def test_table_has_a_row_per_bin_and_the_correction_helps(metrics: dict[str, Any]) -> None:
    rows, points = (metrics["samples"][name]["bins"] for name in ("heldout", "test"))
    assert [row["energy_gev"] for row in points] == list(SETTINGS.test_energies_gev)
    assert len(rows) == 20 and rows[0]["low_gev"] == 100.0 and rows[0]["high_gev"] == 295.0
    assert [row["n"] for row in points] == [200] * 11
    assert points[0]["true_median_gev"]["value"] == 100.0 and points[0]["tracker"] == pytest.approx(0.02)
    for row in rows:
        assert abs(row["bias"]["value"]) < abs(row["bias_uncorrected"]["value"]) + 5 * row["bias"]["error"]
        assert row["combined"]["value"] < min(row["tracker"], row["resolution"]["value"])
    assert "challenge_score" in metrics["samples"]["heldout"] and "challenge_score" not in metrics["samples"]["test"]


def test_singles_are_mean_and_population_error(metrics: dict[str, Any]) -> None:
    singles = metrics["samples"]["test"]["singles"]
    values = [number["value"] for number in singles["members"]]
    assert len(values) == 3
    assert singles["mean_improvement"]["value"] == pytest.approx(np.mean(values))
    assert singles["mean_improvement"]["error"] == pytest.approx(np.std(values) / np.sqrt(3))


def test_without_correction_only_raw_numbers_exist() -> None:
    true = np.random.default_rng(3).uniform(100.0, 4000.0, 2000)
    predictions = ModelOutput(model_on(true, 5), None, "too few events to fit")
    sample = EvaluationSample(true, predictions, [predictions])
    result = evaluate_model("bdt", {"heldout": sample}, None, 1, evaluation=SETTINGS)["samples"]["heldout"]
    assert result["mean_improvement"] == {"value": None, "error": None, "reason": "too few events to fit"}
    assert result["rmse_gev"]["value"] is None and result["bins"][3]["resolution"]["value"] is None
    assert result["mean_improvement_uncorrected"]["value"] is not None
    assert result["bins"][3]["bias_uncorrected"]["error"] > 0
    assert "too few events to fit" in result["singles"]["mean_improvement"]["reason"]


def test_poor_bins_are_null_with_a_reason() -> None:
    true = np.random.default_rng(3).uniform(500.0, 4000.0, 1500)
    raw = model_on(true, 5)
    result = evaluate_model(
        "bdt", {"heldout": EvaluationSample(true, ModelOutput(raw, raw))}, None, 1, evaluation=SETTINGS
    )
    sample = result["samples"]["heldout"]
    assert sample["mean_improvement"]["value"] is None
    assert "0 events at 100-295 GeV" in sample["mean_improvement"]["reason"]
    assert sample["bins"][0]["resolution"]["value"] is None
    assert sample["bins"][10]["resolution"]["value"] is not None
    assert sample["rmse_gev"]["value"] > 0
    assert sample["singles"]["mean_improvement"]["reason"] == "there are no members"


def test_an_empty_sample_has_reasons_only() -> None:
    empty = np.array([])
    sample = EvaluationSample(empty, ModelOutput(empty, empty), discrete=True)
    result = evaluate_model("bdt", {"test": sample}, None, 1, evaluation=SETTINGS)["samples"]["test"]
    assert result["n_muons"] == 0 and result["rmse_gev"]["reason"] == "there are no muons in the energy bins"
    json.dumps(result, allow_nan=False)


def test_paired_differences_are_sharper_than_independent_ones() -> None:
    true = np.random.default_rng(8).uniform(100.0, 4000.0, 5000)
    good = true * (1 + 0.30 * np.random.default_rng(9).normal(size=5000))
    same = good + 5.0 * np.random.default_rng(10).normal(size=5000)
    worse = true + 1.5 * (good - true)
    outputs = {"a": good, "b": same, "c": worse}
    samples = {model: EvaluationSample(true, ModelOutput(values, values)) for model, values in outputs.items()}
    rows = [
        row
        for row in compare_models(samples, 7, "heldout", evaluation=SETTINGS)
        if row["quantity"] == "mean_improvement"
    ]
    assert [(row["first"], row["second"]) for row in rows] == [("a", "b"), ("a", "c"), ("b", "c")]
    alone = evaluate_model(
        "a", {"heldout": EvaluationSample(true, ModelOutput(good, good))}, None, 7, evaluation=SETTINGS
    )
    alone_error = alone["samples"]["heldout"]["mean_improvement"]["error"]
    assert rows[0]["difference"]["error"] < 0.5 * alone_error
    assert rows[1]["difference"]["value"] > 5 * rows[1]["difference"]["error"] > 0
    swapped = compare_models({"c": samples["c"], "a": samples["a"]}, 7, "heldout", evaluation=SETTINGS)[0]["difference"]
    assert swapped["value"] == pytest.approx(-rows[1]["difference"]["value"])
    assert swapped["error"] == pytest.approx(rows[1]["difference"]["error"])


def test_published_values() -> None:
    published = load_published("calo_muon")
    best = published.find("mean_improvement", of="ensemble")
    assert (
        best is not None and best.value == pytest.approx(20.72) and best.error is None and best.text == "full ensemble"
    )
    no_cnn = published.find("mean_improvement", "hl_only", table="architecture")
    assert no_cnn is not None and no_cnn.error == pytest.approx(0.09)
    assert published.find("mean_improvement", "hl_only", table="loss") is None
    assert len({(r.about["table"], r.text) for r in published.results}) == len(published.results) == 18
    assert {r.model for r in published.results} <= set(
        load_settings({"studies": ["calo_muon"]}).studies["calo_muon"].models
    )
