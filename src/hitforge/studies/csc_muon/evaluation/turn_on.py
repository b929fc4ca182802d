"""Trigger efficiency against true pT, and the fit of its turn-on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import leastsq
from scipy.special import betaincinv, erf, expit, xlogy
from scipy.special import logit as logit_of

from hitforge.evaluation.bootstrap import Floats
from hitforge.evaluation.statistics import Arrays, GroupShare, group_of, ratio
from hitforge.studies.csc_muon.evaluation.calibration import PLATEAU_FROM
from hitforge.studies.csc_muon.evaluation.sample import MuonSample
from hitforge.studies.csc_muon.evaluation.settings import EvaluationSettings

PT_EDGES_GEV = np.concatenate(
    [
        np.arange(2.0, 10.0, 0.5),
        np.arange(10.0, 30.0),
        np.arange(30.0, 50.0, 2.5),
        [50.0, 55.0, 60.0, 70.0, 80.0, 100.0],
    ]
)
"""Bins of the turn-on curves."""

PHI_EDGES = np.linspace(-np.pi, np.pi, 13)

PLATEAU_EDGE = 1.5
"""Efficiency against eta and phi counts muons above so many thresholds."""

_CONFIDENCE = 0.6827
_SQRT2 = np.sqrt(2.0)
_MIN_FIT_BINS = 6
# expected efficiencies stay so far from 0 and 1: the likelihood of a muon on the wrong side stays finite
_EDGE = 1e-4


class TurnOn:
    """Efficiency of scaled pT >= threshold in bins of true pT and its erf fit, for all |eta| and for each region.

    Arrays over R = 1 + number of regions, T thresholds, P bins of pT: ``efficiency`` (R, T, P); ``x50``, ``width``,
    ``plateau`` of ``plateau / 2 (1 + erf((pT - x50) / (sqrt(2) width)))``, (R, T) each, widths in GeV;
    ``at_threshold`` (T,), the efficiency at pT = threshold relative to the plateau, which the scaling should set:
    the share of muons near the threshold whose scaled pT is above their own pT, so that the width of what is near does
    not smear the steep curve;
    ``against_eta`` and ``against_phi`` of muons above 1.5 times the headline threshold.
    """

    def __init__(self, muons: MuonSample, settings: EvaluationSettings) -> None:
        assert muons.scaled_pt is not None
        self.reason = f"fewer than {settings.min_per_bin} muons in the bin, or the fit did not converge"
        self._thresholds = np.asarray(settings.trigger_thresholds_gev)
        true_pt, eta = muons.true_pt, np.abs(muons.eta)
        self._n_pass = np.searchsorted(self._thresholds, muons.scaled_pt, side="right")
        self._bin = group_of(true_pt, PT_EDGES_GEV)
        self._regions = [np.ones(len(eta), dtype=bool)]
        self._regions += [(eta >= low) & (eta < high) for low, high in settings.eta_regions]
        self._pt = true_pt
        self._above_own_pt = muons.scaled_pt >= true_pt
        n_bins = len(PT_EDGES_GEV) - 1
        self._counts = np.stack([np.bincount(self._bin[r & (self._bin >= 0)], minlength=n_bins) for r in self._regions])
        self._enough = self._counts >= settings.min_per_bin
        self._near = [np.abs(t / true_pt - 1.0) <= settings.window for t in self._thresholds]
        self._far = [true_pt > PLATEAU_FROM * t for t in self._thresholds]
        self._min_window = settings.min_per_window
        high = true_pt > PLATEAU_EDGE * settings.rate_threshold_gev
        passes = muons.scaled_pt >= settings.rate_threshold_gev
        self._maps = {
            name: GroupShare(passes, np.where(high, group_of(values, edges), -1), len(edges) - 1, settings.min_per_bin)
            for name, values, edges in (
                ("against_eta", eta, np.asarray(settings.eta_edges)),
                ("against_phi", muons.phi, PHI_EDGES),
            )
        }
        self._start: Floats | None = None

    def __call__(self, weights: Floats) -> Arrays:
        efficiency, centres, totals = self._efficiency(weights)
        parameters = np.full((*efficiency.shape[:2], 3), np.nan)
        for r, t in np.ndindex(efficiency.shape[:2]):
            start = initial_fit(float(self._thresholds[t])) if self._start is None else self._start[r, t]
            used = self._enough[r] & (totals[r] > 0)
            parameters[r, t] = fit_erf(centres[r][used], efficiency[r, t][used], self._counts[r][used], start)
        if self._start is None:
            # replicas start from the fit of the sample
            self._start = np.where(
                np.isfinite(parameters), parameters, np.stack([initial_fit(float(t)) for t in self._thresholds])
            )
        return {
            "efficiency": np.where(self._enough[:, None, :], efficiency, np.nan),
            "x50": parameters[..., 0],
            "width": parameters[..., 1],
            "plateau": parameters[..., 2],
            "at_threshold": self._at_threshold(weights),
            **{name: share(weights) for name, share in self._maps.items()},
        }

    def _efficiency(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        n_bins, n_levels = len(PT_EDGES_GEV) - 1, len(self._thresholds) + 1
        efficiency, centres, totals = [], [], []
        for region in self._regions:
            inside = np.flatnonzero(region & (self._bin >= 0))
            own = weights[inside]
            cells = np.bincount(self._bin[inside] * n_levels + self._n_pass[inside], own, n_bins * n_levels)
            passing = np.cumsum(cells.reshape(n_bins, n_levels)[:, ::-1], axis=1)[:, ::-1]
            total = passing[:, 0]
            efficiency.append(ratio(passing[:, 1:], total[:, None]).T)
            centres.append(ratio(np.bincount(self._bin[inside], own * self._pt[inside], n_bins), total))
            totals.append(total)
        return np.stack(efficiency), np.stack(centres), np.stack(totals)

    def _at_threshold(self, weights: Floats) -> Floats:
        result = []
        for i, (near, far) in enumerate(zip(self._near, self._far, strict=True)):
            if min(near.sum(), far.sum()) < self._min_window:
                result.append(np.nan)
                continue
            passing = ((near, self._above_own_pt), (far, self._n_pass > i))
            parts = [ratio(weights[where & passes].sum(), weights[where].sum()) for where, passes in passing]
            result.append(float(ratio(parts[0], parts[1])))
        return np.array(result)

    def bands(self, efficiency: Floats, weights: Floats) -> tuple[Floats, Floats]:
        """Return the Clopper-Pearson band of an efficiency array, both of its shape (R, T, P)."""
        n_bins = len(PT_EDGES_GEV) - 1
        effective = []
        for region in self._regions:
            inside = np.flatnonzero(region & (self._bin >= 0))
            first, second = (np.bincount(self._bin[inside], weights[inside] ** power, n_bins) for power in (1, 2))
            effective.append(ratio(first**2, second))
        total = np.broadcast_to(np.stack(effective)[:, None, :], efficiency.shape)
        return clopper_pearson(efficiency * total, total)


def clopper_pearson(passed: Floats, total: Floats, confidence: float = _CONFIDENCE) -> tuple[Floats, Floats]:
    """Return the exact central interval of an efficiency (Clopper and Pearson, Biometrika 26 (1934) 404).

    Counts may be effective numbers of weighted muons, (sum w)^2 / sum w^2; NaN where there is none.
    """
    tail = 0.5 * (1.0 - confidence)
    passed, total = np.asarray(passed, np.float64), np.asarray(total, np.float64)
    failed = np.maximum(total - passed, 0.0)
    # the inverse is not defined at zero counts, where the limit is known
    low = np.where(passed > 0, betaincinv(np.maximum(passed, 1e-9), failed + 1.0, tail), 0.0)
    high = np.where(failed > 1e-9, betaincinv(passed + 1.0, np.maximum(failed, 1e-9), 1.0 - tail), 1.0)
    known = total > 0
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def turn_on_curve(pt: Floats, x50: float, width: float, plateau: float) -> Floats:
    """Return the turn-on curve at pT, shape (n,), GeV."""
    return np.asarray(0.5 * plateau * (1.0 + erf((pt - x50) / (_SQRT2 * width))), dtype=np.float64)


def initial_fit(threshold: float) -> Floats:
    """Return x50, width and plateau to start a fit from."""
    return np.array([0.85 * threshold, 0.15 * threshold, 0.98])


def fit_erf(pt: Floats, efficiency: Floats, counts: NDArray[np.integer], start: Floats) -> Floats:
    """Fit x50, width (GeV) and plateau by maximum likelihood; NaN where there is no sensible minimum.

    Binomial likelihood, so that bins where all or no muons pass count as what they are: the sum of the squared
    deviance residuals is -2 ln L up to a constant.

    Parameters
    ----------
    pt, efficiency : ndarray, shape (bins,)
        Mean pT of each bin in GeV, fraction that passes.
    counts : ndarray, shape (bins,)
        Muons in each bin.
    start : ndarray, shape (3,)
        x50, width and plateau to start from.
    """
    if len(pt) < _MIN_FIT_BINS:
        return np.full(3, np.nan)
    passed, failed = counts * efficiency, counts * (1.0 - efficiency)
    saturated = xlogy(passed, efficiency) + xlogy(failed, 1.0 - efficiency)

    def expected(parameters: Floats) -> Floats:
        x50, log_width, logit = parameters
        return turn_on_curve(pt, x50, np.exp(log_width), expit(logit))

    def residuals(parameters: Floats) -> Floats:
        mean = np.clip(expected(parameters), _EDGE, 1.0 - _EDGE)
        deviance = 2.0 * (saturated - passed * np.log(mean) - failed * np.log1p(-mean))
        return np.asarray(np.sign(mean - efficiency) * np.sqrt(np.maximum(deviance, 0.0)), dtype=np.float64)

    def derivatives(parameters: Floats) -> Floats:
        x50, log_width, logit = parameters
        mean, size = expected(parameters), np.abs(residuals(parameters))
        inside = (mean > _EDGE) & (mean < 1.0 - _EDGE)
        near = counts / np.where(inside, mean * (1.0 - mean), 1.0)
        # the quotient of two small numbers tends to the root
        to_mean = np.where(size > 1e-6, near * np.abs(mean - efficiency) / np.maximum(size, 1e-6), np.sqrt(near))
        to_mean = np.where(inside, to_mean, 0.0)
        plateau = expit(logit)
        z = (pt - x50) / np.exp(log_width)
        slope = plateau * np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
        shape = 0.5 * (1.0 + erf(z / _SQRT2))
        by_parameter = (-slope / np.exp(log_width), -slope * z, plateau * (1.0 - plateau) * shape)
        return np.stack([to_mean * derivative for derivative in by_parameter], axis=1)

    first = np.array([start[0], np.log(start[1]), logit_of(min(start[2], 0.9999))])
    # a search may try widths beyond any number; such a fit ends as not sensible
    with np.errstate(all="ignore"):
        found, _, _, _, status = leastsq(residuals, first, Dfun=derivatives, full_output=True, ftol=1e-7, xtol=1e-7)
    x50, width, plateau = found[0], np.exp(np.clip(found[1], -50.0, 50.0)), expit(found[2])
    sensible = status in (1, 2, 3, 4) and pt[0] < x50 < pt[-1] and width < pt[-1]
    return np.array([x50, width, plateau]) if sensible else np.full(3, np.nan)
