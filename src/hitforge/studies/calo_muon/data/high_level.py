"""The 28 high-level features of a muon's shower (arXiv:2107.02119)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitforge.hits import CellHits
from hitforge.studies.calo_muon.data.clusters import fill_features
from hitforge.studies.calo_muon.data.geometry import Geometry
from hitforge.studies.calo_muon.features import FEATURE_NAMES


def high_level_features(
    hits: CellHits, x_mm: NDArray[np.floating], y_mm: NDArray[np.floating], geometry: Geometry
) -> NDArray[np.float32]:
    """Compute the 28 features of every muon.

    Parameters
    ----------
    hits : CellHits
        Deposits of N muons in GeV, flat cells of ``geometry``.
    x_mm, y_mm : ndarray, shape (N,), mm
        Entry point, as a tracker would give it.
    geometry : Geometry
        Cells and field of the block.

    Returns
    -------
    ndarray, shape (N, 28), float32
        Columns ``feature_table.FEATURE_NAMES``; ``emeas`` raw and signed. A ratio with a zero denominator is 0.

    Raises
    ------
    ValueError
        Numbers of muons differ, or a cell is outside the geometry.
    """
    if not len(hits) == len(x_mm) == len(y_mm):
        raise ValueError(f"{len(hits)} muons with hits but {len(x_mm)} x and {len(y_mm)} y of the entry point")
    if len(hits.cell) and int(hits.cell.max()) >= geometry.n_cells:
        raise ValueError(f"cell {hits.cell.max()} is outside geometry {geometry.name} of {geometry.n_cells} cells")
    features = np.empty((len(hits), len(FEATURE_NAMES)), dtype=np.float32)
    fill_features(
        hits.indptr,
        hits.cell,
        hits.energy,
        np.asarray(x_mm, dtype=np.float64),
        np.asarray(y_mm, dtype=np.float64),
        geometry.shape,
        (geometry.pitch_z_mm, geometry.pitch_x_mm, geometry.pitch_y_mm),
        geometry.field_tesla,
        features,
    )
    return features
