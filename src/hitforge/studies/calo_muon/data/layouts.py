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
from hitforge.inspection import Fault
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
    needs_truth : bool, default True
        The generated energy has to be there.

    Attributes
    ----------
    layout : str
        See :func:`hitforge.studies.calo_muon.data.ntuple.open_muons`.
    main_branch : str
        Branch with most bytes that can be read; empty if there is none.
    has_truth : bool
        Whether the generated energy is there.
    """

    def __init__(self, tree: Tree, name: str, file: str, geometry: Geometry, needs_truth: bool = True) -> None:
        super().__init__(tree, name, file)
        self.layout = ""
        self.main_branch = ""
        self._geometry = geometry
        compact = name.rpartition("/")[2] == "muons"
        self._energy = "e_true" if compact else "true_energy"
        self._x = "x0" if compact else "true_x"
        self._y = "y0" if compact else "true_y"
        self.has_truth = needs_truth or self._energy in self.there
        wanted = (self._energy, self._x, self._y) if self.has_truth else (self._x, self._y)
        self._scalars: list[str] = [branch for branch in wanted if self.require_scalar(branch, "f")]
        flags = ("charge",) if compact else ("isMuon", "isAntiMuon")
        kinds: Literal["iu", "biu"] = "iu" if compact else "biu"  # no bool is a charge of -1
        self._limits = [branch for branch in LIMITS if branch in self.there and self.require_scalar(branch, "f")]
        self._flags = [branch for branch in flags if branch in self.there and self.require_scalar(branch, kinds)]
        self._read_hits: Callable[[int, int, list[Fault]], CellHits] = self._no_hits
        if compact:
            self._set_up_compact()
        else:
            self._set_up_b4()
        if not self.main_branch and self._scalars:
            self.main_branch = self._scalars[0]  # the rest of the file can still be judged

    def read(self, start: int, stop: int) -> tuple[Muons, list[Fault]]:
        """Read entries ``start:stop``; of a branch that is missing neutral values stand in."""
        faults: list[Fault] = []
        number = stop - start
        columns = {branch: self.array(branch, start, stop) for branch in self._scalars + self._flags + self._limits}
        values = {}
        for branch, neutral in ((self._energy, 1.0 if self.has_truth else np.nan), (self._x, 0.0), (self._y, 0.0)):
            raw = columns.get(branch)
            if raw is None:
                values[branch] = np.full(number, neutral, dtype=np.float32)
                continue
            with np.errstate(over="ignore"):
                values[branch] = raw.astype(np.float32)
            finite = np.isfinite(values[branch])
            faults.append(("not_finite", "NaN or infinite", _FAULT_TEXT["not_finite"][1], branch, ~finite))
            if branch == self._energy:
                bad = finite & (values[branch] <= 0.0)
                fix = "the generated energy has to be positive, in GeV; the charge goes into its own branch"
                faults.append(("non_positive_energy", "energy of zero or less", fix, branch, bad))
            else:
                half = self._geometry.half_width_x_mm if branch == self._x else self._geometry.half_width_y_mm
                bad = finite & (np.abs(values[branch]) > half)
                fix = "the entry point is in mm, with the block's axis at 0"
                text = f"entry point outside the block (+-{half:g} mm)"
                faults.append(("entry_outside_block", text, fix, branch, bad))
        charge = np.zeros(number, dtype=np.int8)
        if "charge" in columns:
            stored = columns["charge"].astype(np.int64)
            wrong = np.abs(stored) > 1
            detail = f"{stored[wrong.argmax()]} is not -1, 0 (unknown) or 1"
            fix = "write the charge as a signed integer (an unsigned one turns -1 into a large number)"
            faults.append(("bad_charge", detail, fix, "charge", wrong))
            charge[:] = np.sign(stored)
        if "isMuon" in columns:
            charge[columns["isMuon"] != 0] = -1
        if "isAntiMuon" in columns:
            charge[columns["isAntiMuon"] != 0] = 1
        with naming_damage(self.file, self.name, self.main_branch):
            hits = self._read_hits(start, stop, faults)
        self.check_plausible(self.main_branch, hits.energy)
        limits = {branch: columns[branch].astype(np.float32) for branch in self._limits}
        return Muons(hits, values[self._energy], values[self._x], values[self._y], charge, **limits), faults

    @staticmethod
    def _noted(table: NDArray[np.bool_], branches: dict[str, str]) -> list[Fault]:
        """Return what a kernel noted, by the branch of each fault."""
        return [
            (fault, *_FAULT_TEXT[fault], branches.get(fault, branches[""]), bad)
            for fault, bad in zip(FAULTS, table, strict=True)
        ]

    def _no_hits(self, start: int, stop: int, faults: list[Fault]) -> CellHits:
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
            self.problems.append(Problem("wrong_length", detail, fix, self.file, self.name, branch, first, number))

    def _fixed_hits(self, start: int, stop: int, faults: list[Fault]) -> CellHits:
        dense = DenseHits(stop - start, self._geometry.n_cells)
        if self._baskets is not None:
            # Bit patterns instead of numbers: the kernel turns round only the bytes of filled cells.
            for basket in self._baskets.between(start, stop):
                bits = basket.content.view(np.uint64).reshape(basket.stop - basket.start, -1)
                dense.add(bits, sys.byteorder == "little")
        else:
            values = self.rows("rechit_energy", start, stop)
            dense.add(values.astype(np.float64, copy=False).view(np.uint64), False)
        return self._dense_hits(dense, faults)

    def _vector_hits(self, start: int, stop: int, faults: list[Fault]) -> CellHits:
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
        self._lengths(np.concatenate(lengths), faults)
        return self._dense_hits(dense, faults)

    def _variable_hits(self, start: int, stop: int, faults: list[Fault]) -> CellHits:
        offsets, content = self._list("rechit_energy", start, stop)
        right = self._lengths(np.diff(offsets), faults)
        values = np.zeros((stop - start, self._geometry.n_cells), dtype=np.float64)
        for row in np.flatnonzero(right):
            values[row] = content[offsets[row] : offsets[row + 1]]
        dense = DenseHits(stop - start, self._geometry.n_cells)
        dense.add(values.view(np.uint64), False)
        return self._dense_hits(dense, faults)

    def _lengths(self, lengths: NDArray[np.integer], faults: list[Fault]) -> NDArray[np.bool_]:
        n_cells = self._geometry.n_cells
        right: NDArray[np.bool_] = lengths == n_cells
        if not right.all():
            detail = f"{lengths[~right][0]} cells, geometry {self._geometry.name} has {n_cells}"
            fix = _FAULT_TEXT["cell_outside_geometry"][1]
            faults.append(("wrong_length", detail, fix, "rechit_energy", ~right))
        return right

    def _dense_hits(self, dense: DenseHits, faults: list[Fault]) -> CellHits:
        faults += self._noted(dense.faults, {"": "rechit_energy"})
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
            fix = _FAULT_TEXT["not_finite"][1]
            raise NtupleError(Problem("unreadable", detail, fix, self.file, self.name, branch))
        return offsets - offsets[0], content[offsets[0] : offsets[-1]]

    # --- muons: sparse hits ------------------------------------------------------------------------------------

    def _set_up_compact(self) -> None:
        usable = [self.require_list("hit_cell", "iu"), self.require_list("hit_e", "f")]
        self._has_nhit = self.require_scalar("nhit", "iu")
        if all(usable):
            self.layout, self.main_branch, self._read_hits = "compact", "hit_e", self._compact_hits

    def _compact_hits(self, start: int, stop: int, faults: list[Fault]) -> CellHits:
        offsets, cells = self._list("hit_cell", start, stop)
        energy_offsets, energies = self._list("hit_e", start, stop)
        number = np.diff(offsets)
        different = number != np.diff(energy_offsets)
        if self._has_nhit:
            different |= self.array("nhit", start, stop) != number
        fix = "write nhit, hit_cell and hit_e of each muon together"
        text = "nhit, hit_cell and hit_e do not have the same number of hits"
        faults.append(("inconsistent_nhit", text, fix, "nhit", different))
        paired = np.diff(offsets) == np.diff(energy_offsets)
        if not paired.all():  # nobody can say which energy belongs to which cell
            cells = cells[np.repeat(paired, np.diff(offsets))]
            energies = energies[np.repeat(paired, np.diff(energy_offsets))]
            offsets = np.append(0, np.cumsum(np.where(paired, np.diff(offsets), 0)))
        table = new_faults(stop - start)
        hits = hits_of_compact(offsets, cells, energies, self._geometry.n_cells, table)
        faults += self._noted(table, {"": "hit_cell", "not_finite": "hit_e", "negative_energy": "hit_e"})
        return hits
