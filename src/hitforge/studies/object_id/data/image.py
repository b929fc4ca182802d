"""Geometry of the sub-images, and their cells as stored columns."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat

from hitforge.settings_base import Settings
from hitforge.studies.object_id.data.objects import CHANNELS

SCALE_GEV: Final = 0.1
"""Cells are stored as log(1 + ET / SCALE_GEV): noise and a 100 GeV shower both keep their digits."""

Floats = NDArray[np.float32]


class ImageSettings(Settings):
    """Cells of a sub-image around an object's axis; the axis is in the middle."""

    rows: int = Field(16, ge=7, description="cells in eta")
    columns: int = Field(16, ge=7, description="cells in phi")
    cell_eta: PositiveFloat = Field(0.05, description="size of a cell in eta")
    cell_phi: PositiveFloat = Field(0.05, description="size of a cell in phi, in rad")

    @property
    def n_cells(self) -> int:
        """Cells of a channel."""
        return self.rows * self.columns

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns."""
        return len(CHANNELS), self.rows, self.columns

    @property
    def half_widths(self) -> tuple[float, float]:
        """Half of the window's size in eta and in phi."""
        return 0.5 * self.rows * self.cell_eta, 0.5 * self.columns * self.cell_phi

    @property
    def cell_names(self) -> tuple[str, ...]:
        """Names of the stored columns, channel by channel, row by row."""
        return tuple(f"{c}_{i:02d}_{j:02d}" for c in CHANNELS for i in range(self.rows) for j in range(self.columns))

    def axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the distances of the cells' centres from the axis: in eta, shape (H,), and in phi, shape (W,), rad."""
        eta = (np.arange(self.rows, dtype=np.float64) - 0.5 * (self.rows - 1)) * self.cell_eta
        phi = (np.arange(self.columns, dtype=np.float64) - 0.5 * (self.columns - 1)) * self.cell_phi
        return eta, phi

    def cell_of(self, deta: NDArray[np.floating], dphi: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the flat cell of each position relative to the axis, -1 outside the window."""
        row = np.floor(deta / self.cell_eta + 0.5 * self.rows).astype(np.int64)
        column = np.floor(dphi / self.cell_phi + 0.5 * self.columns).astype(np.int64)
        inside = (row >= 0) & (row < self.rows) & (column >= 0) & (column < self.columns)
        return np.where(inside, row * self.columns + column, -1)


def wrapped(dphi: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return angles in [-pi, pi)."""
    return (dphi + np.pi) % (2 * np.pi) - np.pi


def to_columns(image: Floats) -> Floats:
    """Return images in GeV, shape (N, C, H, W), as stored columns, shape (N, C H W)."""
    flat = image.reshape(len(image), int(np.prod(image.shape[1:])))
    return np.asarray(np.log1p(flat / np.float32(SCALE_GEV)), dtype=np.float32)


def to_image(columns: Floats, settings: ImageSettings) -> Floats:
    """Return stored columns, shape (N, F) with the cells first, as images of log(1 + ET / SCALE_GEV)."""
    n_cells = int(np.prod(settings.shape))
    return columns[:, :n_cells].reshape(len(columns), *settings.shape)


def to_gev(logarithms: Floats) -> Floats:
    """Return transverse energies in GeV of stored logarithms."""
    return np.float32(SCALE_GEV) * np.expm1(logarithms)
