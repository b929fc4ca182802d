"""All metrics of a sample together: plain data, reasons, bootstrap errors, comparisons, joined rotations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hitforge.evaluation.classes import ClassReport
from hitforge.evaluation.statistics import packed, resample
from hitforge.studies.csc_muon.evaluation.calibration import apply_calibration, calibrate_sample
from hitforge.studies.csc_muon.evaluation.comparison import compare_models
from hitforge.studies.csc_muon.evaluation.metrics import evaluate_model, evaluate_sample
from hitforge.studies.csc_muon.evaluation.regression import RegressionErrors
from hitforge.studies.csc_muon.evaluation.sample import join_samples, pt_class
from hitforge.studies.csc_muon.evaluation.settings import EvaluationSettings
from hitforge.studies.csc_muon.settings import CscMuonSettings
from tests.unit.csc_muon.toy_muons import sample_of, settings, toy_columns, toy_sample, toy_truth

SETTINGS = settings()


@pytest.fixture(scope="module")
def metrics() -> dict[str, Any]:
    muons = toy_sample(2000, "ens5")
    return evaluate_sample("ens5", "test", apply_calibration(muons, calibrate_sample(muons, SETTINGS)), SETTINGS, 7)


def numbers(data: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every ``{value, error, reason}`` of the metrics with its path."""
    if isinstance(data, dict):
        if set(data) == {"value", "error", "reason"}:
            yield path, data
        else:
            for key, inner in data.items():
                yield from numbers(inner, f"{path}/{key}")


def test_every_number_has_an_error_or_a_reason(metrics: dict[str, Any]) -> None:
    found = dict(numbers(metrics))
    assert len(found) > 80
    for path, number in found.items():
        value, error = (np.array(number[key], dtype=float) for key in ("value", "error"))
        assert value.shape == error.shape, path
        if np.isnan(value).any() or np.isnan(error[~np.isnan(value)]).any():
            assert number["reason"], path


def test_metrics_are_plain_data_and_repeat(metrics: dict[str, Any]) -> None:
    text = json.dumps(metrics, allow_nan=False)
    muons = toy_sample(2000, "ens5")
    again = evaluate_sample("ens5", "test", apply_calibration(muons, calibrate_sample(muons, SETTINGS)), SETTINGS, 7)
    assert json.dumps(again, allow_nan=False) == text


def test_what_a_model_does_not_give_is_absent_with_a_reason() -> None:
    found = evaluate_sample("seed-bdt", "test", toy_sample(300, "seed-bdt"), SETTINGS, 7)
    assert {"q_over_pt", "charge", "coverage", "pulls", "class_auc", "turn_on"}.isdisjoint(found)
    assert found["absent"]["q_over_pt"] == "the model does not predict the sign of the charge"
    assert found["absent"]["scaled_pt"]
    assert found["classes"]["accuracy"]["value"] is not None


@pytest.mark.parametrize("n", [0, 1, 5])
def test_hardly_any_muons(n: int) -> None:
    muons = toy_sample(n, "ens5")
    calibrated = apply_calibration(muons, calibrate_sample(muons, SETTINGS))
    found = evaluate_model("ens5", {"test": calibrated}, [1.0], 7, SETTINGS)["samples"]["test"]
    json.dumps(found, allow_nan=False)
    assert found["points"]["median"]["value"] == [None] * 3
    assert "fewer than 20 muons" in found["points"]["median"]["reason"]
    assert found["absent"]["scaled_pt"]


def test_a_perfect_model() -> None:
    truth, eta, phi = toy_truth(3000)
    muons = sample_of(truth, {"inverse_pt": np.abs(truth), "q_over_pt": truth}, eta, phi)
    found = evaluate_sample("perfect", "test", apply_calibration(muons, calibrate_sample(muons, SETTINGS)), SETTINGS, 7)
    assert found["classes"]["accuracy"]["value"] == 1.0
    assert found["inverse_pt"]["rmse"]["value"] == 0.0 and found["inverse_pt"]["r2"]["value"] == 1.0
    assert found["charge"]["total"]["value"] == 0.0
    assert found["trigger_auc"]["auc"]["value"] == [1.0, 1.0]


def test_bootstrap_error_of_a_fraction_and_of_a_mean() -> None:
    muons = toy_sample(2000, "emtf-bdt")
    statistics = {
        "classes": ClassReport(pt_class(muons.true_pt), pt_class(muons.predicted_pt), 4),
        "inverse_pt": RegressionErrors(np.abs(muons.q_over_pt), muons.columns["inverse_pt"]),
    }
    found = resample(statistics, muons.weight, 300, np.random.default_rng(5))
    p = found["classes"]["accuracy"]
    assert p["error"] == pytest.approx(np.sqrt(p["value"] * (1 - p["value"]) / 2000), rel=0.15)
    error = np.abs(muons.columns["inverse_pt"] - np.abs(muons.q_over_pt))
    assert found["inverse_pt"]["mae"]["error"] == pytest.approx(error.std() / np.sqrt(2000), rel=0.15)


