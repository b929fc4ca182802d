"""Candidates from ROOT trees with the names of the scouting data, and what must hold for them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from hitforge.identities import Identities, identities_of
from hitforge.inspection import Fault, OpenPart, TreeReader, bad_weight, open_tree
from hitforge.studies.scouting_egamma.data.candidates import (
    CLUSTER,
    COLUMNS,
    GENERATED,
    MATRIX,
    N_CELLS,
    TRACK,
    WORDS,
    Candidates,
)
from hitforge.studies.scouting_egamma.settings import ReaderSettings

CHUNK_MB: Final = 4.0
"""Uncompressed bytes of ``energyMatrix`` in memory at a time: 40 000 candidates."""

_CHI2 = "trkchi2overndf"
FAULTS: Final = (
    *("not_finite", "not_positive", "negative_energy", "no_raw_energy", "bad_flag", "bad_crystal", "bad_weight"),
)
"""Codes of everything that :func:`faults` looks for."""

_MAKE_AGAIN = "write the ntuple again"
_GENERATOR = "match each candidate to a generated particle; without it there is no target"


def open_candidates(
    source: str | Path, settings: ReaderSettings, chunk_mb: float = CHUNK_MB, needs_truth: bool = True
) -> Iterator[OpenPart[Candidates]]:
    """Yield the one open part of a source; its layout is ``scalars``, or ``vectors`` where the tracks are.

    Candidates without truth, where it is not needed, have generated kinematics of NaN.
    """
    reader = partial(_CandidateTree, settings=settings, needs_truth=needs_truth)
    return open_tree(source, settings.tree, reader, chunk_mb)


class _CandidateTree(TreeReader[Candidates]):
    """Reads ranges of entries of one tree, by the names of columns."""

    def __init__(self, tree: Any, name: str, file: str, settings: ReaderSettings, needs_truth: bool) -> None:
        super().__init__(tree, name, file)
        self._branches = settings.branches
        self.main_branch = self.branch_of(MATRIX)
        self._clip = not needs_truth  # a wrong number is then its entry's own fault
        self.has_truth = needs_truth or self.there.issuperset(map(self.branch_of, GENERATED))
        optional = {"w"} if needs_truth else {"w", "event"}
        absent = {name for name in optional if self.branch_of(name) not in self.there}
        absent |= set() if self.has_truth else set(GENERATED)
        self._scalars = [name for name in COLUMNS if name not in {MATRIX, *TRACK, *absent}]
        for name in self._scalars:
            self.require_scalar(self.branch_of(name), "iu" if name in {*WORDS, "event"} else "f")
        self.require_array(self.branch_of(MATRIX), N_CELLS)
        self._vectors = all(self.is_list(self.branch_of(name)) for name in TRACK)
        self.layout = "vectors" if self._vectors else "scalars"
        for name in TRACK:
            if self._vectors:
                self.require_list(self.branch_of(name), "biuf")
            else:
                self.require_scalar(self.branch_of(name), "f")
        if self._vectors and self.branch_of(_CHI2) in self.there:
            self.require_list(self.branch_of(_CHI2), "biuf")

    def read(self, start: int, stop: int) -> Candidates:
        """Read entries ``start:stop``; without weights they are 1, without event numbers 0."""
        columns: dict[str, NDArray[Any]] = {
            name: self.integers(self.branch_of(name), start, stop, np.int16, self._clip)
            if name in WORDS
            else self._column(name, start, stop)
            for name in self._scalars
        }
        columns[MATRIX] = self.rows(self.branch_of(MATRIX), start, stop)
        # as many as were read: a damaged header can promise any number
        n = len(columns[MATRIX])
        absent = dict.fromkeys(GENERATED, np.full(n, np.nan)) | {"w": np.ones(n), "event": np.zeros(n)}
        columns = absent | columns
        columns |= self._tracks(start, stop)
        kinds = dict.fromkeys(WORDS, np.int16) | {"event": np.uint64}
        return Candidates({name: columns[name].astype(kinds.get(name, np.float32)) for name in COLUMNS})

    def _tracks(self, start: int, stop: int) -> dict[str, NDArray[Any]]:
        """Return the columns of the best track, NaN where there is none."""
        if not self._vectors:
            return {name: self._column(name, start, stop) for name in TRACK}
        jagged = {name: self._column(name, start, stop, "ak") for name in TRACK}
        chi2 = self._column(_CHI2, start, stop, "ak") if self.branch_of(_CHI2) in self.there else None
        best = best_track(jagged["detain"], chi2)
        return {
            name: ak.to_numpy(ak.fill_none(ak.firsts(values[best]), np.nan)).astype(np.float32)
            for name, values in jagged.items()
        }

    def faults(self, events: Candidates) -> Iterator[Fault]:
        """Return everything that consecutive candidates are looked through for."""
        return faults(events)

    def branch_of(self, column: str) -> str:
        """Return the branch that holds a column."""
        return self._branches.get(column, column)

    def _column(self, name: str, start: int, stop: int, library: Literal["np", "ak"] = "np") -> Any:
        return self.array(self.branch_of(name), start, stop, library)


def best_track(detain: Any, chi2: Any | None) -> Any:
    """Return the index of the best track as lists of none or one: smallest abs(detain), then smallest chi2/ndf.

    Parameters
    ----------
    detain, chi2 : awkward array, N lists of one number a track
    """
    distance = abs(detain)
    nearest = distance == ak.min(distance, axis=1)
    rank = ak.local_index(detain) if chi2 is None else chi2
    return ak.argmin(ak.mask(rank, nearest), axis=1, keepdims=True)


def checksum_columns(candidates: Candidates) -> tuple[NDArray[Any], ...]:
    """Return the columns that enter the checksum of a part."""
    columns = [candidates[name].astype(candidates[name].dtype.newbyteorder("<")) for name in COLUMNS]
    for values in columns:
        if values.dtype.kind == "f":
            values[np.isnan(values)] = np.nan  # of the many bit patterns of NaN one
    return tuple(columns)


def faults(candidates: Candidates) -> Iterator[Fault]:
    """Yield everything that consecutive candidates are looked through for."""
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
    yield bad_weight(candidates["w"])


def candidate_identities(candidates: Candidates) -> Identities:
    """Return what tells each candidate from others: all but number and weight, which a copy may have changed."""
    return identities_of(*(candidates[name] for name in COLUMNS if name not in ("event", "w")))
