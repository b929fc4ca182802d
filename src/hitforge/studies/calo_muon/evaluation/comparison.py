"""Paired comparisons of models on one sample: the same muons, the same bootstrap draws, the same tracker."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from hitforge.evaluation.bootstrap import Counts, Floats, Number, bootstrap, draws_of
from hitforge.studies.calo_muon.evaluation.improvement import energy_bins, response_of
from hitforge.studies.calo_muon.evaluation.metrics import (
    COMPARED,
    NOT_CORRECTED,
    EvaluationSample,
    sample_measures,
)
from hitforge.studies.calo_muon.settings import EvaluationSettings


def compare_models(
    models: Mapping[str, EvaluationSample], settings: EvaluationSettings, seed: int, name: str
) -> list[dict[str, Any]]:
    """Return the paired differences between models on one sample.

    Parameters
    ----------
    models : mapping of model to EvaluationSample
        The same muons in the same order.
    settings : EvaluationSettings
        Bins and number of bootstrap replicas.
    seed : int
        Root seed, that of `evaluate_model`: replicas and tracker are the same.
    name : str
        Name of the sample, part of the streams' names.

    Returns
    -------
    list of dict
        One row ``{first, second, quantity, difference}`` for each pair in the order given and each quantity of
        `COMPARED`; the difference is first - second, and its error knows the correlation between the models because
        both are evaluated on the same draws.
    """
    compared = {model: _Compared(sample, settings, seed, name) for model, sample in models.items()}
    n_muons = len(next(iter(models.values())).true_gev) if models else 0
    values = {model: own() for model, own in compared.items()}
    replicas: dict[str, Floats] = {}
    if n_muons:
        drawn = bootstrap(
            lambda counts: np.concatenate([own(counts) for own in compared.values()]),
            n_muons,
            settings.bootstraps,
            draws_of(seed, name),
        )
        replicas = dict(zip(models, np.split(drawn, len(models), axis=1), strict=True))
    rows = []
    for k, quantity in enumerate(COMPARED):
        for first, second in combinations(models, 2):
            lacking = first if not np.isfinite(values[first][k]) else second
            difference = Number.of(
                values[first][k] - values[second][k],
                replicas[first][:, k] - replicas[second][:, k] if replicas else None,
                f"{lacking}: {compared[lacking].reasons[k]}",
            )
            rows.append({"first": first, "second": second, "quantity": quantity, "difference": difference.model_dump()})
    return rows


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
        self.reasons = (reason, measures.why("information_bits"), measures.why("measured_gain"))

    def __call__(self, counts: Counts | None = None) -> Floats:
        """Return the quantities, shape (3,)."""
        improvement = np.nan if self._response is None else self._response(counts).mean_improvement
        return np.array([improvement, self._measures.information(counts), self._measures.gain(counts)])
