"""Measures of what a model knows about the energy, beside the published one: information, measured gain, coverage.

Information is the mean of log2 q(E | what the model says) / p(E) at the true energies, with a flat p: the logarithmic
score of the density relative to that of knowing nothing, in bits (T. Gneiting and A. E. Raftery, J. Am. Stat. Assoc.
102 (2007) 359). Its expectation is the mutual information of E and the model's output, less what the density fails to
say. Measured gain is the mean over bins of energy of the relative resolution of a simulated tracker alone minus that
of tracker and calorimeter combined muon by muon (:mod:`posterior`). Coverage is the fraction of muons in the central
68.27 % interval of their own density. Everything is reduced to numbers of single muons first, so a replica is cheap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Floats
from hitforge.studies.calo_muon.data.muons import LIMITS
from hitforge.studies.calo_muon.evaluation.density import EnergyDensity, bin_of
from hitforge.studies.calo_muon.evaluation.posterior import combined_energy, measure
from hitforge.studies.calo_muon.evaluation.quantiles import GroupedQuantiles
from hitforge.studies.calo_muon.evaluation.resolution import QUANTILES, EnergyBins, by_bin
from hitforge.studies.calo_muon.settings import DensitySettings, EvaluationSettings

CENTRAL = (0.15865525393145707, 0.8413447460685429)
COVERAGE_OF_POINTS = "the interval is for a flat spectrum, and this sample has discrete energies"
LOSSES_UNKNOWN = "the true losses of these muons are not known"


@dataclass(frozen=True)
class MuonMeasures:
    """Numbers of each muon of a sample, shape (N,); NaN where a muon has none.

    Attributes
    ----------
    gain_bin : ndarray of int
        Bin of the measured gain, or -1.
    tracker, combined : ndarray
        Relative residual (estimate - true) / true of the tracker alone and of the combination.
    bits : ndarray
        Information.
    covered : ndarray
        1 in the central interval, 0 outside.
    limits : ndarray, shape (2, N)
        Information of the true list of radiated losses, and of losses and track: `LIMITS`.
    """

    gain_bin: NDArray[np.int64]
    tracker: Floats
    combined: Floats
    bits: Floats
    covered: Floats
    limits: Floats


def gain_bins(settings: EvaluationSettings, discrete: bool) -> EnergyBins:
    """Return the bins of the measured gain, or the test energies in their range."""
    low, high = settings.e_min_gev, settings.e_max_gev
    if discrete:
        return EnergyBins.discrete([energy for energy in settings.test_energies_gev if low <= energy <= high])
    return EnergyBins.spectrum(np.linspace(low, high, settings.gain_bins + 1))


def measure_muons(
    true_gev: Floats,
    density: EnergyDensity | None,
    limits: Mapping[str, NDArray[np.floating]],
    discrete: bool,
    grid: DensitySettings,
    settings: EvaluationSettings,
    noise: Floats,
) -> MuonMeasures:
    """Return the measures of each muon.

    Parameters
    ----------
    true_gev : ndarray, shape (N,), GeV
    density : EnergyDensity of N muons, or None
        What the model says.
    limits : mapping of name to ndarray, shape (N,)
        Those of `LIMITS` that the simulation tells; NaN where it does not.
    discrete : bool
        Whether the sample has the test energies of the settings.
    grid : DensitySettings
        Range of the flat spectrum.
    settings : EvaluationSettings
        Bins and tracker.
    noise : ndarray, shape (N,)
        Standard normal, of the tracker.
    """
    unknown = np.full(len(true_gev), np.nan)
    inside = bin_of(true_gev, grid) >= 0
    bins = gain_bins(settings, discrete)
    index = np.where(inside, bins.index(true_gev), -1) if len(bins) else np.full(len(true_gev), -1)
    measured = measure(true_gev, noise, settings)
    tracker = combined_energy(None, measured, grid, settings) / true_gev - 1.0
    known = np.stack([np.where(inside, limits.get(name, unknown), np.nan) for name in LIMITS]).astype(np.float64)
    if density is None:
        return MuonMeasures(index, tracker, unknown, unknown, unknown, known)
    if discrete:
        bits, covered = density.bits_among(true_gev, np.asarray(settings.test_energies_gev)), unknown
    else:
        bits, below = density.bits(true_gev), density.below(true_gev)
        covered = np.where(inside, (below >= CENTRAL[0]) & (below <= CENTRAL[1]), np.nan).astype(np.float64)
    combined = combined_energy(density.ratio(), measured, grid, settings) / true_gev - 1.0
    return MuonMeasures(index, tracker, combined, bits, covered, known)


class Measures:
    """All measures of a sample (a :class:`hitforge.evaluation.statistics.Statistic`).

    Parameters
    ----------
    muons : MuonMeasures
    bins : EnergyBins
        Of the measured gain.
    settings : EvaluationSettings
        Smallest number of muons in a bin.
    discrete : bool
        Whether the sample has discrete energies.
    reason : str or None
        Why there is no density.
    """

    BINNED = ("tracker", "combined", "combined_bias", "bits")

    def __init__(
        self, muons: MuonMeasures, bins: EnergyBins, settings: EvaluationSettings, discrete: bool, reason: str | None
    ) -> None:
        self._muons, self._bins = muons, bins
        index = muons.gain_bin
        self._n = np.bincount(index[index >= 0], minlength=len(bins))
        self._fewest = settings.min_per_bin
        self._tracker = GroupedQuantiles(muons.tracker, index, len(bins), QUANTILES)
        self._combined = None if reason else GroupedQuantiles(muons.combined, index, len(bins), QUANTILES)
        no_gain, few = self._why_no_gain(), [self._few(k) for k in range(len(bins))]
        not_on_grid = "no muon has an energy on the grid of the density"
        self.reason = {
            "information_bits": reason or not_on_grid,
            "measured_gain": reason or no_gain,
            "coverage_68": reason or (COVERAGE_OF_POINTS if discrete else not_on_grid),
            "tracker_alone": no_gain,
            **dict.fromkeys(LIMITS, LOSSES_UNKNOWN),
            **{
                f"{name}/{k}": few[k] if name == "tracker" else reason or few[k]
                for name in self.BINNED
                for k in range(len(bins))
            },
        }

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        """Return the numbers of the sample, or of a replica with these multiplicities of the muons."""
        muons = self._muons
        tracker, _ = self._resolution(self._tracker, weights)
        combined, bias = self._resolution(self._combined, weights)
        scalars = {
            "information_bits": self.information(weights),
            "measured_gain": _mean_of_bins(tracker - combined),
            "coverage_68": _mean(muons.covered, weights),
            "tracker_alone": _mean_of_bins(tracker),
            **{name: _mean(limit, weights) for name, limit in zip(LIMITS, muons.limits, strict=True)},
        }
        columns = zip(self.BINNED, (tracker, combined, bias, self._bits(weights)), strict=True)
        return {**{name: np.asarray(value) for name, value in scalars.items()}, **by_bin(dict(columns))}

    def information(self, weights: Floats) -> float:
        """Return the information alone, bits."""
        return _mean(self._muons.bits, weights)

    def gain(self, weights: Floats) -> float:
        """Return the measured gain alone, a fraction."""
        return _mean_of_bins(self._resolution(self._tracker, weights)[0] - self._resolution(self._combined, weights)[0])

    def _resolution(self, quantiles: GroupedQuantiles | None, weights: Floats) -> tuple[Floats, Floats]:
        """Return width and bias of the residuals in quadrature, and the bias, of each bin."""
        if quantiles is None:
            nothing = np.full(len(self._bins), np.nan)
            return nothing, nothing
        low, median, high = np.where(self._n[:, None] >= self._fewest, quantiles(weights)[0], np.nan).T
        return np.hypot(0.5 * (high - low), median), median

    def _bits(self, weights: Floats) -> Floats:
        used = (self._muons.gain_bin >= 0) & np.isfinite(self._muons.bits)
        index, own = self._muons.gain_bin[used], weights[used]
        total = np.bincount(index, weights=own, minlength=len(self._bins))
        summed = np.bincount(index, weights=own * self._muons.bits[used], minlength=len(self._bins))
        known = (total > 0) & (self._n >= self._fewest)
        return np.where(known, summed / np.where(total > 0, total, 1.0), np.nan)

    def bin_rows(self, numbers: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return one row for each bin of the measured gain."""
        return [
            {
                "low_gev": float(self._bins.low_gev[k]),
                "high_gev": float(self._bins.high_gev[k]),
                "energy_gev": float(self._bins.centre_gev[k]),
                "n": int(self._n[k]),
                **{name: numbers[f"{name}/{k}"] for name in self.BINNED},
            }
            for k in range(len(self._bins))
        ]

    def _why_no_gain(self) -> str:
        """Return why there is no measured gain, or none of the tracker alone."""
        poor = np.flatnonzero(self._n < self._fewest)
        if not len(self._bins):
            return "no test energy lies in the range of the measured gain"
        if not len(poor):
            return "cannot be computed"
        return f"{len(poor)} of {len(self._bins)} bins are poor, the first: {self._few(int(poor[0]))}"

    def _few(self, k: int) -> str:
        return f"{self._n[k]} events at {self._bins.name(k)}, fewer than {self._fewest}"


def _mean(values: Floats, weight: Floats) -> float:
    """Return the weighted mean of the values that are known."""
    known = np.isfinite(values)
    total = weight[known].sum()
    # Not a matrix product: BLAS sums in an order that depends on its threads.
    return float((weight[known] * values[known]).sum() / total) if total else np.nan


def _mean_of_bins(values: Floats) -> float:
    return float(np.mean(values)) if len(values) else np.nan
