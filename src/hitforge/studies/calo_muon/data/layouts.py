"""The layouts in which muon ntuples come: what each branch must be, and how its bytes become muons."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hitforge.baskets import BasketReader
from hitforge.branches import TreeBranches
from hitforge.hits import CellHits
from hitforge.ntuple import NtupleError, naming_damage
from hitforge.studies.calo_muon.data.decode import FAULTS, DenseHits, hits_of_compact, new_faults
from hitforge.studies.calo_muon.data.geometry import Geometry
from hitforge.studies.calo_muon.data.muons import LIMITS, Muons
from hitforge.trees import Tree
from hitforge.ttrees import TTree
from hitforge.validation import Problem

_FAULT_TEXT = {
    "not_finite": ("NaN or infinite", "find the job that wrote it; the values cannot be used"),
    "negative_energy": ("negative deposit", "deposits are sums of Geant4 steps and cannot be negative"),
    "cell_outside_geometry": ("cell number outside the geometry", "use the geometry that the file was made with"),
    "unsorted_cells": ("cells not ascending, or one twice", "sort the hits of each muon by cell and add duplicates"),
}


class MuonTree(TreeBranches):
    """Reads ranges of entries of one tree.

    Parameters
    ----------
    tree : Tree
        ``B4`` or ``muons``.
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
    """

    def __init__(self, tree: Tree, name: str, file: str, geometry: Geometry) -> None:
        super().__init__(tree, name, file)
        self.layout = ""
        self.main_branch = ""
        self._geometry = geometry
        compact = name.rpartition("/")[2] == "muons"
        self._energy = "e_true" if compact else "true_energy"
        self._x = "x0" if compact else "true_x"
        self._y = "y0" if compact else "true_y"
        self._scalars: list[str] = [
            branch for branch in (self._energy, self._x, self._y) if self.require_scalar(branch, "f")
        ]
        flags = ("charge",) if compact else ("isMuon", "isAntiMuon")
        kinds: Literal["iu", "biu"] = "iu" if compact else "biu"  # no bool is a charge of -1
        self._limits = [branch for branch in LIMITS if branch in self.there and self.require_scalar(branch, "f")]
        self._flags = [branch for branch in flags if branch in self.there and self.require_scalar(branch, kinds)]
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
        columns = {branch: self.array(branch, start, stop) for branch in self._scalars + self._flags + self._limits}
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
            stored = columns["charge"].astype(np.int64)
            wrong = np.abs(stored) > 1
            detail = f"{stored[wrong.argmax()]} is not -1, 0 (unknown) or 1"
            fix = "write the charge as a signed integer (an unsigned one turns -1 into a large number)"
            self._entries("bad_charge", detail, fix, "charge", wrong, start, problems)
            charge[:] = np.sign(stored)
        if "isMuon" in columns:
            charge[columns["isMuon"] != 0] = -1
        if "isAntiMuon" in columns:
            charge[columns["isAntiMuon"] != 0] = 1
        with naming_damage(self.file, self.name, self.main_branch):
            hits = self._read_hits(start, stop, problems)
        self.check_plausible(self.main_branch, hits.energy)
        limits = {branch: columns[branch].astype(np.float32) for branch in self._limits}
        return Muons(hits, values[self._energy], values[self._x], values[self._y], charge, **limits), problems

    def _problem(
        self, reason: str, detail: str, fix: str, branch: str, entry: int | None = None, count: int = 0
    ) -> Problem:
        return Problem(reason, detail, fix, self.file, self.name, branch, entry, count)

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

    def _no_hits(self, start: int, stop: int, problems: list[Problem]) -> CellHits:
        return CellHits(np.zeros(stop - start + 1, np.int64), np.zeros(0, np.uint16), np.zeros(0, np.float32))

    # --- B4: all cells of each muon ---------------------------------------------------------------------------

    def _set_up_b4(self) -> None:
        branch = "rechit_energy"
        n_cells = self._geometry.n_cells
        if not self.require(branch):
            return
        self._rows = np.empty((0, n_cells), dtype=np.uint64)
        numbers = self.tree.numbers(branch)
        if numbers is None or numbers.dtype.kind != "f" or numbers.length == 1:
            self.note_type("wrong_type", branch, f"{n_cells} floating-point numbers")
            return
        self._stored = numbers
        self._baskets = None  # of an RNTuple, and of single precision: any array will do
        if isinstance(self.tree, TTree) and numbers.stored == np.dtype(">f8"):
            self._baskets = BasketReader(self.tree.branch(branch))
        if numbers.length is None:
            variable = isinstance(self.tree, TTree) and not numbers.header
            self.layout, self.main_branch = "b4-variable" if variable else "b4-vector", branch
            self._read_hits = self._vector_hits if numbers.header and self._baskets else self._variable_hits
        elif numbers.length == n_cells:
            self.layout, self.main_branch, self._read_hits = "b4-fixed", branch, self._fixed_hits
        else:
            number = int(self.tree.num_entries)
            detail = f"{numbers.length} cells in every entry, geometry {self._geometry.name} has {n_cells}"
            fix = _FAULT_TEXT["cell_outside_geometry"][1]
            first = 0 if number else None
            self.problems.append(self._problem("wrong_length", detail, fix, branch, first, number))

    def _fixed_hits(self, start: int, stop: int, problems: list[Problem]) -> CellHits:
        dense = DenseHits(stop - start, self._geometry.n_cells)
        if self._baskets is not None:
            # Bit patterns instead of numbers: the kernel turns round only the bytes of filled cells.
            for basket in self._baskets.between(start, stop):
                bits = basket.content.view(np.uint64).reshape(basket.stop - basket.start, -1)
                dense.add(bits, sys.byteorder == "little")
        else:
            values = self.rows("rechit_energy", start, stop)
            dense.add(values.astype(np.float64, copy=False).view(np.uint64), False)
        return self._dense_hits(dense, start, problems)

    def _vector_hits(self, start: int, stop: int, problems: list[Problem]) -> CellHits:
        header = self._stored.header
        n_cells = self._geometry.n_cells
        dense = DenseHits(stop - start, n_cells)
        lengths: list[NDArray[np.int64]] = []
        assert self._baskets is not None
        for basket in self._baskets.between(start, stop):
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

    def _list(self, branch: str, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Return offsets from 0 and content of a branch of lists."""
        layout = self.array(branch, start, stop, "ak").layout
        offsets = np.asarray(layout.offsets.data).astype(np.int64)
        content = np.asarray(layout.content.data)
        # compiled code takes them as they are
        if (
            len(offsets) != stop - start + 1
            or (np.diff(offsets) < 0).any()
            or not 0 <= offsets[0] <= offsets[-1] <= len(content)
        ):
            detail = "the places of the entries are damaged"
            raise NtupleError(self._problem("unreadable", detail, _FAULT_TEXT["not_finite"][1], branch))
        return offsets - offsets[0], content[offsets[0] : offsets[-1]]

    # --- muons: sparse hits ------------------------------------------------------------------------------------

    def _set_up_compact(self) -> None:
        usable = [self.require_list("hit_cell", "iu"), self.require_list("hit_e", "f")]
        self._has_nhit = self.require_scalar("nhit", "iu")
        if all(usable):
            self.layout, self.main_branch, self._read_hits = "compact", "hit_e", self._compact_hits

    def _compact_hits(self, start: int, stop: int, problems: list[Problem]) -> CellHits:
        offsets, cells = self._list("hit_cell", start, stop)
        energy_offsets, energies = self._list("hit_e", start, stop)
        number = np.diff(offsets)
        different = number != np.diff(energy_offsets)
        if self._has_nhit:
            different |= self.array("nhit", start, stop) != number
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
