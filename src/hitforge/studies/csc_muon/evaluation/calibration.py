"""Calibration of a fit: the pT scaled to equal efficiency, before any two models are compared, and the uncertainty.

A model that is too optimistic keeps more muons at every threshold and pays with rate. So each model's pT is mapped,
with a monotone map fitted on calibration muons, such that of the muons whose true pT is at a threshold 90 % of the
plateau pass it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.optimize import isotonic_regression

from hitforge.evaluation.bootstrap import Floats
from hitforge.predictions import EvaluationPiece, Predictions
from hitforge.studies.csc_muon.evaluation.sample import MuonSample, join_samples, muon_sample
from hitforge.studies.csc_muon.evaluation.settings import EvaluationSettings
from hitforge.studies.csc_muon.evaluation.uncertainty import fit_sigma_scale

NODES_GEV = (3.0, 4.0, 6.0, 8.0, 12.0, 18.0, 30.0, 36.0, 45.0, 60.0, 80.0, 100.0, 120.0)
"""Thresholds of the map, besides those of the settings."""

PLATEAU_FROM = 2.0
"""Muons of more than so many thresholds are on the plateau."""


def calibrate(predictions: Predictions, evaluation: EvaluationSettings) -> dict[str, Any]:
    """Fit the pT scaling and the scale of the uncertainty on held-out muons; plain data for JSON."""
    return calibrate_sample(muon_sample(predictions), evaluation)


def calibrate_sample(muons: MuonSample, evaluation: EvaluationSettings) -> dict[str, Any]:
    """Fit the calibration on muons."""
    scaling = fit_scaling(muons.true_pt, muons.predicted_pt, muons.weight, evaluation)
    has_sigma = "q_over_pt_sigma" in muons.columns and len(muons) >= evaluation.min_per_bin
    scale = fit_sigma_scale(replace(muons, sigma_scale=1.0)) if has_sigma else None
    return {"pt_scaling": scaling.model_dump(mode="json"), "sigma_scale": scale}


def calibrated(pieces: Sequence[EvaluationPiece]) -> MuonSample:
    """Return the muons of an evaluation sample, each piece with the calibration of its own fit.

    Pieces are joined in their order, which is the same for all models: they can be compared muon by muon.
    """
    return join_samples([apply_calibration(muon_sample(piece.predictions), piece.calibration) for piece in pieces])


def apply_calibration(muons: MuonSample, calibration: Mapping[str, Any]) -> MuonSample:
    """Return the sample with the scaled pT and the scale of the uncertainty of its own fit."""
    scaling = PtScaling.model_validate(calibration["pt_scaling"])
    return replace(
        muons,
        scaled_pt=scaling.apply(muons.predicted_pt) if scaling.ok else None,
        sigma_scale=calibration["sigma_scale"] or 1.0,
        reason=scaling.reason,
    )


class PtScaling(BaseModel):
    """A monotone map from predicted pT to the threshold that it just passes.

    ``cuts_gev[i]`` is the smallest predicted pT that passes the threshold ``thresholds_gev[i]``. ``ok: false`` says in
    ``reason`` why there is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    ok: bool
    reason: str | None = None
    thresholds_gev: tuple[float, ...] = ()
    cuts_gev: tuple[float, ...] = ()
    skipped_gev: tuple[float, ...] = ()
    """Thresholds with too few calibration muons; the map is interpolated there."""

    def apply(self, predicted_pt: NDArray[np.floating]) -> Floats:
        """Return the scaled pT, GeV, of predictions, shape (n,), GeV.

        Linear in log pT between the nodes and a constant factor beyond them. At a cut the scaled pT is at least its
        threshold, also where several thresholds share one cut (a model with discrete output).
        """
        pt = np.asarray(predicted_pt, dtype=np.float64)
        cuts, thresholds = np.asarray(self.cuts_gev), np.asarray(self.thresholds_gev)
        index = np.searchsorted(cuts, pt, side="right") - 1
        low = np.clip(index, 0, len(cuts) - 2) if len(cuts) > 1 else np.zeros(len(pt), dtype=np.int64)
        high = np.minimum(low + 1, len(cuts) - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.log(pt / cuts[low]) / np.log(cuts[high] / cuts[low])
            between = thresholds[low] * (thresholds[high] / thresholds[low]) ** part
        scaled = np.where(index < 0, pt * thresholds[0] / cuts[0], between)
        scaled = np.where(index == len(cuts) - 1, pt * thresholds[-1] / cuts[-1], scaled)
        # the power above may end a rounding error below a threshold that the cut passes
        lowest = np.where(index >= 0, thresholds[np.maximum(index, 0)], 0.0)
        return np.asarray(np.maximum(scaled, lowest), dtype=np.float64)


def fit_scaling(true_pt: Floats, predicted_pt: Floats, weights: Floats, settings: EvaluationSettings) -> PtScaling:
    """Fit the map on calibration muons.

    Parameters
    ----------
    true_pt, predicted_pt : ndarray, shape (n,), GeV
    weights : ndarray, shape (n,)
        Event weights.
    settings : EvaluationSettings
        Thresholds, window, wanted efficiency.
    """
    nodes = sorted({*NODES_GEV, *settings.trigger_thresholds_gev})
    thresholds, cuts, skipped = [], [], []
    for threshold in nodes:
        window = np.abs(threshold / true_pt - 1.0) <= settings.scaling_window
        plateau = true_pt > PLATEAU_FROM * threshold
        if min(window.sum(), plateau.sum()) < settings.min_per_window:
            skipped.append(threshold)
            continue
        # the response p/t changes more slowly than p: moved to the threshold, a wide window does not smear the cut
        near = threshold * predicted_pt[window] / true_pt[window]
        cut = _cut(near, weights[window], predicted_pt[plateau], weights[plateau], settings.scaling_target)
        thresholds.append(threshold)
        cuts.append(cut)
    if not thresholds:
        reason = f"fewer than {settings.min_per_window} calibration muons at every threshold"
        return PtScaling(ok=False, reason=reason, skipped_gev=tuple(skipped))
    monotone = np.exp(isotonic_regression(np.log(cuts)).x)
    # equal neighbours are exactly equal, so that `apply` sees one cut
    return PtScaling(
        ok=True,
        thresholds_gev=tuple(thresholds),
        cuts_gev=tuple(float(cut) for cut in np.maximum.accumulate(monotone)),
        skipped_gev=tuple(skipped),
    )


def _cut(near: Floats, near_weights: Floats, far: Floats, far_weights: Floats, target: float) -> float:
    """Return the largest cut, among predictions at the threshold, whose efficiency is ``target`` of the plateau."""
    order = np.argsort(near)
    values = near[order]
    passed = np.cumsum(near_weights[order][::-1])[::-1]
    efficiency = passed / passed[0]
    # muons that share a value pass together
    efficiency = efficiency[np.searchsorted(values, values, side="left")]
    far_order = np.argsort(far)
    far_passed = np.append(np.cumsum(far_weights[far_order][::-1])[::-1], 0.0)
    plateau = far_passed[np.searchsorted(far[far_order], values, side="left")] / far_passed[0]
    bad = np.flatnonzero(efficiency < target * plateau)
    return float(values[bad[0] - 1] if len(bad) else values[-1])
