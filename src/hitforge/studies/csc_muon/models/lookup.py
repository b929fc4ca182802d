"""pT looked up by |dPhi| between two stations and the zone, as an analytic assignment would have it.

Each cell holds the median 1/pT of its muons, smoothed to grow with |dPhi|. Stations 1 and 2 are used; where one of
them has no hit the next pair of the list is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from hitforge.evaluation.ordered import Floats, OrderedGroups
from hitforge.studies.csc_muon.data.planes import N_ZONES
from hitforge.studies.csc_muon.features import FEATURE_NAMES, PAIRS
from hitforge.studies.csc_muon.models.trees import fold_sign
from hitforge.studies.csc_muon.settings import CscModelSettings


def _column(features: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    return features[:, FEATURE_NAMES.index(name)]


def fit_lookup(
    model: CscModelSettings,
    features: NDArray[np.float32],
    q_over_pt: NDArray[np.floating],
    weight: NDArray[np.floating],
) -> dict[str, Any]:
    """Fit the medians.

    Parameters
    ----------
    model : CscModelSettings
        Says how many bins of |dPhi| each pair has, of equal numbers of muons as far as whole units of phi allow.
    features : ndarray, shape (n, F)
        All stored columns.
    q_over_pt : ndarray, shape (n,), 1/GeV
        Generated values.
    weight : ndarray, shape (n,)
        Weights of the muons.

    Returns
    -------
    dict
        JSON-able: for each pair ``edges`` (1/60 deg, inner edges) and ``inverse_pt`` (1/GeV), zone by bin; ``default``.
    """
    inverse, all_weights = np.abs(q_over_pt.astype(np.float64)), weight.astype(np.float64)
    zone = _column(features, "zone").astype(np.int64)
    bins, pairs = model.table.bins, {}
    for pair in PAIRS:
        dphi = np.abs(_column(features, f"dphi_{pair}"))
        known = np.isfinite(dphi)
        if not known.any():
            continue
        edges = np.unique(np.quantile(dphi[known], np.arange(1, bins) / bins))
        place = np.searchsorted(edges, dphi[known], side="left")
        values, weights, n_bins = inverse[known], all_weights[known], len(edges) + 1
        zones = [zone[known] == z for z in range(N_ZONES)]
        rows = [_zone_row(place[own], values[own], weights[own], n_bins) for own in zones]
        overall = _zone_row(place, values, weights, n_bins)
        pairs[pair] = {"edges": edges.tolist(), "inverse_pt": [(overall if row is None else row) for row in rows]}
    everything = np.zeros(len(inverse), dtype=np.int64)
    return {"pairs": pairs, "default": float(_medians(inverse, all_weights, everything, 1)[0])}


def _medians(values: Floats, weights: Floats, groups: NDArray[np.int64], n_groups: int) -> Floats:
    return OrderedGroups(values, groups, n_groups).weighted(weights).median()


def _zone_row(place: NDArray[np.int64], inverse: Floats, weights: Floats, n_bins: int) -> list[float] | None:
    """Return the smoothed median 1/pT of each bin; an empty one takes that of its neighbours. None for no muons."""
    sums = np.bincount(place, weights, n_bins)
    filled = np.flatnonzero(sums)
    if not len(filled):
        return None
    medians = _medians(inverse, weights, place, n_bins)[filled]
    smooth = isotonic_regression(medians, weights=sums[filled]).x
    return [float(value) for value in np.interp(np.arange(n_bins), filled, smooth)]


def lookup_columns(
    _model: CscModelSettings, lookup: Mapping[str, Any], features: NDArray[np.float32]
) -> dict[str, Floats]:
    """Return ``inverse_pt`` and, with the sign of the bending, ``q_over_pt``, shape (n,), 1/GeV."""
    inverse = np.full(len(features), lookup["default"])
    left = np.ones(len(features), dtype=bool)
    zone = _column(features, "zone").astype(np.int64)
    for pair, content in lookup["pairs"].items():
        dphi = np.abs(_column(features, f"dphi_{pair}"))
        chosen = left & np.isfinite(dphi)
        place = np.searchsorted(content["edges"], dphi[chosen], side="left")
        inverse[chosen] = np.array(content["inverse_pt"])[zone[chosen], place]
        left &= ~chosen
    return {"inverse_pt": inverse, "q_over_pt": fold_sign(features) * inverse}