def test_event_weights_enter_everywhere() -> None:
    first = toy_sample(1500)
    weights = np.random.default_rng(3).integers(0, 3, 1500).astype(float)
    repeated = np.repeat(np.arange(1500), weights.astype(int))
    again = replace(
        first,
        **{name: getattr(first, name)[repeated] for name in ("q_over_pt", "eta", "phi", "zone", "weight", "four_csc")},
        columns={name: values[repeated] for name, values in first.columns.items()},
    )
    # muons of weight zero count as events of a bin, so ask for none
    one = settings(bootstraps=2, min_per_bin=1)
    found, expected = (
        evaluate_sample("hgb", "test", muons, one, 7) for muons in (replace(first, weight=weights), again)
    )
    for block, name in (("inverse_pt", "rmse"), ("classes", "weighted_f1"), ("charge", "total"), ("points", "median")):
        np.testing.assert_allclose(found[block][name]["value"], expected[block][name]["value"], err_msg=name)
    for name in ("core", "sigma_eff", "bias"):
        pair = [np.array(x["resolution_pt"][name]["value"], dtype=float)[:8] for x in (found, expected)]
        np.testing.assert_allclose(*pair, rtol=1e-9, err_msg=name)


def test_differences_are_paired() -> None:
    samples = {model: toy_sample(1500, model) for model in ("hgb", "hgb-no-bend", "seed-bdt")}
    rows = compare_models(samples, 7, "test", settings(bootstraps=100))
    pairs = {(row["first"], row["second"], row["quantity"]) for row in rows}
    assert ("hgb", "hgb-no-bend", "accuracy") in pairs
    assert ("hgb", "seed-bdt", "rmse_q_over_pt") not in pairs  # it has no sign
    same = {"a": samples["hgb"], "b": samples["hgb"]}
    rows = [row for row in compare_models(same, 7, "test", SETTINGS) if row["quantity"] != "rate_reduction"]
    assert len(rows) == 3
    for row in rows:
        assert row["where"] == {}
        assert row["difference"]["value"] == 0.0 and row["difference"]["error"] == 0.0


def test_rotations_are_joined_each_with_its_own_calibration() -> None:
    halves = [toy_sample(600, "ens5", seed) for seed in (1, 2)]
    calibrations = [calibrate_sample(half, SETTINGS) for half in halves]
    calibrated = [apply_calibration(half, c) for half, c in zip(halves, calibrations, strict=True)]
    joined = join_samples(calibrated)
    assert len(joined) == 1200 and joined.sigma_scale == 1.0
    assert joined.scaled_pt is not None and calibrated[1].scaled_pt is not None
    np.testing.assert_array_equal(joined.scaled_pt[600:], calibrated[1].scaled_pt)
    np.testing.assert_allclose(
        joined.columns["q_over_pt_sigma"][:600],
        halves[0].columns["q_over_pt_sigma"] * calibrations[0]["sigma_scale"],
    )
    without = join_samples([calibrated[0], replace(calibrated[1], scaled_pt=None, reason="too few")])
    assert without.scaled_pt is None and without.reason == "too few"


def test_bad_columns_are_named() -> None:
    truth = toy_truth(5)[0]
    columns = toy_columns(truth, "hgb")
    with pytest.raises(ValueError, match="column q_over_pt: 4 predictions for 5 muons"):
        sample_of(truth, {**columns, "q_over_pt": columns["q_over_pt"][:4]})
    with pytest.raises(ValueError, match="column inverse_pt must be finite"):
        sample_of(truth, {**columns, "inverse_pt": np.full(5, np.nan)})


def test_the_headline_threshold_must_be_one_that_is_scaled() -> None:
    with pytest.raises(ValueError, match="must be one of trigger_thresholds_gev"):
        EvaluationSettings(rate_threshold_gev=23.0)


def test_rates_are_compared_with_the_baseline_unless_another_model_is_named() -> None:
    models = {name: {"kind": "table"} for name in ("a", "b")}
    given = {"baseline_model": "a", "models": models, "evaluation": {"bootstraps": 5}}
    assert CscMuonSettings.model_validate(given).evaluation.rate_reference == "a"
    named = {**given, "evaluation": {"rate_reference": "b"}}
    assert CscMuonSettings.model_validate(named).evaluation.rate_reference == "b"


def test_packing_null_with_its_reason() -> None:
    replicas = np.array([[1.0, np.nan, 2.0], [3.0, np.nan, np.nan]])
    found = packed(np.array([2.0, np.nan, 2.0]), replicas, "why")
    assert found["value"] == [2.0, None, 2.0] and found["reason"] == "why"
    assert found["error"][0] == pytest.approx(np.sqrt(2.0)) and found["error"][1:] == [None, None]
    assert "too few bootstrap" in packed(np.array([2.0]), np.array([[1.0], [np.nan]]), "why")["reason"]
    assert resample({}, np.ones(3), 5, np.random.default_rng(1)) == {}
