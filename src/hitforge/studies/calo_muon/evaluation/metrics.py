"""Metrics of one muon-energy model: the published ones (arXiv:2107.02119, results) and what it knows (`measures`).

Errors are those of the evaluated sample; correction and density are held fixed in the bootstrap, as they are when they
are used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hitforge.evaluation.bootstrap import Floats, draws_of
from hitforge.evaluation.statistics import Statistic, packed, resample
from hitforge.seeds import child_generator
from hitforge.studies.calo_muon.data.muons import LIMITS
from hitforge.studies.calo_muon.evaluation.density import bin_of
from hitforge.studies.calo_muon.evaluation.measures import Measures, gain_bins, measure_muons
from hitforge.studies.calo_muon.evaluation.resolution import (
    EnergyBins,
    PublishedMetrics,
    bin_table,
    challenge_score,
    energy_bins,
    response_of,
)
from hitforge.studies.calo_muon.evaluation.sample import EvaluationSample, ModelOutput
from hitforge.studies.calo_muon.settings import EvaluationSettings
from hitforge.words import RESERVED

NOT_CORRECTED = "there is no bias correction"
COMPARED = ("mean_improvement", "information_bits", "measured_gain")
_MEASURED = ("information_bits", "measured_gain", "coverage_68", "tracker_alone", *LIMITS)


def evaluate_model(
    model: str,
    samples: Mapping[str, EvaluationSample],
    weights: Sequence[float] | None,
    seed: int,
    *,
    evaluation: EvaluationSettings,
) -> dict[str, Any]:
    """Return the metrics of one model.

    Parameters
    ----------
    model : str
        Name of the model, copied to the result.
    samples : mapping of name to EvaluationSample
        For example ``heldout`` and ``test``.
    weights : sequence of float or None
        Ensemble weights of the members, copied to the result.
    seed : int
        Root seed; the streams depend on the sample's name and not on the model.
    evaluation : EvaluationSettings
        Bins and number of bootstrap replicas.

    Returns
    -------
    dict
        JSON-able. Every number is ``{value, error, reason}``: fractions, energies in GeV, bits.
    """
    evaluated = {name: evaluate_sample(name, sample, evaluation, seed) for name, sample in samples.items()}
    spectra = [name for name, sample in samples.items() if not sample.discrete and name not in RESERVED]
    return {
        "model": model,
        "ensemble_weights": None if weights is None else [float(w) for w in weights],
        "settings": evaluation.model_dump(mode="json"),
        "samples": evaluated,
        "transfer": [row for other in spectra[1:] for row in _transfer(other, spectra[0], evaluated)],
    }


def evaluate_sample(name: str, sample: EvaluationSample, settings: EvaluationSettings, seed: int) -> dict[str, Any]:
    """Return the metrics of one model on one sample (see `evaluate_model`)."""
    true = np.asarray(sample.true_gev, dtype=np.float64)
    bins = energy_bins(settings, sample.discrete)
    measures = sample_measures(name, sample, settings, seed)
    raw = PublishedMetrics(true, sample.ensemble.raw, bins, settings)
    statistics: dict[str, Statistic] = {"raw": raw, "measures": measures}
    if sample.ensemble.corrected is not None:
        statistics["corrected"] = PublishedMetrics(true, sample.ensemble.corrected, bins, settings)
    numbers = resample(statistics, np.ones(len(true)), settings.bootstraps, draws_of(seed, name))
    measured = numbers["measures"]
    absent = {"value": None, "error": None, "reason": sample.ensemble.reason or NOT_CORRECTED}
    corrected = numbers.get("corrected") or dict.fromkeys(raw.reason, absent)
    result: dict[str, Any] = {
        "n_muons": len(true),
        "n_in_bins": int(raw.response.n.sum()),
        "n_outside_grid": int(np.sum(bin_of(true, sample.grid) < 0)),
        "mean_improvement": corrected["mean_improvement"],
        "mean_improvement_uncorrected": numbers["raw"]["mean_improvement"],
        **{name: corrected[name] for name in ("max_combined_resolution", *PublishedMetrics.SCALARS)},
        **{name: measured[name] for name in _MEASURED},
        "measured_bins": measures.bin_rows(measured),
        "bins": bin_table(raw.response, numbers["raw"], corrected),
        "singles": _singles(true, sample.members, bins, settings),
    }
    if not sample.discrete:
        result["challenge_score"] = challenge_score(true, sample.ensemble.raw, settings.min_per_bin)
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
        one, other = evaluated[first][quantity], evaluated[second][quantity]
        value = error = None
        if one["value"] is not None and other["value"] is not None:
            value = one["value"] - other["value"]
            if one["error"] is not None and other["error"] is not None:
                error = float(np.hypot(one["error"], other["error"]))
        difference = {"value": value, "error": error, "reason": one["reason"] or other["reason"]}
        rows.append({"first": first, "second": second, "quantity": quantity, "difference": difference})
    return rows


def _singles(
    true: Floats, members: Sequence[ModelOutput], bins: EnergyBins, settings: EvaluationSettings
) -> dict[str, Any]:
    """Return the mean improvement of each member, and mean +- population std / sqrt(M) as the paper quotes them."""
    numbers: list[dict[str, Any]] = []
    for member in members:
        if member.corrected is None:
            numbers.append({"value": None, "error": None, "reason": member.reason or NOT_CORRECTED})
        else:
            response = response_of(true, member.corrected, bins, settings)
            numbers.append(packed(np.asarray(response().mean_improvement), None, response.reason))
    values = [number["value"] for number in numbers if number["value"] is not None]
    value: float | None = None
    error: float | None = None
    reason: str | None = None
    if not members:
        reason = "there are no members"
    elif len(values) < len(members):
        missing = next(number["reason"] for number in numbers if number["value"] is None)
        reason = f"{len(members) - len(values)} member(s) without a value: {missing}"
    elif len(values) == 1:
        value, reason = values[0], "one member has no spread"
    else:
        value, error = float(np.mean(values)), float(np.std(values) / np.sqrt(len(values)))
    return {"members": numbers, "mean_improvement": {"value": value, "error": error, "reason": reason}}
