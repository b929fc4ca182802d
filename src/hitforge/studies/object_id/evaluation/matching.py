"""Weights that give all classes the same spectrum: otherwise a network can tell classes apart by pT alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Floats
from hitforge.evaluation.statistics import group_of
from hitforge.studies.object_id.evaluation.settings import EvaluationSettings
from hitforge.studies.object_id.objects import N_CLASSES


def matching_weights(
    label: NDArray[np.integer], pt: Floats, eta: Floats, weights: Floats, settings: EvaluationSettings
) -> Floats:
    """Return weights, shape (n,), with which each class has the same sum in each bin of (pT, |eta|).

    The sum in a bin is the least of the classes' normalised ones, so that no object gets a large weight; a bin that
    one of the classes does not reach counts for none, and neither do objects outside all bins. The weights of a class
    add up to the same number for all classes.
    """
    n_eta = len(settings.matching_eta_edges) - 1
    n_bins = (len(settings.matching_pt_edges_gev) - 1) * n_eta
    in_pt = group_of(pt, np.array(settings.matching_pt_edges_gev))
    in_eta = group_of(np.abs(eta), np.array(settings.matching_eta_edges))
    inside = (in_pt >= 0) & (in_eta >= 0)
    cell = np.where(inside, in_pt * n_eta + in_eta, 0)
    own = np.where(inside, weights, 0.0)
    sums = np.bincount(label * n_bins + cell, own, N_CLASSES * n_bins).reshape(N_CLASSES, n_bins)
    totals = sums.sum(axis=1, keepdims=True)
    present = totals[:, 0] > 0
    if not present.any():
        return np.zeros(len(label))
    share = sums / np.where(totals > 0, totals, 1.0)
    wanted = share[present].min(axis=0)
    factor = np.divide(wanted, sums, out=np.zeros_like(sums), where=sums > 0)
    return np.asarray(own * factor[label, cell] * weights.sum() / N_CLASSES)
