"""Paired comparisons of models on one sample: the same muons, the same bootstrap draws, the same tracker."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, product
from typing import Any

import numpy as np

from hitforge.evaluation.bootstrap import Floats, draws_of
from hitforge.evaluation.differences import key_of, rows_of
from hitforge.evaluation.statistics import resample
from hitforge.studies.calo_muon.evaluation.metrics import COMPARED, NOT_CORRECTED, sample_measures
from hitforge.studies.calo_muon.evaluation.resolution import energy_bins, response_of
from hitforge.studies.calo_muon.evaluation.sample import EvaluationSample
from hitforge.studies.calo_muon.settings import EvaluationSettings


def compare_models(
    models: Mapping[str, EvaluationSample], seed: int, sample: str, *, evaluation: EvaluationSettings
) -> list[dict[str, Any]]:
    """Return the paired differences between models on one sample.

    Parameters
    ----------
    models : mapping of model to EvaluationSample
        The same muons in the same order.
    seed : int
        Root seed, that of `evaluate_model`: replicas and tracker are the same.
    sample : str
        Name of the sample, part of the streams' names.
    evaluation : EvaluationSettings
        Bins and number of bootstrap replicas.

    Returns
    -------
    list of dict
        One row ``{first, second, quantity, where, difference}`` for each quantity of `COMPARED` and each pair in the
        order given; the difference is first - second, and its error knows the correlation between the models because
        both are evaluated on the same draws. ``where`` is empty: the whole sample.
    """
    if len(models) < 2:
        return []
    weights = np.ones(len(next(iter(models.values())).true_gev))
    compared = {model: _Compared(own, evaluation, seed, sample) for model, own in models.items()}
    differences = {"pairs": _Differences(compared, weights)}
    return rows_of(resample(differences, weights, evaluation.bootstraps, draws_of(seed, sample))["pairs"])


class _Differences:
    """The differences of all pairs, by :func:`hitforge.evaluation.differences.key_of`."""

    def __init__(self, compared: Mapping[str, _Compared], weights: Floats) -> None:
        self._compared = compared
        own = {model: quantities(weights) for model, quantities in compared.items()}
        self.reason = {}
        for quantity, (first, second) in product(COMPARED, combinations(compared, 2)):
            lacking = first if not np.isfinite(own[first][quantity]) else second
            self.reason[key_of(quantity, first, second)] = f"{lacking}: {compared[lacking].reasons[quantity]}"

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        own = {model: quantities(weights) for model, quantities in self._compared.items()}
        pairs = {key: key.split(":") for key in self.reason}
        return {key: np.asarray(own[one][name] - own[other][name]) for key, (name, one, other) in pairs.items()}


class _Compared:
    """The quantities of `COMPARED` of one model, for the sample and for each replica."""

    def __init__(self, sample: EvaluationSample, settings: EvaluationSettings, seed: int, name: str) -> None:
        self._measures = measures = sample_measures(name, sample, settings, seed)
        self._response, reason = None, sample.ensemble.reason or NOT_CORRECTED
        if sample.ensemble.corrected is not None:
            true = np.asarray(sample.true_gev, dtype=np.float64)
            bins = energy_bins(settings, sample.discrete)
            self._response = response_of(true, sample.ensemble.corrected, bins, settings)
            reason = self._response.reason
        self.reasons = {**measures.reason, "mean_improvement": reason}

    def __call__(self, weights: Floats) -> dict[str, float]:
        measures = self._measures
        return {
            "mean_improvement": np.nan if self._response is None else self._response(weights).mean_improvement,
            "information_bits": measures.information(weights),
            "measured_gain": measures.gain(weights),
        }
