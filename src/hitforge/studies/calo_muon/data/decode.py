"""Compiled decoding of calorimeter branches into sparse hits, with every fault of the values noted."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hitforge.compiled import compiled
from hitforge.hits import CellHits

FAULTS: Final = ("not_finite", "negative_energy", "cell_outside_geometry", "unsorted_cells")
"""Faults that the kernels look for: rows of the table of faults."""


def new_faults(n_rows: int) -> NDArray[np.bool_]:
    """Return an empty table of faults, shape (4, n_rows): which muons have which."""
    return np.zeros((len(FAULTS), n_rows), dtype=np.bool_)


def cell_dtype(n_cells: int) -> type[np.uint16] | type[np.uint32]:
    """Return the type of flat cell numbers of a geometry."""
    return np.uint16 if n_cells <= 2**16 else np.uint32


class DenseHits:
    """Keeps the cells with a deposit of dense rows that come piece by piece.

    Parameters
    ----------
    n_rows, n_cells : int
        Rows of all pieces together, cells of a row.

    Attributes
    ----------
    faults : ndarray, shape (4, n_rows), bool
        From :func:`new_faults`, filled.
    """

    def __init__(self, n_rows: int, n_cells: int) -> None:
        self.faults = new_faults(n_rows)
        self._indptr = np.zeros(n_rows + 1, dtype=np.int64)
        # Room for all cells costs only address space, untouched pages are never real. One more for the kernel's
        # write-before-decide.
        self._cell = np.empty(n_rows * n_cells + 1, dtype=cell_dtype(n_cells))
        self._energy = np.empty(n_rows * n_cells + 1, dtype=np.float32)
        self._rows = 0

    def add(self, bits: NDArray[np.uint64], swap: bool) -> None:
        """Add rows.

        Parameters
        ----------
        bits : ndarray, shape (N, n_cells), uint64
            The doubles of all cells, GeV, as bit patterns: testing them for zero needs no change of byte order.
        swap : bool
            The doubles have the other byte order.
        """
        _sparsify(bits, swap, self._rows, self._indptr, self._cell, self._energy, self.faults)
        self._rows += len(bits)

    def hits(self) -> CellHits:
        """Return the hits of all rows."""
        n_hit = int(self._indptr[self._rows])
        return CellHits(self._indptr, self._cell[:n_hit].copy(), self._energy[:n_hit].copy())


def hits_of_compact(
    offsets: NDArray[np.int64], cells: NDArray[Any], energies: NDArray[Any], n_cells: int, faults: NDArray[np.bool_]
) -> CellHits:
    """Check stored sparse hits and drop those without energy.

    Parameters
    ----------
    offsets : ndarray, shape (N + 1,), int64
        Muon i owns hits ``offsets[i]:offsets[i + 1]``.
    cells : ndarray, shape (n_hit,), integer
        Flat cells, ascending within a muon.
    energies : ndarray, shape (n_hit,), float32 or float64, GeV
        Deposits.
    n_cells : int
        Number of cells of the geometry.
    faults : ndarray, shape (4, N), bool
        From :func:`new_faults`; it is filled.
    """
    indptr = np.zeros(len(offsets), dtype=np.int64)
    cell = np.empty(len(cells), dtype=cell_dtype(n_cells))
    energy = np.empty(len(cells), dtype=np.float32)
    n_hit = _check_compact(offsets, cells, energies, n_cells, indptr, cell, energy, faults)
    return CellHits(indptr, cell[:n_hit], energy[:n_hit])


@compiled
def _swapped(bits: np.uint64) -> np.uint64:
    """Reverse the order of 8 bytes."""
    pairs = np.uint64(0x00FF00FF00FF00FF)
    fours = np.uint64(0x0000FFFF0000FFFF)
    eight, sixteen, half = np.uint64(8), np.uint64(16), np.uint64(32)
    bits = ((bits & pairs) << eight) | ((bits >> eight) & pairs)
    bits = ((bits & fours) << sixteen) | ((bits >> sixteen) & fours)
    return (bits << half) | (bits >> half)


@compiled
def _sparsify(
    bits: NDArray[np.uint64],
    swap: bool,
    first_row: int,
    indptr: NDArray[np.int64],
    cell: NDArray[np.unsignedinteger],
    energy: NDArray[np.float32],
    faults: NDArray[np.bool_],
) -> None:
    pattern = np.empty(1, dtype=np.uint64)
    value = pattern.view(np.float64)
    n_hit = indptr[first_row]
    n_grouped = bits.shape[1] // 8 * 8
    for row in range(bits.shape[0]):
        cells = bits[row]
        first = n_hit
        # Two of three groups of eight neighbours are empty. Inside a group without a branch: the processor cannot
        # guess which cells are filled.
        for i in range(0, n_grouped, 8):
            left = cells[i] | cells[i + 1] | cells[i + 2] | cells[i + 3]
            if (left | cells[i + 4] | cells[i + 5] | cells[i + 6] | cells[i + 7]) != 0:
                for k in range(i, i + 8):
                    cell[n_hit] = k
                    n_hit += cells[k] != 0
        for k in range(n_grouped, len(cells)):
            cell[n_hit] = k
            n_hit += cells[k] != 0
        not_finite = negative = False
        kept = first
        for hit in range(first, n_hit):
            bit = cells[cell[hit]]
            pattern[0] = _swapped(bit) if swap else bit
            deposit = float(np.float32(value[0]))
            not_finite |= not math.isfinite(deposit)
            negative |= deposit < 0.0
            # drops -0.0 and what is zero in single precision
            cell[kept] = cell[hit]
            energy[kept] = deposit
            kept += deposit != 0.0
        n_hit = kept
        indptr[first_row + row + 1] = n_hit
        faults[0, first_row + row] = not_finite
        faults[1, first_row + row] = negative


@compiled
def _check_compact(
    offsets: NDArray[np.int64],
    cells: NDArray[np.integer],
    energies: NDArray[np.floating],
    n_cells: int,
    indptr: NDArray[np.int64],
    cell: NDArray[np.unsignedinteger],
    energy: NDArray[np.float32],
    faults: NDArray[np.bool_],
) -> int:
    n_hit = 0
    for row in range(len(offsets) - 1):
        not_finite = negative = outside = unsorted = False
        before = -(2**40)  # below any number, a negative cell has its own fault
        for hit in range(offsets[row], offsets[row + 1]):
            i = int(cells[hit])
            deposit = float(np.float32(energies[hit]))
            not_finite |= not math.isfinite(deposit)
            negative |= deposit < 0.0
            unsorted |= i <= before
            before = i
            if i < 0 or i >= n_cells:
                outside = True
            elif deposit != 0.0:
                cell[n_hit] = i
                energy[n_hit] = deposit
                n_hit += 1
        indptr[row + 1] = n_hit
        faults[0, row] = not_finite
        faults[1, row] = negative
        faults[2, row] = outside
        faults[3, row] = unsorted
    return n_hit
