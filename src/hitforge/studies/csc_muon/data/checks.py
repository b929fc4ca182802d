"""What must hold for the roads of every ntuple, whatever its layout."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hitforge.inspection import Fault, bad_weight
from hitforge.studies.csc_muon.data.npz import MAX_Q_OVER_PT
from hitforge.studies.csc_muon.data.planes import N_PLANES, modes_of
from hitforge.studies.csc_muon.data.roads import (
    BLOCKS,
    PARAMETER_NAMES,
    ROAD_WORD3,
    STRAIGHTNESS,
    VARIABLE_NAMES,
    Roads,
)
from hitforge.studies.csc_muon.settings import RoadWord3

MAX_THETA = 90
"""The largest theta is 88; the index of a quad-strip goes to 154."""

FAULTS = (
    *("not_finite", "zero_q_over_pt", "parameter_order", "bad_weight", "bad_mask", "mask_mismatch"),
    *("wrong_n_hits", "wrong_mode", "road_word3"),
)
"""Codes of everything that :func:`faults_of` looks for."""

_MAKE_AGAIN = "write the ntuple again; a plane without hit is NaN in six blocks and 1 in the mask, with a hit 0"
_GENERATOR = "match each road to a generated muon; without its q/pT the road cannot be used"


def faults_of(roads: Roads, word3: RoadWord3) -> Iterator[Fault]:
    """Yield what can be wrong with consecutive roads; ``word3`` is what the settings say of column 86."""
    finite = np.isfinite(roads.parameters)
    for column, name in enumerate(PARAMETER_NAMES):
        yield "not_finite", "NaN or infinite", _GENERATOR, name, ~finite[:, column]
    x = np.abs(roads.q_over_pt)
    yield "zero_q_over_pt", "q/pT of zero", _GENERATOR, "q_over_pt", x == 0
    if np.any(finite[:, 0]) and np.median(x[finite[:, 0]]) > MAX_Q_OVER_PT:
        detail = f"more than half above {MAX_Q_OVER_PT}: this is not q/pT in 1/GeV"
        fix = "the order of the parameters is q/pT, phi, eta"
        yield "parameter_order", detail, fix, "q_over_pt", x > MAX_Q_OVER_PT
    yield bad_weight(roads.weight)
    yield from _hit_faults(roads)
    words = np.isfinite(roads.variables[:, STRAIGHTNESS:])
    for column in range(STRAIGHTNESS, ROAD_WORD3 + 1):
        bad = ~words[:, column - STRAIGHTNESS]
        yield "not_finite", "a road word is NaN or infinite", _MAKE_AGAIN, VARIABLE_NAMES[column], bad
    if word3 == "theta_median":
        detail = f"more than {MAX_THETA}: this is a quad-strip, not the median theta"
        bad = roads.variables[:, ROAD_WORD3] > MAX_THETA
        yield "road_word3", detail, "set reader.road_word3: phi_quadstrip", VARIABLE_NAMES[ROAD_WORD3], bad


def _hit_faults(roads: Roads) -> Iterator[Fault]:
    mask, hit = roads.block("mask"), roads.hit
    bad_mask = (mask != 0) & (mask != 1)
    for plane in np.flatnonzero(bad_mask.any(axis=0)):
        name = VARIABLE_NAMES[72 + plane]
        yield "bad_mask", "neither 0 (hit) nor 1 (none)", _MAKE_AGAIN, name, bad_mask[:, plane]
    values = roads.variables[:, : N_PLANES * (len(BLOCKS) - 1)]
    missing = np.isnan(values).reshape(len(values), -1, N_PLANES)
    mismatch, infinite = (missing == hit[:, np.newaxis]).reshape(values.shape), np.isinf(values)
    for column in np.flatnonzero((mismatch | infinite).any(axis=0)):
        name = VARIABLE_NAMES[column]
        detail = "the mask and the NaN disagree on whether there is a hit"
        yield "mask_mismatch", detail, _MAKE_AGAIN, name, mismatch[:, column]
        yield "not_finite", "infinite", _MAKE_AGAIN, name, infinite[:, column]
    fix = "write the ntuple again, or leave the branch out: it follows from the hits"
    n_hits, mode = hit.sum(axis=1), modes_of(np.ascontiguousarray(hit.T))
    yield "wrong_n_hits", "not the number of planes with a hit", fix, "n_hits", roads.n_hits != n_hits
    yield "wrong_mode", "not the mode of the stations with a hit", fix, "mode", roads.mode != mode
