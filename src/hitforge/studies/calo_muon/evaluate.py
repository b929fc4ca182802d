"""Metrics of one muon-energy model, and paired comparisons of several (arXiv:2107.02119, results).

Pure functions from arrays to JSON-able numbers. The bias correction is applied before: the caller passes raw and
corrected predictions. So a held-out fold with one correction and a cross-fitted sample (every muon predicted by
models that never saw it, each rotation with its own correction) look alike here. Errors are those of the evaluated
sample; the correction is held fixed in the bootstrap, as it is when it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Counts, Floats, GroupedQuantiles, Number, bootstrap, draws_of
from hitforge.evaluation.resolution import BinnedResponse, EnergyBins, Response, challenge_score
from hitforge.studies.calo_muon.settings import EvaluationSettings

NOT_CORRECTED = "there is no bias correction"


@dataclass(frozen=True)
class ModelOutput:
    """ModelOutput of one network, booster or ensemble for N muons.

    Attributes
    ----------
    raw : ndarray, shape (N,), GeV
        As the model gives them.
    corrected : ndarray, shape (N,), GeV, or None
        After the bias correction; None where there is none.
    reason : str or None
        Why there is no correction.
    """

    raw: NDArray[np.floating]
    corrected: NDArray[np.floating] | None
    reason: str | None = None


@dataclass(frozen=True)
class EvaluationSample:
    """One sample with the predictions of one model.

    Attributes
    ----------
    true_gev : ndarray, shape (N,), GeV
        Generated energies.
    ensemble : ModelOutput
        Of the model: its ensemble, or its only member.
    members : sequence of ModelOutput
        Of each member on the same muons; may be empty.
    discrete : bool
        Whether the sample has the discrete energies of the settings (the test sample) or a spectrum.
    """

    true_gev: NDArray[np.floating]
    ensemble: ModelOutput
    members: Sequence[ModelOutput] = ()
    discrete: bool = False


def evaluate_model(
    model: str,
    samples: Mapping[str, EvaluationSample],
    settings: EvaluationSettings,
    seed: int,
    weights: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Return the metrics of one model.

    Parameters
    ----------
    model : str
        Name of the model, copied to the result.
    samples : mapping of name to EvaluationSample
        For example ``heldout`` and ``test``.
    settings : EvaluationSettings
        Bins and number of bootstrap replicas.
    seed : int
        Root seed; the streams depend on the sample's name and not on the model.
    weights : sequence of float, optional
        Ensemble weights of the members, copied to the result.

    Returns
    -------
    dict
        JSON-able. Every number is ``{value, error, reason}``: fractions, energies in GeV.
    """
    return {
        "model": model,
        "ensemble_weights": None if weights is None else [float(w) for w in weights],
        "settings": settings.model_dump(mode="json"),
        "samples": {name: evaluate_sample(name, sample, settings, seed) for name, sample in samples.items()},
    }


def evaluate_sample(name: str, sample: EvaluationSample, settings: EvaluationSettings, seed: int) -> dict[str, Any]:
    """Return the metrics of one model on one sample (see `evaluate_model`)."""
    true = np.asarray(sample.true_gev, dtype=np.float64)
    bins = energy_bins(settings, sample.discrete)
    raw = _Metrics(true, sample.ensemble.raw, bins, settings)
    corrected = (
        None
        if sample.ensemble.corrected is None
        else _Metrics(true, sample.ensemble.corrected, bins, settings, with_scalars=True)
    )
    parts = [raw] if corrected is None else [raw, corrected]
    replicas = (
        bootstrap(
            lambda counts: np.concatenate([part(counts) for part in parts]),
            len(true),
            settings.bootstraps,
            draws_of(seed, name),
        )
        if len(true)
        else np.full((2, sum(part.size for part in parts)), np.nan)
    )
    uncorrected = raw.numbers(replicas[:, : raw.size])
    if corrected is None:
        reason = sample.ensemble.reason or NOT_CORRECTED
        numbers = _Metrics(true, sample.ensemble.raw, bins, settings, with_scalars=True).missing(reason)
    else:
        numbers = corrected.numbers(replicas[:, raw.size :])
    result: dict[str, Any] = {
        "n_muons": len(true),
        "n_in_bins": int(raw.response.n.sum()),
        "mean_improvement": numbers["mean_improvement"],
        "mean_improvement_uncorrected": uncorrected["mean_improvement"],
        "max_combined_resolution": numbers["max_combined"],
        "rmse_gev": numbers["rmse_gev"],
        "mean_fractional_error": numbers["mean_fractional_error"],
        "containment_68": numbers["containment_68"],
        "bins": _table(raw.response, uncorrected, numbers),
        "singles": _singles(true, sample.members, bins, settings),
    }
    if not sample.discrete:
        result["challenge_score"] = challenge_score(true, sample.ensemble.raw, settings.min_per_bin).model_dump()
    return result


