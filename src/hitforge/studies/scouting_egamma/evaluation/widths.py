"""Widths of the response: against energy, a / sqrt(E) (+) b / E (+) c, and whether predicted ones are true."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from hitforge.evaluation.bootstrap import Floats
from hitforge.evaluation.ordered import OrderedGroups
from hitforge.evaluation.statistics import Arrays, GroupShare, enough
from hitforge.studies.scouting_egamma.evaluation.response import N_CATEGORIES, groups_in
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample
from hitforge.studies.scouting_egamma.evaluation.settings import EvaluationSettings

PARAMETERS = ("stochastic", "noise", "constant")


class EnergyFit:
    """``stochastic`` a [sqrt(GeV)], ``noise`` b [GeV], ``constant`` c, and the ``width`` in bins of energy.

    The squares of sigma_eff / median of good candidates are linear in a^2, b^2 and c^2, none of which can be negative:
    least squares with errors proportional to width^2 / sqrt(n). Shapes (categories,) and (categories, bins).
    """

    reason = "fewer than four bins of energy with enough candidates"

    def __init__(self, sample: EnergySample, settings: EvaluationSettings) -> None:
        edges = settings.energy_edges_gev
        self._bins = len(edges) - 1
        group = np.where(sample.quality == 0, groups_in(sample.category, (sample.energy, edges)), -1)
        n = N_CATEGORIES * self._bins
        self._ordered = OrderedGroups(sample.response, group, n)
        inside = group >= 0
        counts = np.bincount(group[inside], minlength=n)
        self._counts = counts.reshape(N_CATEGORIES, self._bins)
        energy = np.bincount(group[inside], sample.energy[inside], n) / np.maximum(counts, 1)
        self.energy = energy.reshape(N_CATEGORIES, self._bins)
        self._minimum = settings.min_per_bin

    def __call__(self, weights: Floats) -> Arrays:
        ordered = self._ordered.weighted(weights)
        width = (ordered.sigma_eff() / ordered.median()).reshape(N_CATEGORIES, self._bins)
        width = np.where(self._counts >= self._minimum, width, np.nan)
        fitted = np.stack([fit_terms(self.energy[c], width[c], self._counts[c]) for c in range(N_CATEGORIES)])
        return {**dict(zip(PARAMETERS, fitted.T, strict=True)), "width": width, "energy": self.energy}


def fit_terms(energy: Floats, width: Floats, counts: NDArray[np.integer]) -> Floats:
    """Return a, b and c, shape (3,), NaN with fewer than four bins."""
    use = np.isfinite(width) & (width > 0)
    if use.sum() < 4:
        return np.full(3, np.nan)
    squares, e = width[use] ** 2, energy[use]
    weight = np.sqrt(counts[use]) / squares
    found, _ = nnls(np.stack([1 / e, 1 / e**2, np.ones_like(e)], axis=1) * weight[:, None], squares * weight)
    return np.asarray(np.sqrt(found))


class WidthPulls:
    """Pulls ln(E_corrected / E_MC) / sigma of models with a width: ``width68`` and ``inside1``, by category."""

    reason = "too few candidates"

    def __init__(self, sample: EnergySample, settings: EvaluationSettings) -> None:
        pull = np.log(sample.response) / sample.columns["ln_y_sigma"]
        self._ordered = OrderedGroups(pull, sample.category, N_CATEGORIES)
        self._inside = GroupShare(np.abs(pull) <= 1, sample.category, N_CATEGORIES, settings.min_per_bin)
        self._enough = enough(sample.category, N_CATEGORIES, settings.min_per_bin)

    def __call__(self, weights: Floats) -> Arrays:
        width68 = np.where(self._enough, self._ordered.weighted(weights).sigma_eff(), np.nan)
        return {"width68": width68, "inside1": self._inside(weights)}


class Coverage:
    """Share of candidates whose true ln y lies at or below each predicted quantile: ``below``, (categories, levels)."""

    reason = "too few candidates"

    def __init__(self, sample: EnergySample, settings: EvaluationSettings) -> None:
        below = np.log(sample.y_true)[:, None] <= sample.columns["ln_y_quantiles"]
        self._below = [GroupShare(level, sample.category, N_CATEGORIES, settings.min_per_bin) for level in below.T]

    def __call__(self, weights: Floats) -> Arrays:
        return {"below": np.stack([share(weights) for share in self._below], axis=1)}
