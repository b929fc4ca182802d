"""The layouts in which muon ntuples come: what each branch must be, and how its bytes become muons."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import uproot
from numpy.typing import NDArray

from hitforge.baskets import BasketReader
from hitforge.hits import CellHits
from hitforge.ntuple import naming_damage, scalar_dtype
from hitforge.studies.calo_muon.data.decode import FAULTS, DenseHits, hits_of_compact, new_faults
from hitforge.studies.calo_muon.data.geometry import Geometry
from hitforge.studies.calo_muon.data.muons import LIMITS, Muons
from hitforge.validation import Problem

_FAULT_TEXT = {
    "not_finite": ("NaN or infinite", "find the job that wrote it; the values cannot be used"),
    "negative_energy": ("negative deposit", "deposits are sums of Geant4 steps and cannot be negative"),
    "cell_outside_geometry": ("cell number outside the geometry", "use the geometry that the file was made with"),
    "unsorted_cells": ("cells not ascending, or one twice", "sort the hits of each muon by cell and add duplicates"),
}

_MAKE_AGAIN = "write the ntuple again with this branch (see the table of branches in the documentation)"


class MuonTree:
    """Reads ranges of entries of one tree.

    Parameters
    ----------
    tree : uproot.TTree
        Tree ``B4`` or ``muons``.
    name, file : str
        For problems.
    geometry : Geometry
        Number of cells and width of the block.

    Attributes
    ----------
    layout : str
        See :func:`hitforge.studies.calo_muon.data.ntuple.open_muons`.
    main_branch : str
        Branch with most bytes that can be read; empty if there is none.
    problems : list of Problem
        Missing branches and wrong types.
    """

    def __init__(self, tree: Any, name: str, file: str, geometry: Geometry) -> None:
        self.problems: list[Problem] = []
        self.layout = ""
        self.main_branch = ""
        self._tree, self._name, self._file, self._geometry = tree, name, file, geometry
        self._branches = set(tree.keys(recursive=False))
        compact = name == "muons"
        self._energy = "e_true" if compact else "true_energy"
        self._x = "x0" if compact else "true_x"
        self._y = "y0" if compact else "true_y"
        self._scalars: list[str] = [
            branch for branch in (self._energy, self._x, self._y) if self._is_scalar(branch, "f", required=True)
        ]
        flags = ("charge",) if compact else ("isMuon", "isAntiMuon")
        self._limits = [branch for branch in LIMITS if self._is_scalar(branch, "f", required=False)]
        self._flags = [branch for branch in flags if self._is_scalar(branch, "biu", required=False)]
        self._read_hits: Callable[[int, int, list[Problem]], CellHits] = self._no_hits
        if compact:
            self._set_up_compact()
        else:
            self._set_up_b4()
        if not self.main_branch and self._scalars:
            self.main_branch = self._scalars[0]  # the rest of the file can still be judged

    def read(self, start: int, stop: int) -> tuple[Muons, list[Problem]]:
        """Read entries ``start:stop``; of a branch that is missing neutral values stand in."""
        problems: list[Problem] = []
        number = stop - start
        columns = {branch: self._array(branch, start, stop) for branch in self._scalars + self._flags + self._limits}
        values = {}
        for branch, neutral in ((self._energy, 1.0), (self._x, 0.0), (self._y, 0.0)):
            raw = columns.get(branch)
            if raw is None:
                values[branch] = np.full(number, neutral, dtype=np.float32)
                continue
            with np.errstate(over="ignore"):
                values[branch] = raw.astype(np.float32)
            finite = np.isfinite(values[branch])
            self._entries(
                "not_finite", "NaN or infinite", _FAULT_TEXT["not_finite"][1], branch, ~finite, start, problems
            )
            if branch == self._energy:
                bad = finite & (values[branch] <= 0.0)
                fix = "the generated energy has to be positive, in GeV; the charge goes into its own branch"
                self._entries("non_positive_energy", "energy of zero or less", fix, branch, bad, start, problems)
            else:
                half = self._geometry.half_width_x_mm if branch == self._x else self._geometry.half_width_y_mm
                bad = finite & (np.abs(values[branch]) > half)
                fix = "the entry point is in mm, with the block's axis at 0"
                text = f"entry point outside the block (+-{half:g} mm)"
                self._entries("entry_outside_block", text, fix, branch, bad, start, problems)
        charge = np.zeros(number, dtype=np.int8)
        if "charge" in columns:
            charge[:] = np.sign(columns["charge"])
        if "isMuon" in columns:
            charge[columns["isMuon"] != 0] = -1
        if "isAntiMuon" in columns:
            charge[columns["isAntiMuon"] != 0] = 1
        with naming_damage(self._file, self._name, self.main_branch):
            hits = self._read_hits(start, stop, problems)
        limits = {branch: columns[branch].astype(np.float32) for branch in self._limits}
        return Muons(hits, values[self._energy], values[self._x], values[self._y], charge, **limits), problems

    def _problem(
        self, reason: str, detail: str, fix: str, branch: str, entry: int | None = None, count: int = 0
    ) -> Problem:
        return Problem(reason, detail, fix, self._file, self._name, branch, entry, count)

    def _entries(
        self,
        reason: str,
        detail: str,
        fix: str,
        branch: str,
        bad: NDArray[np.bool_],
        start: int,
        problems: list[Problem],
    ) -> None:
        """Add a problem for the entries, counted from ``start``, that are bad."""
        if bad.any():
            problems.append(self._problem(reason, detail, fix, branch, start + int(bad.argmax()), int(bad.sum())))

    def _faults(self, faults: NDArray[np.int64], start: int, branches: dict[str, str], problems: list[Problem]) -> None:
        for fault, (count, first) in zip(FAULTS, faults.tolist(), strict=True):
            if count:
                detail, fix = _FAULT_TEXT[fault]
                branch = branches.get(fault, branches[""])
                problems.append(self._problem(fault, detail, fix, branch, start + first, count))

    def _is_scalar(self, branch: str, kinds: str, required: bool) -> bool:
        if branch not in self._branches:
            if required:
                self.problems.append(self._problem("missing_branch", "the branch is missing", _MAKE_AGAIN, branch))
            return False
        dtype = scalar_dtype(self._tree[branch])
        if dtype is None or dtype.kind not in kinds:
            wanted = "one floating-point number" if kinds == "f" else "one integer"
            self._wrong_type(branch, wanted)
            return False
        return True

    def _wrong_type(self, branch: str, wanted: str) -> None:
        found = self._tree[branch].typename
        detail = f"type is {found}, expected {wanted} per entry"
        self.problems.append(self._problem("wrong_type", detail, _MAKE_AGAIN, branch))

    def _no_hits(self, start: int, stop: int, problems: list[Problem]) -> CellHits:
        return CellHits(np.zeros(stop - start + 1, np.int64), np.zeros(0, np.uint16), np.zeros(0, np.float32))

    def _is_list(self, branch: str, kinds: str) -> bool:
        """Say whether the branch holds a list of numbers of the given kinds per entry."""
        interpretation = self._tree[branch].interpretation
        if not isinstance(interpretation, uproot.AsJagged) or not isinstance(interpretation.content, uproot.AsDtype):
            return False
        dtype = interpretation.content.to_dtype
        return not dtype.shape and dtype.kind in kinds

    # --- B4: all cells of each muon ---------------------------------------------------------------------------

    def _set_up_b4(self) -> None:
        branch = "rechit_energy"
        n_cells = self._geometry.n_cells
        if branch not in self._branches:
            self.problems.append(self._problem("missing_branch", "the branch is missing", _MAKE_AGAIN, branch))
            return
        self._reader = BasketReader(self._tree[branch])
        self._rows = np.empty((0, n_cells), dtype=np.uint64)
        interpretation = self._tree[branch].interpretation
        if isinstance(interpretation, uproot.AsDtype) and interpretation.to_dtype.shape:
            scalar, shape = interpretation.to_dtype.subdtype
            if scalar.kind == "f" and int(np.prod(shape)) == n_cells:
                self.layout, self.main_branch, self._read_hits = "b4-fixed", branch, self._fixed_hits
                return
            if scalar.kind == "f":
                number = int(self._tree.num_entries)
                detail = f"{int(np.prod(shape))} cells in every entry, geometry {self._geometry.name} has {n_cells}"
                fix = _FAULT_TEXT["cell_outside_geometry"][1]
                first = 0 if number else None
                self.problems.append(self._problem("wrong_length", detail, fix, branch, first, number))
                return
        elif self._is_list(branch, "f"):
            vector = interpretation.header_bytes > 0 and interpretation.content.from_dtype == np.dtype(">f8")
            self.layout = "b4-vector" if interpretation.header_bytes else "b4-variable"
            self.main_branch = branch
            self._read_hits = self._vector_hits if vector else self._variable_hits
            return
        self._wrong_type(branch, f"{n_cells} floating-point numbers")

    def _fixed_hits(self, start: int, stop: int, problems: list[Problem]) -> CellHits:
        dense = DenseHits(stop - start, self._geometry.n_cells)
        if self._tree["rechit_energy"].interpretation.from_dtype.subdtype[0] == np.dtype(">f8"):
            # Bit patterns instead of numbers: the kernel turns round only the bytes of filled cells.
            for basket in self._reader.between(start, stop):
                bits = basket.content.view(np.uint64).reshape(basket.stop - basket.start, -1)
                dense.add(bits, sys.byteorder == "little")
        else:
            values = self._array("rechit_energy", start, stop).reshape(stop - start, -1)
            dense.add(values.astype(np.float64).view(np.uint64), False)
        return self._dense_hits(dense, start, problems)

    def _vector_hits(self, start: int, stop: int, problems: list[Problem]) -> CellHits:
        header = int(self._tree["rechit_energy"].interpretation.header_bytes)
        n_cells = self._geometry.n_cells
        dense = DenseHits(stop - start, n_cells)
        lengths: list[NDArray[np.int64]] = []
        for basket in self._reader.between(start, stop):
            number = basket.stop - basket.start
            if basket.offsets is None:
                raise ValueError("the places of the entries are missing")
            lengths.append((np.diff(basket.offsets) - header) // 8)
            if len(self._rows) < number:
                self._rows = np.empty((number, n_cells), dtype=np.uint64)
            # headers out of the way, so that numbers stand where numbers can stand
            rows = self._rows[:number].view(np.uint8)
            if (lengths[-1] == n_cells).all():
                rows[:] = basket.content.reshape(number, -1)[:, header:]
            else:
                rows[:] = 0
                for row in np.flatnonzero(lengths[-1] == n_cells):
                    first = basket.offsets[row] + header
                    rows[row] = basket.content[first : first + 8 * n_cells]
            dense.add(self._rows[:number], sys.byteorder == "little")
        self._lengths(np.concatenate(lengths), start, problems)
        return self._dense_hits(dense, start, problems)

    def _variable_hits(self, start: int, stop: int, problems: list[Problem]) -> CellHits:
        offsets, content = self._list("rechit_energy", start, stop)
        right = self._lengths(np.diff(offsets), start, problems)
        values = np.zeros((stop - start, self._geometry.n_cells), dtype=np.float64)
        for row in np.flatnonzero(right):
            values[row] = content[offsets[row] : offsets[row + 1]]
        dense = DenseHits(stop - start, self._geometry.n_cells)
        dense.add(values.view(np.uint64), False)
        return self._dense_hits(dense, start, problems)

    def _lengths(self, lengths: NDArray[np.integer], start: int, problems: list[Problem]) -> NDArray[np.bool_]:
        n_cells = self._geometry.n_cells
        right: NDArray[np.bool_] = lengths == n_cells
        if not right.all():
            detail = f"{lengths[~right][0]} cells, geometry {self._geometry.name} has {n_cells}"
            fix = _FAULT_TEXT["cell_outside_geometry"][1]
            self._entries("wrong_length", detail, fix, "rechit_energy", ~right, start, problems)
        return right

    def _dense_hits(self, dense: DenseHits, start: int, problems: list[Problem]) -> CellHits:
        self._faults(dense.faults, start, {"": "rechit_energy"}, problems)
        return dense.hits()

    def _array(self, branch: str, start: int, stop: int, interpretation: Any = None) -> NDArray[Any]:
        with naming_damage(self._file, self._name, branch):
            array: NDArray[Any] = self._tree[branch].array(interpretation, start, stop, library="np")
        return array

    def _list(
        self, branch: str, start: int, stop: int, interpretation: Any = None
    ) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Return offsets from 0 and content of a branch of lists."""
        with naming_damage(self._file, self._name, branch):
            layout = self._tree[branch].array(interpretation, start, stop, library="ak").layout
        offsets = np.asarray(layout.offsets.data).astype(np.int64)
        return offsets - offsets[0], np.asarray(layout.content.data)[offsets[0] : offsets[-1]]

    # --- muons: sparse hits ------------------------------------------------------------------------------------

    def _set_up_compact(self) -> None:
        usable = True
        for branch, kinds, wanted in (("hit_cell", "iu", "a list of integers"), ("hit_e", "f", "a list of floats")):
            if branch not in self._branches:
                self.problems.append(self._problem("missing_branch", "the branch is missing", _MAKE_AGAIN, branch))
                usable = False
            elif not self._is_list(branch, kinds):
                self._wrong_type(branch, wanted)
                usable = False
        self._has_nhit = self._is_scalar("nhit", "iu", required=True)
        if usable:
            self.layout, self.main_branch, self._read_hits = "compact", "hit_e", self._compact_hits

    def _compact_hits(self, start: int, stop: int, problems: list[Problem]) -> CellHits:
        offsets, cells = self._list("hit_cell", start, stop)
        energy_offsets, energies = self._list("hit_e", start, stop)
        number = np.diff(offsets)
        different = number != np.diff(energy_offsets)
        if self._has_nhit:
            different |= self._array("nhit", start, stop) != number
        fix = "write nhit, hit_cell and hit_e of each muon together"
        text = "nhit, hit_cell and hit_e do not have the same number of hits"
        self._entries("inconsistent_nhit", text, fix, "nhit", different, start, problems)
        if len(cells) != len(energies) or not np.array_equal(offsets, energy_offsets):
            return self._no_hits(start, stop, problems)  # nobody can say which energy belongs to which cell
        faults = new_faults()
        hits = hits_of_compact(offsets, cells, energies, self._geometry.n_cells, faults)
        by_branch = {"": "hit_cell", "not_finite": "hit_e", "negative_energy": "hit_e"}
        self._faults(faults, start, by_branch, problems)
        return hits
