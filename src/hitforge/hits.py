"""Sparse calorimeter hits of many events: the common currency of simulation, features, shards and training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class CellHits:
    """Deposits of N events as compressed rows over flat cell numbers."""

    indptr: NDArray[np.int64]
    """Event i owns hits ``indptr[i]:indptr[i + 1]``, shape (N + 1,)."""
    cell: NDArray[np.unsignedinteger]
    """Flat cell number, ascending within an event, ``(iz * nx + ix) * ny + iy``, shape (n_hit,), uint16 or uint32."""
    energy: NDArray[np.float32]
    """Deposit of that cell in GeV, larger than zero, shape (n_hit,)."""

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def slice(self, start: int, stop: int) -> CellHits:
        """Return events ``start:stop`` (views, no copy of the hits)."""
        first, last = self.indptr[start], self.indptr[stop]
        return CellHits(self.indptr[start : stop + 1] - first, self.cell[first:last], self.energy[first:last])

    def take(self, events: NDArray[np.integer]) -> CellHits:
        """Return the given events in the given order."""
        counts = np.diff(self.indptr)[events]
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        # position of every wanted hit: its event's start plus its rank inside the event
        where = np.arange(indptr[-1]) + np.repeat(self.indptr[:-1][events] - indptr[:-1], counts)
        return CellHits(indptr, self.cell[where], self.energy[where])

    def to_dense(self, n_cells: int) -> NDArray[np.float32]:
        """Return the dense grid, shape (N, n_cells), float32, GeV."""
        dense = np.zeros((len(self), n_cells), dtype=np.float32)
        dense[np.repeat(np.arange(len(self)), np.diff(self.indptr)), self.cell] = self.energy
        return dense

    @staticmethod
    def from_dense(dense: NDArray[np.floating], threshold: float = 0.0) -> CellHits:
        """Keep the cells with a deposit above ``threshold`` of a dense (N, n_cells) grid in GeV."""
        event, cell = np.nonzero(dense > threshold)
        indptr = np.searchsorted(event, np.arange(len(dense) + 1)).astype(np.int64)
        dtype = np.uint16 if dense.shape[1] <= 2**16 else np.uint32
        return CellHits(indptr, cell.astype(dtype), dense[event, cell].astype(np.float32))

    @staticmethod
    def concatenate(blocks: Sequence[CellHits]) -> CellHits:
        """Join blocks of events one after another."""
        if not blocks:
            return CellHits(np.zeros(1, np.int64), np.zeros(0, np.uint16), np.zeros(0, np.float32))
        counts = np.concatenate([np.diff(block.indptr) for block in blocks])
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        cell = np.concatenate([block.cell for block in blocks])
        return CellHits(indptr, cell, np.concatenate([block.energy for block in blocks]))
