"""Paired comparisons between models, on the bootstrap draws of their metrics."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from hitforge.evaluation.bootstrap import Floats, draws_of
from hitforge.evaluation.differences import key_of, rows_of
from hitforge.evaluation.statistics import Arrays, Statistic, ratio, resample
from hitforge.studies.object_id.data.objects import N_CLASSES
from hitforge.studies.object_id.evaluation.sample import Classified
from hitforge.studies.object_id.evaluation.settings import EvaluationSettings


def compare_models(
    models: Mapping[str, Classified], seed: int, sample: str, *, evaluation: EvaluationSettings
) -> list[dict[str, Any]]:
    """Return paired differences of accuracy and balanced accuracy between every two models.

    Parameters
    ----------
    models : mapping of model to Classified
        The same objects in the same order; the draws are those of `evaluate_model`.

    Returns
    -------
    list of dict
        Rows ``{first, second, quantity, where, difference}`` (see `Study.compare`), of the whole sample.
    """
    weights = next(iter(models.values())).weights
    statistics: dict[str, Statistic] = {"scores": _Scores(models)} if len(models) > 1 else {}
    found = resample(statistics, weights, evaluation.bootstraps, draws_of(seed, sample))
    return rows_of(found.get("scores", {}))


class _Scores:
    """Differences between every two models."""

    reason = "a class has no objects"

    def __init__(self, models: Mapping[str, Classified]) -> None:
        self._correct = {name: (s.predicted == s.label).astype(np.float64) for name, s in models.items()}
        self._label = next(iter(models.values())).label

    def __call__(self, weights: Floats) -> Arrays:
        result = {}
        support = np.bincount(self._label, weights, N_CLASSES)
        correct = {n: np.bincount(self._label, weights * hit, N_CLASSES) for n, hit in self._correct.items()}
        for first, second in combinations(correct, 2):
            gained = correct[first] - correct[second]
            result[key_of("accuracy", first, second)] = ratio(gained.sum(), support.sum())
            result[key_of("balanced_accuracy", first, second)] = ratio(gained, support).mean()
        return result
