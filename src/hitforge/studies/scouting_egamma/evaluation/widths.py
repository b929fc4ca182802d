"""Whether predicted widths and quantiles hold what they promise."""

from __future__ import annotations

import numpy as np

from hitforge.evaluation.bootstrap import Floats
from hitforge.evaluation.ordered import OrderedGroups
from hitforge.evaluation.statistics import Arrays, enough, ratio
from hitforge.studies.scouting_egamma.evaluation.response import N_CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample
from hitforge.studies.scouting_egamma.evaluation.settings import EvaluationSettings


class WidthPulls:
    """Pulls ln(E_corrected / E_MC) / sigma of models with a width: ``width68`` and ``inside1``, by category."""

    reason = "too few candidates"

    def __init__(self, sample: EnergySample, settings: EvaluationSettings) -> None:
        pull = np.log(sample.response) / sample.columns["ln_y_sigma"]
        self._ordered = OrderedGroups(pull, sample.category, N_CATEGORIES)
        self._inside, self._category = np.abs(pull) <= 1, sample.category
        self._enough = enough(sample.category, N_CATEGORIES, settings.min_per_bin)

    def __call__(self, weights: Floats) -> Arrays:
        """Return the arrays of a weighted sample."""
        total = np.bincount(self._category, weights, N_CATEGORIES)
        inside = ratio(np.bincount(self._category, weights * self._inside, N_CATEGORIES), total)
        width = self._ordered.weighted(weights).sigma_eff()
        return {
            name: np.where(self._enough, values, np.nan) for name, values in (("width68", width), ("inside1", inside))
        }


class Coverage:
    """Share of candidates whose true ln y lies at or below each predicted quantile: ``below``, (categories, levels)."""

    reason = "too few candidates"

    def __init__(self, sample: EnergySample, settings: EvaluationSettings) -> None:
        self._below = np.log(sample.y_true)[:, None] <= sample.columns["ln_y_quantiles"]
        self._category = sample.category
        self._enough = enough(sample.category, N_CATEGORIES, settings.min_per_bin)

    def __call__(self, weights: Floats) -> Arrays:
        """Return the arrays of a weighted sample."""
        total = np.bincount(self._category, weights, N_CATEGORIES)
        below = [ratio(np.bincount(self._category, weights * level, N_CATEGORIES), total) for level in self._below.T]
        return {"below": np.where(self._enough[:, None], np.stack(below, axis=1), np.nan)}
