"""Muons with their calorimeter hits, as read from a ntuple or as simulated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitforge.hits import CellHits


@dataclass(frozen=True)
class Muons:
    """N muons.

    Attributes
    ----------
    hits : CellHits
        Deposits over the flat cells of the geometry, GeV.
    energy_gev : ndarray, shape (N,), float32
        Generated energy, always positive.
    x_mm, y_mm : ndarray, shape (N,), float32
        Generated entry point.
    charge : ndarray, shape (N,), int8
        -1, +1, or 0 where the ntuple does not tell.
    """

    hits: CellHits
    energy_gev: NDArray[np.float32]
    x_mm: NDArray[np.float32]
    y_mm: NDArray[np.float32]
    charge: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.energy_gev)
