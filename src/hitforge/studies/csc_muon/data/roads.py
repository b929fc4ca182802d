"""Roads: at most one hit per chamber plane along one endcap muon, as read from a ntuple or as simulated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.csc_muon.data.planes import CSC_PLANES, N_PLANES, PHI_UNIT, PLANE, PLANE_NAMES, THETA_UNIT

BLOCKS: Final[tuple[str, ...]] = ("phi", "theta", "bend", "time", "ring", "fr", "mask")
"""Blocks of twelve columns, one for each plane: ``column = 12 * block + plane``."""

STRAIGHTNESS: Final = 84
ZONE: Final = 85
ROAD_WORD3: Final = 86
N_VARIABLES: Final = 87

VARIABLE_NAMES: Final[tuple[str, ...]] = (
    *(f"{block}_{plane}" for block in BLOCKS for plane in PLANE_NAMES),
    "straightness",
    "zone",
    "road_word3",
)
"""Names of the columns of ``variables``; what ``road_word3`` means is a setting."""

BLOCK_UNITS: Final[dict[str, str]] = {
    "phi": PHI_UNIT,
    "theta": THETA_UNIT,
    "bend": "",
    "time": "BX",
    "ring": "",
    "fr": "",
    "mask": "",
}

PARAMETER_NAMES: Final[tuple[str, ...]] = ("q_over_pt", "phi", "eta")


@dataclass(frozen=True)
class Roads:
    """N roads, each matched to one generated muon.

    Attributes
    ----------
    variables : ndarray, shape (N, 87), float32
        Columns of :data:`VARIABLE_NAMES`. NaN where a plane has no hit, except in the mask: 0 hit, 1 none.
    parameters : ndarray, shape (N, 3), float32
        Generated q/pT [1/GeV], phi [rad] and eta: for targets, selection and plots, never for a model's input.
    event : ndarray, shape (N,), uint64
        Number of the generated event; roads of one event share it.
    n_hits : ndarray, shape (N,), int32
        Planes with a hit.
    mode : ndarray, shape (N,), int32
        8 S1 + 4 S2 + 2 S3 + S4 with Sn = 1 where station n has a hit.
    weight : ndarray, shape (N,), float32
        Event weight, 1 unless the ntuple says otherwise.
    """

    variables: NDArray[np.float32]
    parameters: NDArray[np.float32]
    event: NDArray[np.uint64]
    n_hits: NDArray[np.int32]
    mode: NDArray[np.int32]
    weight: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.event)

    def block(self, name: str) -> NDArray[np.float32]:
        """Return the twelve columns of a block as a view, shape (N, 12)."""
        first = N_PLANES * BLOCKS.index(name)
        return self.variables[:, first : first + N_PLANES]

    @property
    def hit(self) -> NDArray[np.bool_]:
        """Which planes have a hit, shape (N, 12)."""
        return np.asarray(self.block("mask") == 0)

    @property
    def q_over_pt(self) -> NDArray[np.float32]:
        """Generated charge over transverse momentum, shape (N,), 1/GeV."""
        return self.parameters[:, 0]

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Roads:
        """Return the given rows: numbers, a mask, or a slice (which gives views)."""
        return Roads(*(getattr(self, field.name)[rows] for field in fields(self)))

    @staticmethod
    def concatenate(parts: Sequence[Roads]) -> Roads:
        """Join roads one after another."""
        return Roads(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Roads)))


class Truth(NamedTuple):
    """What is kept of a road beside its features and target, in ``truth/`` of the shards and of predictions."""

    unit: str
    of: Callable[[Roads], NDArray[np.float32]]
    dtype: type = np.float64
    """Of the evaluation."""


_FOUR_CSC: Final = [PLANE[name] for name in ("me11", "me2", "me3", "me4")]

TRUTH: Final[dict[str, Truth]] = {
    "phi": Truth("rad", lambda roads: roads.parameters[:, 1]),
    "eta": Truth("", lambda roads: roads.parameters[:, 2]),
    "zone": Truth("", lambda roads: roads.variables[:, ZONE], np.int64),
    "mode": Truth("", lambda roads: roads.mode.astype(np.float32), np.int64),
    # the rows of the public benchmark
    "four_csc": Truth("", lambda roads: np.asarray(roads.hit[:, _FOUR_CSC].all(axis=1), np.float32), np.bool_),
    "weight": Truth("", lambda roads: roads.weight),
}
"""What the evaluation bins and selects by; the fields of its sample bear the same names."""


def blocks_of(variables: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return copies of the blocks by name, plane first: each of shape (12, N) from ``variables`` of (N, 87)."""
    return {
        name: np.ascontiguousarray(variables[:, N_PLANES * i : N_PLANES * (i + 1)].T) for i, name in enumerate(BLOCKS)
    }


def median_of_present(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the median over the first axis, NaN left out.

    Parameters
    ----------
    values : ndarray, shape (K, N)
        NaN where there is nothing.

    Returns
    -------
    ndarray, shape (N,)
        Mean of the two middle values where their number is even; NaN where there is none.
    """
    ordered = np.sort(values, axis=0)  # NaN goes last
    count = np.isfinite(ordered).sum(axis=0)
    column = np.arange(values.shape[1])
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    return np.asarray((ordered[low, column] + ordered[np.minimum(high, len(values) - 1), column]) / 2)


def median_theta(theta: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the median theta of the CSC hits, rounded down to whole units, shape (N,).

    Parameters
    ----------
    theta : ndarray, shape (12, N), 36.5/128 deg
        NaN where a plane has no hit.
    """
    return np.asarray(np.floor(median_of_present(theta[list(CSC_PLANES)])))
