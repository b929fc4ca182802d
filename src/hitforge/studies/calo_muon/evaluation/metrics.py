"""Metrics of one muon-energy model: the published ones (arXiv:2107.02119, results) and what it knows (`measures`).

Pure functions from arrays to JSON-able numbers. The bias correction is applied before: the caller passes raw and
corrected predictions. So a held-out fold with one correction and a cross-fitted sample (every muon predicted by
models that never saw it, each rotation with its own correction) look alike here. Errors are those of the evaluated
sample; correction and density are held fixed in the bootstrap, as they are when they are used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.config import RESERVED
from hitforge.evaluation.bootstrap import Floats, Number, bootstrap, draws_of
from hitforge.seeds import child_generator
from hitforge.studies.calo_muon.evaluation.density import EnergyDensity, bin_of
from hitforge.studies.calo_muon.evaluation.improvement import (
    PublishedMetrics,
    bin_table,
    energy_bins,
    response_of,
)
from hitforge.studies.calo_muon.evaluation.measures import Measures, gain_bins, measure_muons
from hitforge.studies.calo_muon.evaluation.resolution import EnergyBins, challenge_score
from hitforge.studies.calo_muon.settings import DensitySettings, EvaluationSettings

NOT_CORRECTED = "there is no bias correction"
NO_DENSITY = "there is no density of the energy"
COMPARED = ("mean_improvement", "information_bits", "measured_gain")


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
    density : EnergyDensity or None
        What the model says of each muon.
    density_reason : str
        Why there is none.
    limits : mapping of name to ndarray, shape (N,)
        Information of the true radiated losses of each muon (`measures.LIMITS`), NaN where unknown.
    grid : DensitySettings
        Grid of the density and range of the flat spectrum.
    """

    true_gev: NDArray[np.floating]
    ensemble: ModelOutput
    members: Sequence[ModelOutput] = ()
    discrete: bool = False
    density: EnergyDensity | None = None
    density_reason: str = NO_DENSITY
    limits: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)
    grid: DensitySettings = field(default_factory=DensitySettings)


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
        JSON-able. Every number is ``{value, error, reason}``: fractions, energies in GeV, bits.
    """
    evaluated = {name: evaluate_sample(name, sample, settings, seed) for name, sample in samples.items()}
    spectra = [name for name, sample in samples.items() if not sample.discrete and name not in RESERVED]
    return {
        "model": model,
        "ensemble_weights": None if weights is None else [float(w) for w in weights],
        "settings": settings.model_dump(mode="json"),
        "samples": evaluated,
        "transfer": [row for other in spectra[1:] for row in _transfer(other, spectra[0], evaluated)],
    }


def evaluate_sample(name: str, sample: EvaluationSample, settings: EvaluationSettings, seed: int) -> dict[str, Any]:
    """Return the metrics of one model on one sample (see `evaluate_model`)."""
    true = np.asarray(sample.true_gev, dtype=np.float64)
    bins = energy_bins(settings, sample.discrete)
    raw = PublishedMetrics(true, sample.ensemble.raw, bins, settings)
    corrected = (
        None
        if sample.ensemble.corrected is None
        else PublishedMetrics(true, sample.ensemble.corrected, bins, settings, with_scalars=True)
    )
    measures = sample_measures(name, sample, settings, seed)
    parts: list[PublishedMetrics | Measures] = [raw, measures] if corrected is None else [raw, measures, corrected]
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
        numbers = PublishedMetrics(true, sample.ensemble.raw, bins, settings, with_scalars=True).missing(reason)
    else:
        numbers = corrected.numbers(replicas[:, raw.size + measures.size :])
    result: dict[str, Any] = {
        "n_muons": len(true),
        "n_in_bins": int(raw.response.n.sum()),
        "n_outside_grid": int(np.sum(bin_of(true, sample.grid) < 0)),
        "mean_improvement": numbers["mean_improvement"],
        "mean_improvement_uncorrected": uncorrected["mean_improvement"],
        "max_combined_resolution": numbers["max_combined"],
        "rmse_gev": numbers["rmse_gev"],
        "mean_fractional_error": numbers["mean_fractional_error"],
        "containment_68": numbers["containment_68"],
        **measures.numbers(replicas[:, raw.size : raw.size + measures.size]),
        "bins": bin_table(raw.response, uncorrected, numbers),
        "singles": _singles(true, sample.members, bins, settings),
    }
    if not sample.discrete:
        result["challenge_score"] = challenge_score(true, sample.ensemble.raw, settings.min_per_bin).model_dump()
    return result


def sample_measures(name: str, sample: EvaluationSample, settings: EvaluationSettings, seed: int) -> Measures:
    """Return information, measured gain and coverage of a sample; its tracker is the same for all models."""
    true = np.asarray(sample.true_gev, dtype=np.float64)
    noise = child_generator(seed, "evaluation", name, "tracker").standard_normal(len(true))
    muons = measure_muons(true, sample.density, sample.limits, sample.discrete, sample.grid, settings, noise)
    reason = None if sample.density is not None else sample.density_reason
    return Measures(muons, gain_bins(settings, sample.discrete), settings, sample.discrete, reason)


def _transfer(first: str, second: str, evaluated: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the differences between two samples, whose muons are independent."""
    rows = []
    for quantity in COMPARED:
        one, other = (Number.model_validate(evaluated[name][quantity]) for name in (first, second))
        if one.value is None or other.value is None:
            difference = Number(value=None, reason=one.reason if one.value is None else other.reason)
        else:
            error = None if one.error is None or other.error is None else float(np.hypot(one.error, other.error))
            difference = Number(value=one.value - other.value, error=error, reason=one.reason or other.reason)
        rows.append({"first": first, "second": second, "quantity": quantity, "difference": difference.model_dump()})
    return rows


def _singles(
    true: Floats, members: Sequence[ModelOutput], bins: EnergyBins, settings: EvaluationSettings
) -> dict[str, Any]:
    """Return the mean improvement of each member, and mean +- population std / sqrt(M) as the paper quotes them."""
    numbers = []
    for member in members:
        if member.corrected is None:
            numbers.append(Number(value=None, reason=member.reason or NOT_CORRECTED))
        else:
            response = response_of(true, member.corrected, bins, settings)
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
