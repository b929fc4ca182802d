"""Quality cuts on roads and the cut flow."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hitforge.inspection import Selection, apply_cuts
from hitforge.studies.csc_muon.data.planes import CSC_PLANES, PLANE
from hitforge.studies.csc_muon.data.roads import Roads
from hitforge.studies.csc_muon.settings import CutSettings

CUT_NAMES = ("all", "finite target", "pT", "|eta|", "mode", "ME1 or ME0 hit", "CSC bunch crossing")
"""Rows of the cut flow."""

TRUTH_CUTS = ("finite target", "pT", "|eta|")
"""Those on what was generated."""


def select(roads: Roads, cuts: CutSettings) -> Selection:
    """Return the roads that pass the cuts, applied one after the other, and their number after each of them."""
    return apply_cuts(CUT_NAMES, len(roads), lambda _: decisions(roads, cuts))


def decisions(roads: Roads, cuts: CutSettings) -> Iterator[NDArray[np.bool_]]:
    """Yield the decision of each cut, shape (N,), in the order of :data:`CUT_NAMES`."""
    yield np.isfinite(roads.q_over_pt)
    k = np.abs(roads.q_over_pt)
    yield _between(k, 1 / cuts.pt_max_gev, 1 / cuts.pt_min_gev)
    eta = np.abs(roads.parameters[:, 2])
    yield _between(eta, cuts.eta_min, cuts.eta_max)
    yield np.isin(roads.mode, cuts.modes)
    hit = roads.hit
    if cuts.station1_hit:
        yield np.asarray(hit[:, [PLANE["me11"], PLANE["me12"], PLANE["me0"]]].any(axis=1))
    else:
        yield np.ones(len(roads), dtype=bool)
    csc = list(CSC_PLANES)
    on_time = np.isin(roads.block("time")[:, csc], cuts.csc_bunch_crossings)
    yield np.asarray((on_time | ~hit[:, csc]).all(axis=1))


def _between(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.bool_]:
    """Compare in the precision of the ntuple: 2.4 as float32 is larger than 2.4."""
    return np.logical_and(values >= np.float32(low), values <= np.float32(high))
