"""Trigger rate on a falling spectrum, and its reduction against a reference model at equal efficiency.

Muons are generated flat in 1/pT, a density of pT^-2; the weight pT^(2 - n) turns that into dN/dpT ~ pT^-n. A rate is
the weighted fraction of roads whose scaled pT passes, so only ratios of rates have a meaning.
"""

from __future__ import annotations

import numpy as np

from hitforge.evaluation.bootstrap import Floats
from hitforge.evaluation.statistics import Arrays, GroupShare, group_of, ratio
from hitforge.studies.csc_muon.evaluation.sample import MuonSample
from hitforge.studies.csc_muon.evaluation.settings import EvaluationSettings

RATE_THRESHOLDS_GEV = np.arange(3.0, 61.0)
"""Thresholds of the rate curve, where the pT scaling has nodes on both sides."""

GENERATED_EXPONENT = 2.0
"""Exponent of the pT density of a spectrum flat in 1/pT."""


def spectrum_weights(true_pt: Floats, exponent: float) -> Floats:
    """Return the weights, mean one, that turn a spectrum flat in 1/pT into pT^-exponent."""
    weights = true_pt ** (GENERATED_EXPONENT - exponent)
    return weights / weights.mean() if len(weights) else weights


def all_spectra(true_pt: Floats, settings: EvaluationSettings) -> Floats:
    """Return the weights of each spectrum, shape (spectra, n): the powers, then the histogram if there is one."""
    spectra = [spectrum_weights(true_pt, n) for n in settings.spectrum_exponents]
    histogram = settings.spectrum_histogram
    if histogram is not None:
        place = group_of(true_pt, np.asarray(histogram.edges_gev))
        density = np.append(histogram.density, 0.0)[place]
        weights = density * true_pt**GENERATED_EXPONENT
        spectra.append(weights / weights.mean() if weights.any() else weights)
    return np.stack(spectra)


class Rate:
    """Rate of one model, relative to that without any threshold.

    Arrays: ``rate`` (spectra, thresholds) of :data:`RATE_THRESHOLDS_GEV`, ``rate_eta`` (bins of |eta|) at the
    headline threshold and the first exponent.
    """

    def __init__(self, muons: MuonSample, settings: EvaluationSettings) -> None:
        assert muons.scaled_pt is not None
        self.reason = "no muon passes, or too few muons in the bin"
        self._spectra = all_spectra(muons.true_pt, settings)
        self._n_pass = np.searchsorted(RATE_THRESHOLDS_GEV, muons.scaled_pt, side="right")
        edges = np.asarray(settings.eta_edges)
        passes = muons.scaled_pt >= settings.rate_threshold_gev
        bins = group_of(np.abs(muons.eta), edges)
        self._in_eta = GroupShare(passes, bins, len(edges) - 1, settings.min_per_bin)

    def __call__(self, weights: Floats) -> Arrays:
        size = len(RATE_THRESHOLDS_GEV) + 1
        rates = []
        for spectrum in self._spectra:
            passing = np.cumsum(np.bincount(self._n_pass, weights * spectrum, size)[::-1])[::-1]
            rates.append(ratio(passing[1:], passing[0]))
        return {"rate": np.stack(rates), "rate_eta": self._in_eta(weights * self._spectra[0])}