def compare_models(
    predictions: Mapping[str, NDArray[np.floating]],
    true_gev: NDArray[np.floating],
    settings: EvaluationSettings,
    seed: int,
    sample: str = "heldout",
    discrete: bool = False,
) -> list[dict[str, Any]]:
    """Return the paired differences of the mean improvement between models.

    Parameters
    ----------
    predictions : mapping of model to ndarray, shape (N,), GeV
        Corrected predictions of the same muons in the same order.
    true_gev : ndarray, shape (N,), GeV
        Their generated energies.
    settings : EvaluationSettings
        Bins and number of bootstrap replicas.
    seed : int
        Root seed, that of `evaluate_model`: the replicas are the same.
    sample : str
        Name of the sample, part of the stream's name.
    discrete : bool
        Whether the sample has discrete energies.

    Returns
    -------
    list of dict
        One row ``{first, second, difference}`` for each pair in the order given; the difference is first - second,
        and its error knows the correlation between the models because both are evaluated on the same draws.
    """
    true = np.asarray(true_gev, dtype=np.float64)
    bins = energy_bins(settings, discrete)
    responses = {model: _response(true, values, bins, settings) for model, values in predictions.items()}
    values = {model: response().mean_improvement for model, response in responses.items()}
    replicas: dict[str, Floats] = {}
    if len(true) and responses:
        columns = bootstrap(
            lambda counts: np.array([response(counts).mean_improvement for response in responses.values()]),
            len(true),
            settings.bootstraps,
            draws_of(seed, sample),
        )
        replicas = dict(zip(responses, columns.T, strict=True))
    return [
        {
            "first": first,
            "second": second,
            "difference": Number.of(
                values[first] - values[second],
                replicas[first] - replicas[second] if replicas else None,
                responses[first].reason,
            ).model_dump(),
        }
        for first, second in combinations(predictions, 2)
    ]


def energy_bins(settings: EvaluationSettings, discrete: bool) -> EnergyBins:
    """Return the resolution bins of a spectrum, or the points of the test sample."""
    if discrete:
        return EnergyBins.discrete(settings.test_energies_gev)
    return EnergyBins.spectrum(np.linspace(settings.e_min_gev, settings.e_max_gev, settings.resolution_bins + 1))


def _response(
    true: Floats, predicted: NDArray[np.floating], bins: EnergyBins, settings: EvaluationSettings
) -> Response:
    return Response(true, predicted, bins, settings.min_per_bin, settings.tracker_per_gev)


class _Metrics:
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
        self.response = _response(true, predicted, bins, settings)
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


def _table(response: Response, uncorrected: dict[str, Any], corrected: dict[str, Any]) -> list[dict[str, Any]]:
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


def _singles(
    true: Floats, members: Sequence[ModelOutput], bins: EnergyBins, settings: EvaluationSettings
) -> dict[str, Any]:
    """Return the mean improvement of each member, and mean +- population std / sqrt(M) as the paper quotes them."""
    numbers = []
    for member in members:
        if member.corrected is None:
            numbers.append(Number(value=None, reason=member.reason or NOT_CORRECTED))
        else:
            response = _response(true, member.corrected, bins, settings)
            numbers.append(Number.of(response().mean_improvement, reason=response.reason))
    values = [number.value for number in numbers if number.value is not None]
    if not members:
        mean = Number(value=None, reason="there are no members")
    elif len(values) < len(members):
        missing = next(number.reason for number in numbers if number.value is None)
        mean = Number(value=None, reason=f"{len(members) - len(values)} member(s) without a value: {missing}")
    elif len(values) == 1:
        mean = Number(value=values[0], reason="one member has no spread")
    else:
        mean = Number(value=float(np.mean(values)), error=float(np.std(values) / np.sqrt(len(values))))
    return {"members": [number.model_dump() for number in numbers], "mean_improvement": mean.model_dump()}
