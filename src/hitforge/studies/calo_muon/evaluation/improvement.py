"""The published metrics of one set of predictions: resolution in bins, mean improvement (arXiv:2107.02119, results)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Counts, Floats, GroupedQuantiles, Number
from hitforge.studies.calo_muon.evaluation.resolution import BinnedResponse, EnergyBins, Response
from hitforge.studies.calo_muon.settings import EvaluationSettings


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


class PublishedMetrics:
    """All numbers of one set of predictions as one vector, for the sample and for each replica."""

    BINNED = ("true_median_gev", "predicted_median_gev", "delta68_gev", "bias", "resolution", "combined")
    SCALARS = ("rmse_gev", "mean_fractional_error", "containment_68")

    def __init__(
        self,
        true: Floats,
        predicted: NDArray[np.floating],
        bins: EnergyBins,
        settings: EvaluationSettings,
        with_scalars: bool = False,
    ) -> None:
        self.response = response_of(true, predicted, bins, settings)
        self._scalars = self.SCALARS if with_scalars else ()
        inside = bins.index(true)
        self._used = np.flatnonzero(inside >= 0)
        error = np.asarray(predicted, dtype=np.float64)[self._used] - true[self._used]
        fraction = error / true[self._used]
        self._terms = (error**2, fraction)
        self._distance = GroupedQuantiles(np.abs(fraction), np.zeros(len(fraction), dtype=np.int64), 1, (0.68,))
        self.names = ("mean_improvement", "max_combined", *self._scalars)
        self.size = len(self.names) + len(self.BINNED) * len(bins)

    def __call__(self, counts: Counts | None = None) -> Floats:
        """Return the vector, shape (size,), of the sample or of a replica."""
        binned = self.response(counts)
        head = [binned.mean_improvement, binned.max_combined]
        if self._scalars:
            head += self._scalar_values(None if counts is None else counts[self._used])
        return np.concatenate([head, *self._columns(binned)])

    def _scalar_values(self, counts: Counts | None) -> list[float]:
        if counts is None:
            counts = np.ones(len(self._used), dtype=np.int64)
        total = counts.sum()
        if not total:
            return [np.nan] * len(self.SCALARS)
        # Not a matrix product: BLAS sums in an order that depends on its threads.
        square, fraction = ((counts * term).sum() / total for term in self._terms)
        return [float(np.sqrt(square)), float(fraction), float(self._distance(counts)[0][0, 0])]

    def _columns(self, binned: BinnedResponse) -> list[Floats]:
        return [
            binned.true_gev,
            binned.predicted_gev,
            binned.delta68_gev,
            binned.bias,
            binned.resolution,
            binned.combined,
        ]

    def numbers(self, replicas: Floats) -> dict[str, Any]:
        """Return every number by its name; those of the bins as lists."""
        response, n_head, n_bins = self.response, len(self.names), len(self.response.bins)
        values = self()
        result: dict[str, Any] = {}
        for i, name in enumerate(self.names):
            reason = "there are no muons in the energy bins" if name in self.SCALARS else response.reason
            result[name] = Number.of(values[i], replicas[:, i], reason).model_dump()
        for j, name in enumerate(self.BINNED):
            columns = n_head + n_bins * j + np.arange(n_bins)
            result[name] = [
                Number.of(values[column], replicas[:, column], response.bin_reason(k)).model_dump()
                for k, column in enumerate(columns)
            ]
        return result

    def missing(self, reason: str) -> dict[str, Any]:
        """Return the shape of `numbers` with a reason in place of every number."""
        none = Number(value=None, reason=reason).model_dump()
        return dict.fromkeys(self.names, none) | {name: [none] * len(self.response.bins) for name in self.BINNED}


def bin_table(response: Response, uncorrected: dict[str, Any], corrected: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row per bin."""
    bins, tracker = response.bins, response().tracker
    return [
        {
            "low_gev": float(bins.low_gev[i]),
            "high_gev": float(bins.high_gev[i]),
            "energy_gev": float(bins.centre_gev[i]),
            "n": int(response.n[i]),
            "true_median_gev": uncorrected["true_median_gev"][i],
            "predicted_median_gev": corrected["predicted_median_gev"][i],
            "delta68_gev": corrected["delta68_gev"][i],
            "bias_uncorrected": uncorrected["bias"][i],
            "bias": corrected["bias"][i],
            "resolution_uncorrected": uncorrected["resolution"][i],
            "resolution": corrected["resolution"][i],
            "tracker": float(tracker[i]),
            "combined": corrected["combined"][i],
        }
        for i in range(len(bins))
    ]
