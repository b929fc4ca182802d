"""Whether a model's own uncertainties are right: coverage of quantiles, pulls."""

from __future__ import annotations

import numpy as np

from hitforge.evaluation.bootstrap import Floats
from hitforge.evaluation.ordered import OrderedGroups
from hitforge.evaluation.statistics import Arrays, GroupShare, enough, ratio
from hitforge.studies.csc_muon.evaluation.resolution import binnings
from hitforge.studies.csc_muon.evaluation.sample import MuonSample
from hitforge.studies.csc_muon.evaluation.settings import EvaluationSettings
from hitforge.studies.csc_muon.models.targets import QUANTILE_LEVELS

INTERVALS = ((2, 4, 0.5), (1, 5, 0.68), (0, 6, 0.95))
"""Central intervals: columns of their lower and upper quantile, nominal coverage."""

_ONE_SIGMA = 0.683


class QuantileCoverage:
    """Fraction of muons whose truth lies below each quantile and inside each central interval.

    Arrays: ``below`` (7,) of the quantile levels, ``inside`` (3,) of :data:`INTERVALS`, ``inside68_pt`` (bins of pT),
    scalar ``crossing``, the fraction of muons with quantiles out of order.
    """

    def __init__(self, muons: MuonSample, settings: EvaluationSettings) -> None:
        self.reason = f"fewer than {settings.min_per_bin} muons in the bin"
        quantiles = muons.columns["quantiles"]
        if quantiles.shape[1] != len(QUANTILE_LEVELS):
            raise ValueError(f"column quantiles: {quantiles.shape[1]} of them, expected {len(QUANTILE_LEVELS)}")
        true = muons.q_over_pt if "q_over_pt" in muons.columns else np.abs(muons.q_over_pt)
        self._below = (true[:, None] <= quantiles).astype(np.float64)
        # order does not matter for an interval: a model that folds by charge may give them falling
        ends = [(quantiles[:, low], quantiles[:, high]) for low, high, _ in INTERVALS]
        self._inside = np.stack(
            [(true >= np.minimum(*pair)) & (true <= np.maximum(*pair)) for pair in ends], axis=1
        ).astype(np.float64)
        self._crossing = np.any(np.diff(quantiles, axis=1) < 0, axis=1).astype(np.float64)
        self._in_pt = GroupShare(self._inside[:, 1], *binnings(muons, settings)["pt"], settings.min_per_bin)

    def __call__(self, weights: Floats) -> Arrays:
        total = weights.sum()
        return {
            "below": ratio((weights[:, None] * self._below).sum(axis=0), total),
            "inside": ratio((weights[:, None] * self._inside).sum(axis=0), total),
            "inside68_pt": self._in_pt(weights),
            "crossing": ratio((weights * self._crossing).sum(), total),
        }


class Pulls:
    """Pulls (p - t) / sigma of q/pT with the calibrated sigma.

    Scalars ``mean``, ``width`` (standard deviation), ``width68`` (half the smallest interval with 68.3 %) and
    ``inside1`` (fraction within one sigma); arrays ``width68_pt`` and ``mean_pt`` (medians) in bins of pT.
    """

    def __init__(self, muons: MuonSample, settings: EvaluationSettings) -> None:
        self.reason = f"fewer than {settings.min_per_bin} muons in the bin"
        self._pull = pulls(muons)
        self._all = OrderedGroups(self._pull, np.zeros(len(muons), dtype=np.int64), 1)
        group, n_bins = binnings(muons, settings)["pt"]
        self._binned = OrderedGroups(self._pull, group, n_bins)
        self._enough = enough(group, n_bins, settings.min_per_bin)

    def __call__(self, weights: Floats) -> Arrays:
        total = weights.sum()
        mean = ratio((weights * self._pull).sum(), total)
        square = ratio((weights * self._pull**2).sum(), total)
        ordered = self._binned.weighted(weights)
        return {
            "mean": mean,
            "width": np.sqrt(np.maximum(square - mean**2, 0.0)),
            "width68": self._all.weighted(weights).sigma_eff()[0],
            "inside1": ratio((weights * (np.abs(self._pull) <= 1.0)).sum(), total),
            "width68_pt": np.where(self._enough, ordered.sigma_eff(), np.nan),
            "mean_pt": np.where(self._enough, ordered.median(), np.nan),
        }


def pulls(muons: MuonSample) -> Floats:
    """Return (p - t) / sigma of q/pT, shape (n,), with sigma times its calibration factor."""
    sigma = muons.columns["q_over_pt_sigma"] * muons.sigma_scale
    if not np.all(sigma > 0):
        raise ValueError("column q_over_pt_sigma must be positive")
    return np.asarray((muons.columns["q_over_pt"] - muons.q_over_pt) / sigma, dtype=np.float64)


def fit_sigma_scale(muons: MuonSample) -> float:
    """Return the factor on sigma that brings 68.3 % of the calibration muons within one sigma."""
    absolute = np.abs(pulls(muons))
    groups = OrderedGroups(absolute, np.zeros(len(absolute), dtype=np.int64), 1)
    return float(groups.weighted(muons.weight).quantile(_ONE_SIGMA)[0])
