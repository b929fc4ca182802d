"""Paired differences between models."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from hitforge.evaluation.bootstrap import Floats, draws_of
from hitforge.evaluation.differences import key_of, rows_of
from hitforge.evaluation.statistics import Arrays, resample
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.response import N_CATEGORIES, SELECTIONS, Response, selection_groups
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample
from hitforge.studies.scouting_egamma.evaluation.settings import EvaluationSettings


def compare_models(
    models: Mapping[str, EnergySample], seed: int, sample: str, *, evaluation: EvaluationSettings
) -> list[dict[str, Any]]:
    """Return the difference of the ``width``, sigma_eff / median, of every two models by selection and category.

    Parameters
    ----------
    models : mapping of model to EnergySample
        The same candidates in the same order.
    """
    if len(models) < 2:
        return []
    statistic = WidthDifferences(dict(models), evaluation)
    weights = next(iter(models.values())).weights
    found = resample({"all": statistic}, weights, evaluation.bootstraps, draws_of(seed, sample))["all"]
    return rows_of(found, {"selection": (None, *SELECTIONS[1:]), "category": CATEGORIES})


class WidthDifferences:
    """Difference of sigma_eff / median between every two models, (selections, categories)."""

    reason = "fewer candidates than a bin needs"

    def __init__(self, models: dict[str, EnergySample], settings: EvaluationSettings) -> None:
        first = next(iter(models.values()))
        groups = selection_groups(first, settings)
        self._models = {
            name: [Response(s.response, group, (N_CATEGORIES,), settings.min_per_bin, brief=True) for group in groups]
            for name, s in models.items()
        }

    def __call__(self, weights: Floats) -> Arrays:
        width = {name: np.stack([r(weights)["width"] for r in each]) for name, each in self._models.items()}
        return {
            key_of("width", first, second): width[first] - width[second] for first, second in combinations(width, 2)
        }
