"""All metrics of a model on a sample, its calibration, and paired comparisons between models.

The calibration is fitted on held-out muons of one fit and is held fixed in the bootstrap, as it is when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Floats, draws_of
from hitforge.evaluation.classes import Auc, ClassCalibration, ClassReport, one_vs_rest
from hitforge.evaluation.statistics import Arrays, Statistic, entry, packed, plain, ratio, resample
from hitforge.studies.csc_muon.evaluation.calibration import PtScaling, fit_scaling
from hitforge.studies.csc_muon.evaluation.rates import (
    RATE_THRESHOLDS_GEV,
    Rate,
    RateReduction,
    spectrum_weights,
)
from hitforge.studies.csc_muon.evaluation.regression import UNSIGNED, RegressionErrors, check_r2
from hitforge.studies.csc_muon.evaluation.resolution import (
    MODES,
    POINTS_GEV,
    ChargeMisidentification,
    InverseResolution,
    PointResolution,
    SignedResolution,
    binnings,
)
from hitforge.studies.csc_muon.evaluation.sample import (
    CLASS_NAMES,
    MuonSample,
    pt_class,
)
from hitforge.studies.csc_muon.evaluation.settings import EvaluationSettings
from hitforge.studies.csc_muon.evaluation.thresholds import (
    CONVENTIONS,
    DECK_GEV,
    SCAN_GEV,
    RangeMetrics,
    TriggerMetrics,
    deck_class,
)
from hitforge.studies.csc_muon.evaluation.turn_on import PHI_EDGES, PT_EDGES_GEV, TurnOn
from hitforge.studies.csc_muon.evaluation.uncertainty import INTERVALS, Pulls, QuantileCoverage, fit_sigma_scale
from hitforge.studies.csc_muon.models.targets import PT_CLASSES_GEV, QUANTILE_LEVELS

TRIGGER_AUC_GEV = (10.0, 22.0)
"""Questions pT > x whose AUC is quoted."""


def calibrate(muons: MuonSample, settings: EvaluationSettings) -> dict[str, Any]:
    """Fit the pT scaling and the scale of the uncertainty on calibration muons; plain data for JSON."""
    scaling = fit_scaling(muons.true_pt, muons.predicted_pt, muons.weights, settings)
    has_sigma = "q_over_pt_sigma" in muons.columns and len(muons) >= settings.min_per_bin
    scale = fit_sigma_scale(replace(muons, sigma_scale=1.0)) if has_sigma else None
    return {"pt_scaling": scaling.model_dump(mode="json"), "sigma_scale": scale}


def apply_calibration(muons: MuonSample, calibration: Mapping[str, Any]) -> MuonSample:
    """Return the sample with the scaled pT and the scale of the uncertainty of its own fit."""
    scaling = PtScaling.model_validate(calibration["pt_scaling"])
    return replace(
        muons,
        scaled_pt=scaling.apply(muons.predicted_pt) if scaling.ok else None,
        sigma_scale=calibration["sigma_scale"] or 1.0,
        reason=scaling.reason,
    )


def evaluate_model(
    model: str, samples: Mapping[str, MuonSample], settings: EvaluationSettings, seed: int
) -> dict[str, Any]:
    """Return the metrics of one model on each sample, calibrated before.

    Every number is ``{value, error, reason}``; arrays hold nested lists and one reason for what is null in them.
    """
    return {
        "model": model,
        "settings": settings.model_dump(mode="json"),
        "axes": axes(settings),
        "samples": {name: evaluate_sample(model, name, muons, settings, seed) for name, muons in samples.items()},
    }


def axes(settings: EvaluationSettings) -> dict[str, Any]:
    """Return what the indices of the arrays mean."""
    return {
        "conventions": CONVENTIONS,
        "scan_gev": SCAN_GEV.tolist(),
        "deck_gev": DECK_GEV.tolist(),
        "classes": CLASS_NAMES,
        "turn_on_pt_edges_gev": PT_EDGES_GEV.tolist(),
        "phi_edges": PHI_EDGES.tolist(),
        "rate_thresholds_gev": RATE_THRESHOLDS_GEV.tolist(),
        "quantile_levels": QUANTILE_LEVELS,
        "intervals": [nominal for _, _, nominal in INTERVALS],
        "points_gev": POINTS_GEV,
        "modes": MODES,
        "trigger_auc_gev": TRIGGER_AUC_GEV,
        "class_edges_gev": PT_CLASSES_GEV,
    }


def evaluate_sample(
    model: str, name: str, muons: MuonSample, settings: EvaluationSettings, seed: int
) -> dict[str, Any]:
    """Return the metrics of one model on one sample (see `evaluate_model`)."""
    statistics = _statistics(muons, settings)
    result: dict[str, Any] = resample(statistics, muons.weights, settings.bootstraps, draws_of(seed, name))
    for space in ("inverse_pt", "pt", "q_over_pt"):
        if space in result:
            check_r2(result[space], f"{model}, sample {name}, {space}")
    turn_on = statistics.get("turn_on")
    if isinstance(turn_on, TurnOn):
        efficiency = np.array(result["turn_on"]["efficiency"]["value"], dtype=np.float64)
        low, high = turn_on.bands(efficiency, muons.weights)
        result["turn_on"]["band"] = {"low": plain(low), "high": plain(high)}
    result["absent"] = _absent(muons)
    result["class_source"] = "class probabilities" if "class_probabilities" in muons.columns else "predicted pT"
    result["n_muons"] = len(muons)
    bin_of, n_bins = binnings(muons, settings)["pt"]
    result["n_per_pt_bin"] = np.bincount(bin_of[bin_of >= 0], minlength=n_bins).tolist()
    result["classes_present"] = np.bincount(pt_class(muons.true_pt), minlength=len(CLASS_NAMES)).tolist()
    if muons.four_csc is not None:
        own = muons.select(muons.four_csc)
        few = _benchmark_statistics(own, settings)
        result["four_csc"] = {
            "n_muons": len(own),
            **resample(few, own.weights, settings.bootstraps, draws_of(seed, f"{name}, four CSC hits")),
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
        "scan": RangeMetrics(true_pt, predicted_pt, SCAN_GEV, settings.min_per_bin),
        "deck": RangeMetrics(true_pt, predicted_pt, DECK_GEV, settings.min_per_bin),
        "decision": TriggerMetrics(true_pt, predicted_pt, SCAN_GEV),
        "classes": ClassReport(pt_class(true_pt), predicted_class(muons), len(CLASS_NAMES)),
        "deck_classes": ClassReport(deck_class(true_pt), deck_class(predicted_pt), len(DECK_GEV)),
        "trigger_auc": Auc([-columns["inverse_pt"]] * 2, [true_pt > x for x in TRIGGER_AUC_GEV]),
        "points": PointResolution(muons, settings),
    }
    for name, (group, n_bins) in binnings(muons, settings).items():
        result[f"resolution_{name}"] = InverseResolution(muons, group, n_bins, settings.min_per_bin)
    if "q_over_pt" in columns:
        result["q_over_pt"] = RegressionErrors(muons.q_over_pt, columns["q_over_pt"])
        for name in ("pt", "eta"):
            group, n_bins = binnings(muons, settings)[name]
            result[f"signed_resolution_{name}"] = SignedResolution(muons, group, n_bins, settings.min_per_bin)
    if {"q_over_pt", "charge_probability"} & set(columns):
        result["charge"] = ChargeMisidentification(muons, settings)
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


def _benchmark_statistics(muons: MuonSample, settings: EvaluationSettings) -> dict[str, Statistic]:
    """Return the metrics of the public benchmark, for the rows that it selects."""
    columns, true_pt = muons.columns, muons.true_pt
    result: dict[str, Statistic] = {
        "inverse_pt": RegressionErrors(np.abs(muons.q_over_pt), columns["inverse_pt"]),
        "scan": RangeMetrics(true_pt, muons.predicted_pt, SCAN_GEV, settings.min_per_bin),
        "decision": TriggerMetrics(true_pt, muons.predicted_pt, SCAN_GEV),
        "classes": ClassReport(pt_class(true_pt), predicted_class(muons), len(CLASS_NAMES)),
    }
    if "class_probabilities" in columns:
        result["class_auc"] = one_vs_rest(columns["class_probabilities"], pt_class(true_pt))
    return result


def predicted_class(muons: MuonSample) -> NDArray[np.int64]:
    """Return the class of the largest probability, or that of the predicted pT."""
    if "class_probabilities" in muons.columns:
        return np.asarray(muons.columns["class_probabilities"].argmax(axis=1), dtype=np.int64)
    return pt_class(muons.predicted_pt)


def compare_models(
    models: Mapping[str, MuonSample], settings: EvaluationSettings, seed: int, sample: str
) -> dict[str, Any]:
    """Return the rate reduction against the reference model and paired differences of the headline errors.

    Parameters
    ----------
    models : mapping of model to MuonSample
        The same muons in the same order.
    settings : EvaluationSettings
    seed : int
        Root seed; the draws are those of `evaluate_model`.
    sample : str
        Name of the sample, part of the stream's name.

    Returns
    -------
    dict
        ``rates``: for each model ``reduction`` (exponents, thresholds), ``reduction_eta`` (bins) and ``headline``,
        ``{value, error, reason}`` each; ``differences``: rows ``{first, second, quantity, difference}``.
    """
    weights = next(iter(models.values())).weights
    statistics: dict[str, Statistic] = {"errors": _Errors(models, settings)} if len(models) > 1 else {}
    reference = settings.rate_reference
    scaled = {name: muons for name, muons in models.items() if muons.scaled_pt is not None}
    if reference in scaled:
        statistics["rates"] = RateReduction(models[reference], scaled, settings)
    found = resample(statistics, weights, settings.bootstraps, draws_of(seed, sample))
    rates: dict[str, dict[str, Any]] = {name: {} for name in scaled}
    for key, number in found.get("rates", {}).items():
        model, _, quantity = key.rpartition(":")
        rates[model][quantity] = number
    why = f"the reference model {reference} " + ("has no scaled pT" if reference in models else "was not evaluated")
    for name in models:
        if not rates.get(name):
            reason = why if reference not in scaled else f"{name} has no scaled pT"
            rates[name] = {"headline": packed(np.array(np.nan), None, reason)}
    differences = []
    for key, number in found.get("errors", {}).items():
        quantity, first, second = key.split(":")
        differences.append({"first": first, "second": second, "quantity": quantity, "difference": number})
    return {"reference": reference, "rates": rates, "differences": differences}


class _Errors:
    """Differences of RMSE, accuracy and rate between every two models, keyed ``quantity:first:second``."""

    reason = "one of the two models has no such number"

    def __init__(self, models: Mapping[str, MuonSample], settings: EvaluationSettings) -> None:
        self._terms: dict[str, dict[str, Floats]] = {
            quantity: {} for quantity in ("rmse_inverse_pt", "rmse_q_over_pt", "accuracy", "rate")
        }
        for name, muons in models.items():
            inverse = muons.columns["inverse_pt"] - np.abs(muons.q_over_pt)
            self._terms["rmse_inverse_pt"][name] = inverse**2
            if "q_over_pt" in muons.columns:
                self._terms["rmse_q_over_pt"][name] = (muons.columns["q_over_pt"] - muons.q_over_pt) ** 2
            correct = predicted_class(muons) == pt_class(muons.true_pt)
            self._terms["accuracy"][name] = correct.astype(np.float64)
            if muons.scaled_pt is not None:
                self._terms["rate"][name] = (muons.scaled_pt >= settings.rate_threshold_gev).astype(np.float64)
            self._spectrum = spectrum_weights(muons.true_pt, settings.spectrum_exponents[0])

    def __call__(self, weights: Floats) -> Arrays:
        result = {}
        for quantity, terms in self._terms.items():
            own = weights * self._spectrum if quantity == "rate" else weights
            finish: Callable[[Floats], Floats] = np.sqrt if quantity.startswith("rmse") else np.asarray
            values = {name: finish(ratio((own * term).sum(), own.sum())) for name, term in terms.items()}
            for first, second in combinations(values, 2):
                result[f"{quantity}:{first}:{second}"] = values[first] - values[second]
        return result


def headline_numbers(
    metrics: Mapping[str, Any], comparison: Mapping[str, Any] | None, model: str
) -> dict[str, Mapping[str, Any]]:
    """Return the headline numbers of a model on one sample, each ``{value, error, reason}``.

    Parameters
    ----------
    metrics : mapping
        One sample of `evaluate_model`.
    comparison : mapping or None
        The same sample of `compare_models`.
    """

    def missing(reason: str) -> dict[str, Any]:
        return {"value": None, "error": None, "reason": reason}

    absent = metrics["absent"]
    rates = {} if comparison is None else comparison["rates"].get(model, {})
    return {
        "accuracy": metrics["classes"]["accuracy"],
        "rmse_q_over_pt": metrics["q_over_pt"]["rmse"] if "q_over_pt" in metrics else missing(absent["q_over_pt"]),
        "rmse_inverse_pt": metrics["inverse_pt"]["rmse"],
        "rate_reduction": rates.get("headline", missing("not compared")),
        "charge_misid": metrics["charge"]["total"] if "charge" in metrics else missing(UNSIGNED),
        "median_20gev": entry(metrics["points"]["median"], POINTS_GEV.index(20.0)),
    }
