"""The twelve chamber planes of a road, zones, and the units of its integer coordinates."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from hitforge.settings_base import Settings
from hitforge.yaml_files import read_yaml


class Plane(Settings):
    """One chamber plane of an endcap.

    ``theta`` are windows of the integer theta, inclusive, and ``rings`` the ring number in each of them.
    """

    name: str
    chamber: str
    type: Literal["CSC", "RPC", "GEM"]
    station: Literal[1, 2, 3, 4]
    z_cm: float
    theta: tuple[tuple[int, int], ...]
    rings: tuple[int, ...]


_FILE: Final[dict[str, Any]] = read_yaml(Path(__file__).with_name("planes.yaml"))

PLANES: Final[tuple[Plane, ...]] = tuple(Plane.model_validate(row) for row in _FILE["planes"])
"""In the order of the columns."""

PLANE_NAMES: Final[tuple[str, ...]] = tuple(plane.name for plane in PLANES)
N_PLANES: Final = len(PLANES)
PLANE: Final[dict[str, int]] = {name: index for index, name in enumerate(PLANE_NAMES)}
"""Plane number by name."""

CSC_PLANES: Final[tuple[int, ...]] = tuple(i for i, plane in enumerate(PLANES) if plane.type == "CSC")
INNER_RING_THETA: Final[int] = _FILE["inner_ring_theta"]
ZONE_ETA_EDGES: Final[tuple[float, ...]] = tuple(_FILE["zone_eta_edges"])
N_ZONES: Final = len(ZONE_ETA_EDGES) - 1

PHI_UNIT: Final = "1/60 deg"
THETA_UNIT: Final = "36.5/128 deg"
THETA_OFFSET_DEG: Final = 8.5
THETA_UNIT_DEG: Final = 36.5 / 128


def station_planes(station: int) -> tuple[int, ...]:
    """Return the planes of a station in order of precedence: CSC, then RPC, then GEM."""
    return tuple(i for i, plane in enumerate(PLANES) if plane.station == station)


def theta_units(eta: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the polar angle of a pseudorapidity, not rounded, in units of 36.5/128 deg from 8.5 deg."""
    theta_deg = np.degrees(2 * np.arctan(np.exp(-np.abs(eta))))
    return np.asarray((theta_deg - THETA_OFFSET_DEG) / THETA_UNIT_DEG, dtype=np.result_type(eta))


# descending in |eta| is ascending in theta
_ZONE_THETA_EDGES: Final = theta_units(np.array(ZONE_ETA_EDGES[1:-1]))


def zone_of(theta: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the zone, 0 (most forward) to 5, of an integer theta; NaN gives 5."""
    return np.searchsorted(_ZONE_THETA_EDGES, theta, side="right")


def modes_of(hit: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the mode of each road, 8 S1 + 4 S2 + 2 S3 + S4 with Sn = 1 where station n has a hit.

    Parameters
    ----------
    hit : ndarray, shape (12, N), bool
        Plane first.
    """
    mode = np.zeros(hit.shape[1], dtype=np.int32)
    for station, bit in ((1, 8), (2, 4), (3, 2), (4, 1)):
        mode[hit[list(station_planes(station))].any(axis=0)] += bit
    return mode
