"""Paired comparisons between models: differences of errors, and rates at equal efficiency."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from hitforge.evaluation.bootstrap import Floats, draws_of
from hitforge.evaluation.differences import Row, key_of, row_of, rows_of
from hitforge.evaluation.statistics import Arrays, Statistic, entry, packed, ratio, resample
from hitforge.studies.csc_muon.evaluation.rates import RATE_THRESHOLDS_GEV, Rate, spectrum_weights
from hitforge.studies.csc_muon.evaluation.sample import MuonSample, predicted_class, pt_class
from hitforge.studies.csc_muon.evaluation.settings import EvaluationSettings


def compare_models(
    muons_of: Mapping[str, MuonSample], seed: int, sample: str, evaluation: EvaluationSettings
) -> list[Row]:
    """Return paired differences of the headline errors, and the rate reduction against the reference of the rates.

    Parameters
    ----------
    muons_of : mapping of model to MuonSample
        The same muons in the same order.
    seed : int
        Root seed; the draws are those of the metrics.
    sample : str
        Name of the sample, part of the stream's name.
    evaluation : EvaluationSettings

    Returns
    -------
    list of dict
        Rows ``{first, second, quantity, where, difference}``. ``rate_reduction`` is no difference but a quotient, the
        rate of ``second``, the reference, over that of ``first``: the headline, at its threshold and with the first
        exponent, stands at an empty ``where``, the others at ``{threshold_gev, exponent}`` (or ``spectrum:
        histogram``) and, at the headline threshold, ``{abs_eta}`` with the edges of the bin.
    """
    weight = next(iter(muons_of.values())).weight
    statistics: dict[str, Statistic] = {"errors": _Errors(muons_of, evaluation)} if len(muons_of) > 1 else {}
    reference = evaluation.rate_reference
    if reference is None:
        raise ValueError("no model is named whose rate the others are compared with: set baseline_model")
    scaled = {name: muons for name, muons in muons_of.items() if muons.scaled_pt is not None}
    if reference in scaled:
        statistics["rates"] = RateReduction(muons_of[reference], scaled, evaluation)
    found = resample(statistics, weight, evaluation.bootstraps, draws_of(seed, sample))
    rows = rows_of(found.get("errors", {}))
    why = f"the reference model {reference} " + ("has no scaled pT" if reference in muons_of else "was not evaluated")
    rates = found.get("rates", {})
    for name in muons_of:
        if f"{name}:headline" in rates:
            numbers = _rate_rows({key: rates[f"{name}:{key}"] for key in RateReduction.KEYS}, evaluation)
        else:
            reason = f"{name} has no scaled pT" if reference in scaled else why
            numbers = iter([({}, packed(np.array(np.nan), None, reason))])
        rows += [row_of(name, reference, "rate_reduction", number, where) for where, number in numbers]
    return rows


def _rate_rows(
    rates: Mapping[str, Any], evaluation: EvaluationSettings
) -> Iterator[tuple[dict[str, Any], Mapping[str, Any]]]:
    """Yield each number of a model with what it is restricted to."""
    spectra: list[dict[str, Any]] = [{"exponent": exponent} for exponent in evaluation.spectrum_exponents]
    if evaluation.spectrum_histogram is not None:
        spectra.append({"spectrum": "histogram"})
    yield {}, rates["headline"]
    for i, spectrum in enumerate(spectra):
        for k, threshold in enumerate(RATE_THRESHOLDS_GEV.tolist()):
            yield {"threshold_gev": threshold, **spectrum}, entry(rates["reduction"], i, k)
    for i, edges in enumerate(pairwise(evaluation.eta_edges)):
        yield {"abs_eta": list(edges)}, entry(rates["reduction_eta"], i)


class RateReduction:
    """Rate of a reference model divided by that of each model, at equal efficiency and on the same draws.

    Arrays, for M models: ``<model>:reduction`` (spectra, thresholds), ``<model>:reduction_eta`` (bins of |eta|) and
    the scalar ``<model>:headline`` at the headline threshold and the first exponent.
    """

    KEYS = ("headline", "reduction", "reduction_eta")

    def __init__(self, reference: MuonSample, models: Mapping[str, MuonSample], settings: EvaluationSettings) -> None:
        self.reason = "no muon passes the threshold in one of the two models"
        self._reference = Rate(reference, settings)
        self._models = {name: Rate(muons, settings) for name, muons in models.items()}
        self._headline = int(np.argmin(np.abs(RATE_THRESHOLDS_GEV - settings.rate_threshold_gev)))

    def __call__(self, weights: Floats) -> Arrays:
        reference = self._reference(weights)
        result: dict[str, Floats] = {}
        for name, rate in self._models.items():
            own = rate(weights)
            reduction = ratio(np.where(reference["rate"] > 0, reference["rate"], np.nan), own["rate"])
            result[f"{name}:reduction"] = reduction
            result[f"{name}:reduction_eta"] = ratio(
                np.where(reference["rate_eta"] > 0, reference["rate_eta"], np.nan), np.nan_to_num(own["rate_eta"])
            )
            result[f"{name}:headline"] = reduction[0, self._headline]
        return result


class _Errors:
    """Differences of RMSE, accuracy and rate between every two models."""

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
                result[key_of(quantity, first, second)] = values[first] - values[second]
        return result
