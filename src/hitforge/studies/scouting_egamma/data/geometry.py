"""Crystals of the electromagnetic calorimeter: indices, pitches, and distances to the gaps between them.

Barrel (EB): 170 x 360 crystals in (ieta, iphi), modules in eta and supermodules of 20 degrees in phi. Endcaps (EE): a
grid of 100 x 100 crystals in (ix, iy). Positions along an axis are in crystals; crystal k covers k to k + 1.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

EB_PITCH: Final = 2 * np.pi / 360
"""Crystal pitch of the barrel in eta and in phi, rad."""

EB_MAX_IETA: Final = 85
EB_N_PHI: Final = 360
EB_ETA_MAX: Final = 1.479
MODULE_EDGES: Final = (0.0, 25.0, 45.0, 65.0, 85.0)
"""Gaps in eta, in crystals from eta = 0."""

SUPERMODULE: Final = 20
"""Crystals of a supermodule in phi."""

EE_Z_CM: Final = 317.0
EE_PITCH_CM: Final = 2.86
EE_CENTRE: Final = 50.0
"""Beam line in (ix, iy), in crystals."""

EB_WIDTH, EE_WIDTH = 0.01745, 0.0447
"""Unit of the shower widths: eta of a crystal."""

CATEGORIES: Final = ("EB electron", "EB photon", "EE electron", "EE photon")
"""(Region, particle): each has boosters of its own and numbers of its own."""


def category_of(is_electron: NDArray[np.generic], is_eb: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return the index in :data:`CATEGORIES`, shape (n,)."""
    return np.asarray(2 * (is_eb == 0) + (is_electron == 0), dtype=np.int64)


def signed_eta_index(ieta: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return ieta without its gap at 0: -1 becomes -1, 1 becomes 0, so that crystal k covers k to k + 1."""
    return np.where(ieta > 0, ieta - 1, ieta).astype(np.int64)


def ieta_of(index: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return ieta of :func:`signed_eta_index`."""
    return np.where(index >= 0, index + 1, index).astype(np.int64)


def supermodule_distance(phi_position: Floats) -> Floats:
    """Return the distance to the nearest gap in phi, 0 to 10 crystals."""
    inside = np.mod(phi_position, SUPERMODULE)
    return np.asarray(np.minimum(inside, SUPERMODULE - inside))


def module_distance(eta_position: Floats) -> Floats:
    """Return the distance to the nearest gap in eta (0, 25, 45, 65, 85), in crystals."""
    edges = np.array(MODULE_EDGES, dtype=np.float32)
    return np.asarray(np.abs(np.abs(eta_position)[..., None] - edges).min(axis=-1))


def module_place(ieta: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the place of a crystal within its module: abs(ieta) mod 25 up to 25, else (abs(ieta) - 25) mod 20."""
    size = np.abs(ieta)
    return np.asarray(np.where(size <= 25, size % 25, (size - 25) % 20), dtype=np.int64)
