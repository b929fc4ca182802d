"""Resolution, bias, tails and charge misidentification in bins of pT, |eta|, zone and mode."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Floats
from hitforge.evaluation.ordered import OrderedGroups
from hitforge.evaluation.statistics import Arrays, GroupShare, enough, group_of, ratio
from hitforge.studies.csc_muon.evaluation.sample import MuonSample
from hitforge.studies.csc_muon.evaluation.settings import EvaluationSettings

HIGH_PT_GEV = 120.0
"""Beyond this the tails are reported apart: the detector measures little curvature there."""

TAIL = 0.5
"""A relative error of 1/pT beyond this is in the tail."""

POINTS_GEV = (5.0, 20.0, 50.0)
"""Where the median relative error of pT is quoted."""

MODES = (11, 13, 14, 15)


def binnings(muons: MuonSample, settings: EvaluationSettings) -> dict[str, tuple[NDArray[np.int64], int]]:
    """Return the bin of each muon, -1 outside, and the number of bins, for pT, |eta|, zone and mode where known."""
    result = {
        "pt": (group_of(muons.true_pt, np.asarray(settings.pt_edges_gev)), len(settings.pt_edges_gev) - 1),
        "eta": (group_of(np.abs(muons.eta), np.asarray(settings.eta_edges)), len(settings.eta_edges) - 1),
        "zone": (np.where((muons.zone >= 0) & (muons.zone < 6), muons.zone, -1).astype(np.int64), 6),
    }
    if muons.mode is not None:
        position = np.searchsorted(MODES, muons.mode)
        known = np.isin(muons.mode, MODES)
        result["mode"] = (np.where(known, position, -1).astype(np.int64), len(MODES))
    return result


class Resolution:
    """Errors of a prediction in the bins of one binning; arrays of shape (bins,).

    ``core`` (Gaussian core), ``sigma_eff`` (half the smallest interval with 68.3 %), ``bias`` (median) and, where a
    ``tail`` is asked for, the fraction that is off by more than that.
    """

    def __init__(
        self, error: Floats, group: NDArray[np.int64], n_bins: int, min_per_bin: int, tail: float | None = None
    ) -> None:
        self.reason = f"fewer than {min_per_bin} muons in the bin"
        self._groups = OrderedGroups(error, group, n_bins)
        self._inside = np.flatnonzero(group >= 0)
        self._group = group[self._inside]
        self._off = None if tail is None else (np.abs(error[self._inside]) > tail).astype(np.float64)
        self._enough = enough(group, n_bins, min_per_bin)

    def __call__(self, weights: Floats) -> Arrays:
        ordered = self._groups.weighted(weights)
        arrays = {"core": ordered.core(), "sigma_eff": ordered.sigma_eff(), "bias": ordered.median()}
        if self._off is not None:
            off = np.bincount(self._group, weights[self._inside] * self._off, self._groups.n_groups)
            arrays["tail"] = ratio(off, ordered.total)
        return {name: np.where(self._enough, array, np.nan) for name, array in arrays.items()}


def relative_error(muons: MuonSample) -> Floats:
    """Return the relative error of 1/pT, (1/p - 1/t) / (1/t), shape (n,)."""
    return np.asarray(muons.columns["inverse_pt"] * muons.true_pt - 1.0, dtype=np.float64)


class ChargeMisidentification:
    """Fraction of muons with the wrong charge: array ``binned`` (bins of pT), ``eta`` (bins), scalar ``total``."""

    def __init__(self, muons: MuonSample, settings: EvaluationSettings) -> None:
        self.reason = f"fewer than {settings.min_per_bin} muons in the bin"
        self._wrong = (predicted_charge(muons) != np.sign(muons.q_over_pt)).astype(np.float64)
        bins = binnings(muons, settings)
        self._shares = {name: GroupShare(self._wrong, *bins[name], settings.min_per_bin) for name in ("pt", "eta")}

    def __call__(self, weights: Floats) -> Arrays:
        total = ratio((weights * self._wrong).sum(), weights.sum())
        return {**{name: share(weights) for name, share in self._shares.items()}, "total": total}


def predicted_charge(muons: MuonSample) -> Floats:
    """Return the predicted charge, +1 or -1, from its own output where the model has one, else the sign of q/pT."""
    if "charge_probability" in muons.columns:
        return np.where(muons.columns["charge_probability"] > 0.5, 1.0, -1.0)
    return np.where(muons.columns["q_over_pt"] >= 0, 1.0, -1.0)


class PointResolution:
    """Median of |p - t| / t of muons near :data:`POINTS_GEV`, and the tail beyond 120 GeV.

    Arrays: ``median`` (3,); scalar ``high_pt_tail``, the fraction of muons above 120 GeV off by more than 50 % in pT.
    """

    def __init__(self, muons: MuonSample, settings: EvaluationSettings) -> None:
        self.reason = f"fewer than {settings.min_per_bin} muons there"
        pt = muons.true_pt
        relative = np.abs(muons.predicted_pt / pt - 1.0)
        group = np.full(len(pt), -1, dtype=np.int64)
        for i, point in enumerate(POINTS_GEV):
            group[np.abs(point / pt - 1.0) <= settings.window] = i
        self._groups = OrderedGroups(relative, group, len(POINTS_GEV))
        self._enough = enough(group, len(POINTS_GEV), settings.min_per_bin)
        self._high = np.flatnonzero(pt > HIGH_PT_GEV)
        self._off = (relative[self._high] > TAIL).astype(np.float64)
        self._enough_high = len(self._high) >= settings.min_per_bin

    def __call__(self, weights: Floats) -> Arrays:
        own = weights[self._high]
        tail = ratio((own * self._off).sum(), own.sum())
        return {
            "median": np.where(self._enough, self._groups.weighted(weights).median(), np.nan),
            "high_pt_tail": np.where(self._enough_high, tail, np.nan),
        }
