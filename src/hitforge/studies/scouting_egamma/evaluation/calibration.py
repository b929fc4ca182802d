"""The final calibration of the energy scale: medians in bins of what is reconstructed.

The relative loss estimates E[1/y] / E[1/y^2], which is below the median for broad tails. A model that predicts a
constant corrects nothing, so nothing is calibrated either: it stays the uncorrected energy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.ordered import OrderedGroups
from hitforge.predictions import EvaluationPiece, Predictions
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample, energy_sample, join_samples
from hitforge.studies.scouting_egamma.evaluation.settings import EvaluationSettings

_ONE_SIGMA = 0.683


def calibrate(predictions: Predictions, *, evaluation: EvaluationSettings) -> dict[str, Any]:
    """Return the correction of the energy scale, and of the width, of held-out candidates (:func:`fit_scale`)."""
    return fit_scale(energy_sample(predictions), evaluation)


def calibrated(pieces: Sequence[EvaluationPiece]) -> EnergySample:
    """Return the candidates of an evaluation sample, each piece with the calibration of its own fit, in order."""
    return join_samples([apply_calibration(energy_sample(piece.predictions), piece.calibration) for piece in pieces])


def fit_scale(sample: EnergySample, settings: EvaluationSettings) -> dict[str, Any]:
    """Fit the scale in bins of category, corrected pT and |eta|, and that of the width by category.

    Plain data for JSON. ``factors`` is 1 / median of E_corrected / E_MC; a bin with too few candidates has that of its
    category.
    """
    pt_edges, eta_edges = settings.calibration_pt_edges_gev, settings.calibration_eta_edges
    plan: dict[str, Any] = {"pt_edges_gev": list(pt_edges), "eta_edges": list(eta_edges)}
    shape = (len(CATEGORIES), len(pt_edges) + 1, len(eta_edges) + 1)
    if not len(sample) or np.ptp(sample.columns["y"]) == 0:
        return {**plan, "factors": np.ones(shape).tolist(), "sigma_scale": None}
    group = np.ravel_multi_index(_bins(sample, plan), shape)
    medians = OrderedGroups(sample.uncalibrated, group, int(np.prod(shape))).weighted(sample.weights).median()
    counts = np.bincount(group, minlength=len(medians))
    of_category = OrderedGroups(sample.uncalibrated, sample.category, len(CATEGORIES)).weighted(sample.weights).median()
    fallback = np.repeat(np.nan_to_num(of_category, nan=1.0), shape[1] * shape[2])
    factors = 1 / np.where(counts >= settings.min_per_calibration_bin, medians, fallback)
    plan["factors"] = factors.reshape(shape).tolist()
    return {**plan, "sigma_scale": _sigma_scale(apply_calibration(sample, {**plan, "sigma_scale": None}))}


def _sigma_scale(sample: EnergySample) -> list[float] | None:
    """Return the factor on the width that brings 68.3 % of a category within one sigma; 1 without candidates."""
    if "ln_y_sigma" not in sample.columns:
        return None
    size = np.abs(np.log(sample.response)) / sample.columns["ln_y_sigma"]
    found = OrderedGroups(size, sample.category, len(CATEGORIES)).weighted(sample.weights).quantile(_ONE_SIGMA)
    return [float(value) for value in np.nan_to_num(found, nan=1.0)]


def apply_calibration(sample: EnergySample, calibration: Mapping[str, Any]) -> EnergySample:
    """Return the sample with the scale, and the scaled width, of its own fit."""
    factors = np.array(calibration["factors"])[_bins(sample, calibration)]
    scale = calibration["sigma_scale"]
    columns = dict(sample.columns)
    if scale is not None and "ln_y_sigma" in columns:
        columns["ln_y_sigma"] = np.array(scale)[sample.category] * columns["ln_y_sigma"]
    return replace(sample, factor=factors, columns=columns)


def _bins(sample: EnergySample, plan: Mapping[str, Any]) -> tuple[NDArray[np.int64], ...]:
    corrected_pt = sample.columns["y"] * sample.pt
    places = (
        sample.category,
        np.searchsorted(plan["pt_edges_gev"], corrected_pt),
        np.searchsorted(plan["eta_edges"], sample.abs_eta),
    )
    return tuple(np.asarray(place, dtype=np.int64) for place in places)
