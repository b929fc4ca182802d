"""Resolution in bins of true energy, combination with a tracker, mean improvement (arXiv:2107.02119, results).

In a bin, with the medians E_t of the true and E_p of the predicted energies and the half width
delta68 = (P84.135 - P15.865) / 2 of the predictions, resolution = sqrt(delta68^2 + (E_p - E_t)^2) / E_t.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Counts, Floats
from hitforge.evaluation.statistics import packed
from hitforge.studies.calo_muon.evaluation.quantiles import GroupedQuantiles
from hitforge.studies.calo_muon.settings import EvaluationSettings

QUANTILES = (0.15865, 0.5, 0.84135)
CHALLENGE_EDGES_GEV = np.linspace(50.0, 8000.0, 41)
TRACKER_PER_GEV = 2e-4
# A generated energy went through float32 and text: far below the spacing of any list of energies.
SAME_ENERGY = 1e-4


@dataclass(frozen=True)
class EnergyBins:
    """Bins of true energy, or discrete energies.

    Attributes
    ----------
    low_gev, high_gev : ndarray, shape (n_bins,)
        Edges; left-open and right-closed. Equal for a discrete energy.
    """

    low_gev: Floats
    high_gev: Floats

    @classmethod
    def spectrum(cls, edges_gev: Sequence[float] | Floats) -> EnergyBins:
        """Return the bins between rising edges."""
        edges = np.asarray(edges_gev, dtype=np.float64)
        return cls(edges[:-1], edges[1:])

    @classmethod
    def discrete(cls, energies_gev: Sequence[float]) -> EnergyBins:
        """Return one bin for each energy of a sample with discrete energies."""
        energies = np.sort(np.asarray(energies_gev, dtype=np.float64))
        return cls(energies, energies)

    def __len__(self) -> int:
        return len(self.low_gev)

    @property
    def is_discrete(self) -> bool:
        """Whether the bins are discrete energies."""
        return bool(np.all(self.low_gev == self.high_gev))

    @property
    def centre_gev(self) -> Floats:
        """Bin centres, where the tracker's resolution is taken."""
        return 0.5 * (self.low_gev + self.high_gev)

    def index(self, true: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the bin of each true energy, shape (n,), or -1."""
        energy = np.asarray(true, dtype=np.float64)
        if self.is_discrete:
            nearest = np.searchsorted(0.5 * (self.low_gev[1:] + self.low_gev[:-1]), energy)
            inside = np.abs(energy - self.low_gev[nearest]) <= SAME_ENERGY * self.low_gev[nearest]
            return np.where(inside, nearest, -1)
        index = np.searchsorted(self.low_gev, energy, side="left") - 1
        return np.where((index >= 0) & (energy <= self.high_gev[-1]), index, -1)

    def name(self, i: int) -> str:
        """Return the bin's name for a message."""
        low, high = self.low_gev[i], self.high_gev[i]
        return f"{low:g} GeV" if low == high else f"{low:g}-{high:g} GeV"


@dataclass(frozen=True)
class BinnedResponse:
    """Numbers of every bin, shape (n_bins,); NaN where a bin is empty."""

    n: Counts
    true_gev: Floats
    predicted_gev: Floats
    delta68_gev: Floats
    tracker: Floats

    @property
    def bias(self) -> Floats:
        """Relative residual bias (E_p - E_t) / E_t."""
        return (self.predicted_gev - self.true_gev) / self.true_gev

    @property
    def resolution(self) -> Floats:
        """Relative resolution of the calorimeter, width and residual bias in quadrature."""
        return np.hypot(self.delta68_gev, self.predicted_gev - self.true_gev) / self.true_gev

    @property
    def combined(self) -> Floats:
        """Relative resolution of calorimeter and tracker together."""
        return combine(self.resolution, self.tracker)

    @property
    def mean_improvement(self) -> float:
        """Mean over the bins of tracker minus combined resolution, a fraction; NaN if a bin has none."""
        return float(np.mean(self.tracker - self.combined))

    @property
    def max_combined(self) -> float:
        """Largest combined resolution of any bin; NaN if a bin has none."""
        return float(np.max(self.combined))


class Response:
    """Binned response of one set of predictions, for any multiplicities of the events.

    Parameters
    ----------
    true, predicted : ndarray, shape (n,), GeV
        Bias-corrected predictions, or raw ones for the uncorrected numbers.
    bins : EnergyBins
        Bins of true energy.
    min_per_bin : int
        A bin of the sample with fewer events has no numbers (NaN).
    tracker_per_gev : float
        Relative resolution of the tracker divided by E/GeV.
    """

    def __init__(
        self,
        true: NDArray[np.floating],
        predicted: NDArray[np.floating],
        bins: EnergyBins,
        min_per_bin: int = 1,
        tracker_per_gev: float = TRACKER_PER_GEV,
    ) -> None:
        if np.shape(true) != np.shape(predicted):
            raise ValueError(f"Response: {np.shape(true)} true and {np.shape(predicted)} predicted energies")
        if not (np.all(np.isfinite(true)) and np.all(np.isfinite(predicted))):
            raise ValueError("Response: true and predicted energies must be finite; the model gives NaN or infinity")
        index = bins.index(true)
        self.bins = bins
        self.min_per_bin = min_per_bin
        self.n = np.bincount(index[index >= 0], minlength=len(bins))
        self._enough = self.n >= min_per_bin
        self._tracker = tracker_resolution(bins.centre_gev, tracker_per_gev)
        self._predicted = GroupedQuantiles(predicted, index, len(bins), QUANTILES)
        self._true = None if bins.is_discrete else GroupedQuantiles(true, index, len(bins), (0.5,))

    def __call__(self, counts: NDArray[np.number] | None = None) -> BinnedResponse:
        """Return the numbers of the sample, or of a bootstrap replica with the given multiplicities."""
        quantiles, n = self._predicted(counts)
        low, median, high = np.where(self._enough[:, None], quantiles, np.nan).T
        true = self.bins.centre_gev if self._true is None else self._true(counts)[0][:, 0]
        return BinnedResponse(n, true, median, 0.5 * (high - low), self._tracker)

    def bin_reason(self, i: int) -> str:
        """Return why bin ``i`` has no numbers."""
        return f"{self.n[i]} events at {self.bins.name(i)}, fewer than {self.min_per_bin}"

    @property
    def reason(self) -> str:
        """Why numbers over all bins cannot be computed."""
        poor = np.flatnonzero(~self._enough)
        if not len(poor):
            return "cannot be computed"
        return f"{len(poor)} of {len(self.bins)} bins without a resolution, the first: {self.bin_reason(int(poor[0]))}"


def tracker_resolution(energy_gev: Floats, per_gev: float = TRACKER_PER_GEV) -> Floats:
    """Return the assumed relative resolution of a tracker, 20 % at 1 TeV and proportional to energy."""
    return per_gev * energy_gev


def combine(calorimeter: Floats, tracker: Floats) -> Floats:
    """Return the relative resolution of the inverse-variance combination, (1/calo^2 + 1/tracker^2)^(-1/2)."""
    # This form also holds for a perfect calorimeter.
    return np.asarray(calorimeter * tracker / np.hypot(calorimeter, tracker), dtype=np.float64)


def challenge_score(
    true: NDArray[np.floating], predicted: NDArray[np.floating], min_per_bin: int = 1
) -> dict[str, Any]:
    """Return the score of the 2021 challenge: 40 bins of 50-8000 GeV, no bias correction, a fraction.

    Not comparable with the mean improvement: the mean tracker resolution is 0.805 here, 0.41 there.
    """
    response = Response(true, predicted, EnergyBins.spectrum(CHALLENGE_EDGES_GEV), min_per_bin)
    return packed(np.asarray(response().mean_improvement), None, response.reason)


def energy_bins(settings: EvaluationSettings, discrete: bool) -> EnergyBins:
    """Return the resolution bins of a spectrum, or the points of the test sample."""
    if discrete:
        return EnergyBins.discrete(settings.test_energies_gev)
    return EnergyBins.spectrum(np.linspace(settings.e_min_gev, settings.e_max_gev, settings.resolution_bins + 1))


def response_of(
    true: Floats, predicted: NDArray[np.floating], bins: EnergyBins, settings: EvaluationSettings
) -> Response:
    """Return the published response of predictions."""
    return Response(true, predicted, bins, settings.min_per_bin, settings.tracker_per_gev)


def by_bin(columns: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return a number for each bin, called ``name/i``: each has a reason of its own why it may be missing."""
    return {f"{name}/{i}": value for name, column in columns.items() for i, value in enumerate(column)}


class PublishedMetrics:
    """All numbers of one set of predictions (a :class:`hitforge.evaluation.statistics.Statistic`)."""

    BINNED = ("true_median_gev", "predicted_median_gev", "delta68_gev", "bias", "resolution", "combined")
    SCALARS = ("rmse_gev", "mean_fractional_error", "containment_68")

    def __init__(
        self, true: Floats, predicted: NDArray[np.floating], bins: EnergyBins, settings: EvaluationSettings
    ) -> None:
        self.response = response_of(true, predicted, bins, settings)
        inside = bins.index(true)
        self._used = np.flatnonzero(inside >= 0)
        error = np.asarray(predicted, dtype=np.float64)[self._used] - true[self._used]
        fraction = error / true[self._used]
        self._terms = (error**2, fraction)
        self._distance = GroupedQuantiles(np.abs(fraction), np.zeros(len(fraction), dtype=np.int64), 1, (0.68,))
        self.reason = {
            "mean_improvement": self.response.reason,
            "max_combined_resolution": self.response.reason,
            **dict.fromkeys(self.SCALARS, "there are no muons in the energy bins"),
            **{f"{name}/{i}": self.response.bin_reason(i) for name in self.BINNED for i in range(len(bins))},
        }

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        """Return the numbers of the sample, or of a replica with these multiplicities of the muons."""
        binned = self.response(weights)
        columns = (
            *(binned.true_gev, binned.predicted_gev, binned.delta68_gev),
            *(binned.bias, binned.resolution, binned.combined),
        )
        head = (binned.mean_improvement, binned.max_combined, *self._scalars(weights[self._used]))
        names = ("mean_improvement", "max_combined_resolution", *self.SCALARS)
        values = {name: np.asarray(value, dtype=np.float64) for name, value in zip(names, head, strict=True)}
        return {**values, **by_bin(dict(zip(self.BINNED, columns, strict=True)))}

    def _scalars(self, weights: Floats) -> tuple[float, ...]:
        total = weights.sum()
        if not total:
            return (np.nan,) * len(self.SCALARS)
        # Not a matrix product: BLAS sums in an order that depends on its threads.
        square, fraction = ((weights * term).sum() / total for term in self._terms)
        return float(np.sqrt(square)), float(fraction), float(self._distance(weights)[0][0, 0])


def bin_table(response: Response, uncorrected: Mapping[str, Any], corrected: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row per bin."""
    bins, tracker = response.bins, response().tracker
    return [
        {
            "low_gev": float(bins.low_gev[i]),
            "high_gev": float(bins.high_gev[i]),
            "energy_gev": float(bins.centre_gev[i]),
            "n": int(response.n[i]),
            "true_median_gev": uncorrected[f"true_median_gev/{i}"],
            "predicted_median_gev": corrected[f"predicted_median_gev/{i}"],
            "delta68_gev": corrected[f"delta68_gev/{i}"],
            "bias_uncorrected": uncorrected[f"bias/{i}"],
            "bias": corrected[f"bias/{i}"],
            "resolution_uncorrected": uncorrected[f"resolution/{i}"],
            "resolution": corrected[f"resolution/{i}"],
            "tracker": float(tracker[i]),
            "combined": corrected[f"combined/{i}"],
        }
        for i in range(len(bins))
    ]
