"""Scaling of the predicted pT to equal efficiency, before any two models are compared.

A model that is too optimistic keeps more muons at every threshold and pays with rate. So each model's pT is mapped,
with a monotone table fitted on calibration muons, such that of the muons whose true pT is at a threshold 90 % of the
plateau pass it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.optimize import isotonic_regression

from hitforge.evaluation.bootstrap import Floats
from hitforge.studies.csc_muon.evaluation.settings import EvaluationSettings

NODES_GEV = (3.0, 4.0, 6.0, 8.0, 12.0, 18.0, 30.0, 36.0, 45.0, 60.0, 80.0, 100.0, 120.0)
"""Thresholds of the table, besides those of the settings."""

PLATEAU_FROM = 2.0
"""Muons of more than so many thresholds are on the plateau."""


class PtScaling(BaseModel):
    """A monotone table from predicted pT to the threshold that it just passes.

    ``cuts_gev[i]`` is the smallest predicted pT that passes the threshold ``thresholds_gev[i]``. ``ok: false`` says in
    ``reason`` why there is no table.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    ok: bool
    reason: str | None = None
    thresholds_gev: tuple[float, ...] = ()
    cuts_gev: tuple[float, ...] = ()
    skipped_gev: tuple[float, ...] = ()
    """Thresholds with too few calibration muons; the table is interpolated there."""

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
    """Fit the table on calibration muons.

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
