"""All metrics of a model on a sample; the calibration is held fixed in the bootstrap, as it is when it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hitforge.evaluation.bootstrap import draws_of
from hitforge.evaluation.classes import Auc, ClassCalibration, ClassReport, one_vs_rest
from hitforge.evaluation.statistics import Statistic, plain, resample
from hitforge.studies.csc_muon.evaluation import resolution, thresholds
from hitforge.studies.csc_muon.evaluation.rates import RATE_THRESHOLDS_GEV, Rate
from hitforge.studies.csc_muon.evaluation.regression import UNSIGNED, RegressionErrors, check_r2
from hitforge.studies.csc_muon.evaluation.sample import CLASS_NAMES, MuonSample, predicted_class, pt_class
from hitforge.studies.csc_muon.evaluation.settings import EvaluationSettings
from hitforge.studies.csc_muon.evaluation.turn_on import PHI_EDGES, PT_EDGES_GEV, TurnOn
from hitforge.studies.csc_muon.evaluation.uncertainty import INTERVALS, Pulls, QuantileCoverage
from hitforge.studies.csc_muon.models.targets import PT_CLASSES_GEV, QUANTILE_LEVELS

TRIGGER_AUC_GEV = (10.0, 22.0)
"""Questions pT > x whose AUC is quoted."""


_OF_THE_BENCHMARK = ("inverse_pt", "scan", "decision", "classes", "class_auc")
"""Statistics that the public benchmark has too, for the rows that it selects."""

AXES: dict[str, Any] = {
    "conventions": thresholds.CONVENTIONS,
    "scan_gev": thresholds.SCAN_GEV.tolist(),
    "deck_gev": thresholds.DECK_GEV.tolist(),
    "classes": CLASS_NAMES,
    "turn_on_pt_edges_gev": PT_EDGES_GEV.tolist(),
    "phi_edges": PHI_EDGES.tolist(),
    "rate_thresholds_gev": RATE_THRESHOLDS_GEV.tolist(),
    "quantile_levels": QUANTILE_LEVELS,
    "intervals": [nominal for _, _, nominal in INTERVALS],
    "points_gev": resolution.POINTS_GEV,
    "modes": resolution.MODES,
    "trigger_auc_gev": TRIGGER_AUC_GEV,
    "class_edges_gev": PT_CLASSES_GEV,
}
"""What the indices of the arrays mean."""


def evaluate_model(
    model: str, muons_of: Mapping[str, MuonSample], _weights: Sequence[float], seed: int, evaluation: EvaluationSettings
) -> dict[str, Any]:
    """Return the metrics of one model on each sample, by its name, calibrated before.

    Every number is ``{value, error, reason}``; arrays hold nested lists and one reason for what is null in them.
    """
    return {
        "model": model,
        "settings": evaluation.model_dump(mode="json"),
        "axes": AXES,
        "samples": {name: evaluate_sample(model, name, muons, evaluation, seed) for name, muons in muons_of.items()},
    }


def evaluate_sample(
    model: str, name: str, muons: MuonSample, settings: EvaluationSettings, seed: int
) -> dict[str, Any]:
    """Return the metrics of one model on one sample (see `evaluate_model`)."""
    statistics = _statistics(muons, settings)
    result: dict[str, Any] = resample(statistics, muons.weight, settings.bootstraps, draws_of(seed, name))
    for space in ("inverse_pt", "pt", "q_over_pt"):
        if space in result:
            check_r2(result[space], f"{model}, sample {name}, {space}")
    turn_on = statistics.get("turn_on")
    if isinstance(turn_on, TurnOn):
        efficiency = np.array(result["turn_on"]["efficiency"]["value"], dtype=np.float64)
        low, high = turn_on.bands(efficiency, muons.weight)
        result["turn_on"]["band"] = {"low": plain(low), "high": plain(high)}
    result["absent"] = _absent(muons)
    result["class_source"] = "class probabilities" if "class_probabilities" in muons.columns else "predicted pT"
    result["n_muons"] = len(muons)
    bin_of, n_bins = resolution.binnings(muons, settings)["pt"]
    result["n_per_pt_bin"] = np.bincount(bin_of[bin_of >= 0], minlength=n_bins).tolist()
    result["classes_present"] = np.bincount(pt_class(muons.true_pt), minlength=len(CLASS_NAMES)).tolist()
    if muons.four_csc is not None:
        own = muons.select(muons.four_csc)
        few = {name: found for name, found in _statistics(own, settings).items() if name in _OF_THE_BENCHMARK}
        result["four_csc"] = {
            "n_muons": len(own),
            **resample(few, own.weight, settings.bootstraps, draws_of(seed, f"{name}, four CSC hits")),
        }
    return result


def _absent(muons: MuonSample) -> dict[str, str]:
    """Return why a block of metrics is missing."""
    reasons = {
        "q_over_pt": UNSIGNED,
        "class_probabilities": "the model gives no class probabilities",
        "quantiles": "the model gives no quantiles",
        "q_over_pt_sigma": "the model gives no uncertainty",
        "charge_probability": "the model has no output for the charge alone",
        "trigger_probability": "the model has no output for the trigger decision",
    }
    result = {name: reason for name, reason in reasons.items() if name not in muons.columns}
    if muons.scaled_pt is None:
        result["scaled_pt"] = muons.reason or "there is no scaling of the pT"
    return result


def _statistics(muons: MuonSample, settings: EvaluationSettings) -> dict[str, Statistic]:
    columns, true_pt, predicted_pt = muons.columns, muons.true_pt, muons.predicted_pt
    result: dict[str, Statistic] = {
        "inverse_pt": RegressionErrors(np.abs(muons.q_over_pt), columns["inverse_pt"]),
        "pt": RegressionErrors(true_pt, predicted_pt),
        "scan": thresholds.RangeMetrics(true_pt, predicted_pt, thresholds.SCAN_GEV, settings.min_per_bin),
        "deck": thresholds.RangeMetrics(true_pt, predicted_pt, thresholds.DECK_GEV, settings.min_per_bin),
        "decision": thresholds.TriggerMetrics(true_pt, predicted_pt, thresholds.SCAN_GEV),
        "classes": ClassReport(pt_class(true_pt), predicted_class(muons), len(CLASS_NAMES)),
        "deck_classes": ClassReport(
            thresholds.deck_class(true_pt), thresholds.deck_class(predicted_pt), len(thresholds.DECK_GEV)
        ),
        "trigger_auc": Auc([-columns["inverse_pt"]] * 2, [true_pt > x for x in TRIGGER_AUC_GEV]),
        "points": resolution.PointResolution(muons, settings),
    }
    for name, (group, n_bins) in resolution.binnings(muons, settings).items():
        result[f"resolution_{name}"] = resolution.Resolution(
            resolution.relative_error(muons), group, n_bins, settings.min_per_bin, resolution.TAIL
        )
    if "q_over_pt" in columns:
        result["q_over_pt"] = RegressionErrors(muons.q_over_pt, columns["q_over_pt"])
        for name in ("pt", "eta"):
            group, n_bins = resolution.binnings(muons, settings)[name]
            error = columns["q_over_pt"] - muons.q_over_pt
            result[f"signed_resolution_{name}"] = resolution.Resolution(error, group, n_bins, settings.min_per_bin)
    if {"q_over_pt", "charge_probability"} & set(columns):
        result["charge"] = resolution.ChargeMisidentification(muons, settings)
    if "class_probabilities" in columns:
        result["class_auc"] = one_vs_rest(columns["class_probabilities"], pt_class(true_pt))
        result["class_calibration"] = ClassCalibration(
            columns["class_probabilities"], pt_class(true_pt), settings.min_per_bin
        )
    if "trigger_probability" in columns:
        result["trigger_output_auc"] = Auc([columns["trigger_probability"]] * 2, [true_pt > x for x in TRIGGER_AUC_GEV])
    if "quantiles" in columns:
        result["coverage"] = QuantileCoverage(muons, settings)
    if {"q_over_pt", "q_over_pt_sigma"} <= set(columns):
        result["pulls"] = Pulls(muons, settings)
    if muons.scaled_pt is not None:
        result["turn_on"] = TurnOn(muons, settings)
        result["rates"] = Rate(muons, settings)
    return result
