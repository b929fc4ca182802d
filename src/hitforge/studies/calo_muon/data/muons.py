"""Muons with their calorimeter hits, as read from a ntuple or as simulated."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hitforge.hits import CellHits

LIMITS: Final = ("limit_bits", "limit_bits_track")
"""Branches, truth columns and attributes of what an oracle knows."""


def _unknown() -> NDArray[np.float32]:
    return np.zeros(0, np.float32)


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
    limit_bits : ndarray, shape (N,), float32
        What the true list of losses tells of the energy (``simulation.oracle``); NaN where the ntuple does not tell.
    limit_bits_track : ndarray, shape (N,), float32
        The same of losses and track.
    """

    hits: CellHits
    energy_gev: NDArray[np.float32]
    x_mm: NDArray[np.float32]
    y_mm: NDArray[np.float32]
    charge: NDArray[np.int8]
    limit_bits: NDArray[np.float32] = field(default_factory=_unknown)
    limit_bits_track: NDArray[np.float32] = field(default_factory=_unknown)

    def __post_init__(self) -> None:
        for name in LIMITS:
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full(len(self), np.nan, np.float32))

    def __len__(self) -> int:
        return len(self.energy_gev)

    def take(self, which: NDArray[np.bool_]) -> Muons:
        """Return the muons of a mask."""
        columns = (getattr(self, column.name)[which] for column in fields(self)[1:])
        return Muons(self.hits.take(np.flatnonzero(which)), *columns)
