"""Roads: at most one hit per chamber plane along one endcap muon, as read from a ntuple or as simulated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.csc_muon.data.planes import CSC_PLANES, N_PLANES, PHI_UNIT, PLANE_NAMES, THETA_UNIT

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
        return Roads(
            self.variables[rows],
            self.parameters[rows],
            self.event[rows],
            self.n_hits[rows],
            self.mode[rows],
            self.weight[rows],
        )

    @staticmethod
    def concatenate(parts: Sequence[Roads]) -> Roads:
        """Join roads one after another; none at all give an empty table."""
        if not parts:
            return Roads(
                np.zeros((0, N_VARIABLES), np.float32),
                np.zeros((0, 3), np.float32),
                np.zeros(0, np.uint64),
                np.zeros(0, np.int32),
                np.zeros(0, np.int32),
                np.zeros(0, np.float32),
            )
        return Roads(
            np.concatenate([part.variables for part in parts]),
            np.concatenate([part.parameters for part in parts]),
            np.concatenate([part.event for part in parts]),
            np.concatenate([part.n_hits for part in parts]),
            np.concatenate([part.mode for part in parts]),
            np.concatenate([part.weight for part in parts]),
        )


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
