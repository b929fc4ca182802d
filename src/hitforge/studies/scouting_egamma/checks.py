"""What must hold for the candidates of every ntuple."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.scouting_egamma.candidates import CLUSTER, GENERATED, MATRIX, TRACK, Candidates
from hitforge.studies.scouting_egamma.reader_settings import ReaderSettings
from hitforge.validation import Problem

_MAKE_AGAIN = "write the ntuple again"
_GENERATOR = "match each candidate to a generated particle; without it there is no target"

_Fault = tuple[str, str, str, str, NDArray[np.bool_]]


def find_problems(candidates: Candidates, first_entry: int, file: str, settings: ReaderSettings) -> list[Problem]:
    """Return what is wrong with consecutive candidates, each kind of fault and column once.

    Parameters
    ----------
    first_entry : int
        Entry of the first of them.
    file : str
        For the messages.
    """
    found = []
    for reason, detail, fix, column, bad in _faults(candidates):
        if bad.any():
            entry, count = first_entry + int(bad.argmax()), int(bad.sum())
            found.append(Problem(reason, detail, fix, file, settings.tree, settings.branch_of(column), entry, count))
    return found


def _faults(candidates: Candidates) -> Iterator[_Fault]:
    for name in (*GENERATED, *CLUSTER):
        fix = _GENERATOR if name in GENERATED else _MAKE_AGAIN
        yield "not_finite", "NaN or infinite", fix, name, ~np.isfinite(candidates[name])
    matrix = candidates[MATRIX]
    yield "not_finite", "NaN or infinite", _MAKE_AGAIN, MATRIX, ~np.isfinite(matrix).all(axis=1)
    for name in TRACK:
        yield "not_finite", "infinite", f"{_MAKE_AGAIN}; a missing track is NaN", name, np.isinf(candidates[name])
    yield "not_positive", "a generated pT of zero or less", _GENERATOR, "gen_pt", candidates["gen_pt"] <= 0
    for name in ("e_reco", "raw_energy", "pse"):
        yield "negative_energy", "below zero", _MAKE_AGAIN, name, candidates[name] < 0
    suppressed = f"{_MAKE_AGAIN}; a suppressed cell is 0"
    yield "negative_energy", "a cell below zero", suppressed, MATRIX, np.asarray((matrix < 0).any(axis=1))
    without = (candidates["e_reco"] > 0) & (candidates["raw_energy"] <= 0)
    yield "no_raw_energy", "zero for a candidate with a calibrated energy", _MAKE_AGAIN, "raw_energy", without
    for name in ("is_electron", "is_EB", "dead_5x5"):
        yield "bad_flag", "neither 0 nor 1", _MAKE_AGAIN, name, ~np.isin(candidates[name], (0, 1))
    barrel = candidates["is_EB"] != 0
    eta, phi = np.abs(candidates["ieta"].astype(np.int64)), candidates["iphi"]
    fix = "EB: ieta -85..85 without 0, iphi 1..360; EE: ix and iy 1..100 in the same branches"
    outside = np.where(barrel, (eta < 1) | (eta > 85), (candidates["ieta"] < 1) | (eta > 100))
    yield "bad_crystal", "outside the detector", fix, "ieta", outside
    yield "bad_crystal", "outside the detector", fix, "iphi", (phi < 1) | (phi > np.where(barrel, 360, 100))
    bad_weight = ~(np.isfinite(candidates["w"]) & (candidates["w"] >= 0))
    yield "bad_weight", "NaN, infinite or negative", "weights are 0 or larger", "w", bad_weight
