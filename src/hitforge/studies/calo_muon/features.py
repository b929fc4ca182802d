"""The 28 high-level features of a muon's shower (arXiv:2107.02119, section 3).

Names and order are those of the published files, including three labels that do not say what the column holds:
``eclumax1``, ``ymom`` and ``xmom``; :data:`FEATURE_MEANINGS` says what is there.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hitforge.compiled import compiled
from hitforge.hits import CellHits
from hitforge.studies.calo_muon.clusters import MAX_CLUSTER_CELLS, WINDOW, search_window, summarise_clusters
from hitforge.studies.calo_muon.geometry import Geometry

THRESHOLD_GEV: Final = 0.1
"""A cell strictly above it is strong: it seeds and joins clusters."""

WEAK_GEV: Final = 0.01
"""Upper edge of the lowest class of deposits."""

BEND_WIDTH_MM: Final = 50.0
"""Length over which cells lose weight with distance in y in the curvature estimate."""

EMEAS_MAX_GEV: Final = 10_000.0
"""The curvature estimate is clipped here before scaling."""

SAME_X_MM: Final = 1e-9
"""Mean positions closer than this count as equal: their difference is rounding, and the radius would be noise."""

_SEGMENTS = ("first", "second", "third", "fourth", "last")

_TABLE: Final[tuple[tuple[str, str, str], ...]] = (
    ("eabove", "GeV", "energy in cells above 0.1 GeV"),
    ("rmom", "mm", "length of the energy-weighted mean transverse offset from the entry point"),
    ("rmom1", "mm", "as rmom, only cells above 0.1 GeV"),
    ("r2m", "mm^2", "energy-weighted mean squared transverse distance from the entry point"),
    *((f"r2m{i + 1}", "mm^2", f"as r2m, in the {name} fifth of the layers") for i, name in enumerate(_SEGMENTS)),
    ("nclu", "", "number of clusters seeded in the track's column"),
    ("ncellmax", "cells", "largest cell count of these clusters"),
    ("eclumax", "GeV", "largest energy of these clusters"),
    ("maxdepthx", "cells", "largest extent of these clusters along x; a single cell has 0"),
    ("maxdepthy", "cells", "largest extent of these clusters along y"),
    ("maxdepthz", "cells", "largest extent of these clusters along z"),
    ("epercell", "GeV", "eclumax / ncellmax, which can come from different clusters"),
    ("avgcells", "cells", "mean cell count of these clusters"),
    ("nclu1", "", "number of clusters off the track's column"),
    ("ncellmax1", "cells", "largest cell count of the off-track clusters"),
    ("eclumax1", "GeV", "NOT a cluster energy: running maximum that maxsum replaced in the window search"),
    ("epercell1", "GeV", "largest energy of the off-track clusters / ncellmax1"),
    ("avgcells_off_trk", "cells", "mean cell count of the off-track clusters"),
    ("ymom", "GeV mm", "moment along x (the label is swapped): all cells plus cells above 0.1 GeV"),
    ("xmom", "GeV mm", "moment along y (the label is swapped): all cells plus cells above 0.1 GeV"),
    ("emeas", "GeV", "muon energy from the bending between the two halves; signed in shards, |.| clipped for models"),
    ("maxsum", "GeV", "largest 3 x 3 x 3 sum of cells at or below 0.1 GeV"),
    ("eb1", "GeV", "energy in cells at or below 0.01 GeV"),
    ("ea1", "GeV", "energy in cells above 0.01 and at or below 0.1 GeV"),
)

FEATURE_NAMES: Final[tuple[str, ...]] = tuple(row[0] for row in _TABLE)
"""Stored names in column order."""

FEATURE_UNITS: Final[dict[str, str]] = {name: unit for name, unit, _ in _TABLE}
"""Unit of each feature; empty for a number of clusters."""

FEATURE_MEANINGS: Final[dict[str, str]] = {name: meaning for name, _, meaning in _TABLE}
"""What each column really holds."""

_NOT_FILTERED = {
    "eabove", "ncellmax", "eclumax", "nclu1", "ncellmax1", "eclumax1", "epercell1", "maxsum", "ea1",
}  # fmt: skip

FEATURE_SETS: Final[dict[str, tuple[str, ...]]] = {
    "default": FEATURE_NAMES,
    "filtered": tuple(name for name in FEATURE_NAMES if name not in _NOT_FILTERED),
    "esum": ("eabove", "eb1", "ea1"),
}
"""Features of each mode of the ablation study (arXiv:2107.02119, section 5)."""

_N_FEATURES = len(FEATURE_NAMES)


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
        Columns :data:`FEATURE_NAMES`; ``emeas`` raw and signed. A ratio with a zero denominator is 0.

    Raises
    ------
    ValueError
        Numbers of muons differ, or a cell is outside the geometry.
    """
    if not len(hits) == len(x_mm) == len(y_mm):
        raise ValueError(f"{len(hits)} muons with hits but {len(x_mm)} x and {len(y_mm)} y of the entry point")
    if len(hits.cell) and int(hits.cell.max()) >= geometry.n_cells:
        raise ValueError(f"cell {hits.cell.max()} is outside geometry {geometry.name} of {geometry.n_cells} cells")
    features = np.empty((len(hits), _N_FEATURES), dtype=np.float32)
    _fill_features(
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


def clip_features(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a copy with ``emeas`` replaced by its magnitude, at most 10 TeV: done at load, before scaling.

    Parameters
    ----------
    features : ndarray, shape (N, 28), float32
        Raw features in the order of :data:`FEATURE_NAMES`.
    """
    clipped = features.copy()
    column = FEATURE_NAMES.index("emeas")
    clipped[:, column] = np.minimum(np.abs(clipped[:, column]), np.float32(EMEAS_MAX_GEV))
    return clipped


@compiled
def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator != 0.0 else 0.0


@compiled
def _entry_index(position: float, pitch: float, n: int) -> int:
    """Return the cell index of an entry coordinate, truncated like the published formula."""
    return int((position + 0.5 * n * pitch) / pitch)


@compiled
def _entry_centre(position: float, pitch: float) -> float:
    """Return the centre of the entry cell, for a block with an even number of cells."""
    half = 0.5 * pitch if position > 0.0 else -0.5 * pitch
    return pitch * int(position / pitch) + half


@compiled
def _bending_energy(sums: NDArray[np.float64], z_a: float, z_b: float, field: float) -> float:
    """Return the energy in GeV of a circle through the two halves' mean points, perpendicular to the front face.

    ``sums`` holds per half: sum of weights, sum of weight times x; z_a, z_b are the mean depths, mm.
    """
    x_a = _ratio(sums[0, 1], sums[0, 0])
    x_b = _ratio(sums[1, 1], sums[1, 0])
    if abs(x_b - x_a) < SAME_X_MM:
        return 0.0
    centre = (z_b * z_b - z_a * z_a + x_b * x_b - x_a * x_a) / (2.0 * (x_b - x_a))
    radius = math.sqrt((x_a - centre) ** 2 + z_a * z_a)
    if x_a > x_b:
        radius = -radius
    return 0.3 * field * radius / 1000.0


@compiled
def _fill_features(
    indptr: NDArray[np.int64],
    cell_of_hit: NDArray[np.unsignedinteger],
    energy_of_hit: NDArray[np.float32],
    x_mm: NDArray[np.float64],
    y_mm: NDArray[np.float64],
    shape: tuple[int, int, int],
    pitch: tuple[float, float, float],
    field: float,
    features: NDArray[np.float32],
) -> None:
    n_z, n_x, n_y = shape
    layer = n_x * n_y
    # scratch of all events; each event clears the cells it touched
    grid = np.zeros((n_x, n_y, n_z))
    lines = np.zeros((n_x, n_y, max(n_z - WINDOW + 1, 0)))
    bounds = np.zeros((n_x, n_y))
    slots = np.zeros(n_z * layer, dtype=np.int32)
    queue = np.empty(MAX_CLUSTER_CELLS, dtype=np.int32)
    strong_cells = np.empty(n_z * layer, dtype=np.int64)
    strong_energies = np.empty(n_z * layer, dtype=np.float64)
    clusters = np.empty(12)
    offset_x = np.empty(layer)
    offset_y = np.empty(layer)
    radius2 = np.empty(layer)
    weight_y = np.empty(layer)
    centre_x = np.empty(layer)
    columns = grid.reshape(layer, n_z)
    for i in range(layer):
        centre_x[i] = pitch[1] * (i // n_y + 0.5 - 0.5 * n_x)
    row = np.empty(_N_FEATURES)
    # per fifth: energy, energy x offset x, energy x offset y, energy x radius squared
    fifths = np.empty((5, 4))
    # per half: weight, weight x position x, weight x depth
    halves = np.empty((2, 3))

    for event in range(len(features)):
        entry_y = _entry_centre(y_mm[event], pitch[2])
        for i in range(layer):
            centre_y = pitch[2] * (i % n_y + 0.5 - 0.5 * n_y)
            offset_x[i] = centre_x[i] - x_mm[event]
            offset_y[i] = centre_y - y_mm[event]
            radius2[i] = offset_x[i] * offset_x[i] + offset_y[i] * offset_y[i]
            if i < n_y:
                weight_y[i] = np.exp(-abs(centre_y - entry_y) / BEND_WIDTH_MM)
            else:
                weight_y[i] = weight_y[i - n_y]
        fifths[:] = 0.0
        halves[:] = 0.0
        above = above_x = above_y = weak = middle = 0.0
        n_strong = 0
        hit, stop = indptr[event], indptr[event + 1]
        while hit < stop:
            # cells are ascending: one layer after another
            iz = int(cell_of_hit[hit]) // layer
            base = iz * layer
            sum_e = sum_x = sum_y = sum_r2 = sum_w = sum_wx = 0.0
            while hit < stop:
                i = int(cell_of_hit[hit]) - base
                if i < 0 or i >= layer:
                    break
                energy = float(energy_of_hit[hit])
                hit += 1
                along_x = energy * offset_x[i]
                along_y = energy * offset_y[i]
                weight = energy * weight_y[i]
                sum_e += energy
                sum_x += along_x
                sum_y += along_y
                sum_r2 += energy * radius2[i]
                sum_w += weight
                sum_wx += weight * centre_x[i]
                if energy > THRESHOLD_GEV:
                    above += energy
                    above_x += along_x
                    above_y += along_y
                    strong_cells[n_strong] = base + i
                    strong_energies[n_strong] = energy
                    n_strong += 1
                else:
                    columns[i, iz] = energy
                    if energy > WEAK_GEV:
                        middle += energy
                    else:
                        weak += energy
            fifth = fifths[iz * 5 // n_z]
            fifth[0] += sum_e
            fifth[1] += sum_x
            fifth[2] += sum_y
            fifth[3] += sum_r2
            half = halves[iz * 2 // n_z]
            half[0] += sum_w
            half[1] += sum_wx
            half[2] += sum_w * (pitch[0] * iz)

        all_e = all_x = all_y = all_r2 = 0.0
        for i in range(5):
            all_e += fifths[i, 0]
            all_x += fifths[i, 1]
            all_y += fifths[i, 2]
            all_r2 += fifths[i, 3]
            row[4 + i] = _ratio(fifths[i, 3], fifths[i, 0])
        row[0] = above
        row[1] = _ratio(math.sqrt(all_x * all_x + all_y * all_y), all_e)
        row[2] = _ratio(math.sqrt(above_x * above_x + above_y * above_y), above)
        row[3] = _ratio(all_r2, all_e)

        column_x = _entry_index(x_mm[event], pitch[1], n_x)
        column_y = _entry_index(y_mm[event], pitch[2], n_y)
        inside = 0 <= column_x < n_x and 0 <= column_y < n_y
        column = column_x * n_y + column_y if inside else -1
        summarise_clusters(strong_cells[:n_strong], strong_energies[:n_strong], column, slots, queue, shape, clusters)
        for i in range(12):
            row[9 + i if i < 10 else 10 + i] = clusters[i]  # eclumax1 stands between
        row[25], row[19] = search_window(grid, lines, bounds, column_x, column_y)

        row[22] = all_x + above_x
        row[23] = all_y + above_y
        z_a = _ratio(halves[0, 2], halves[0, 0])
        z_b = _ratio(halves[1, 2], halves[1, 0])
        row[24] = _bending_energy(halves, z_a, z_b, field)
        row[26] = weak
        row[27] = middle
        for i in range(_N_FEATURES):
            features[event, i] = row[i]
        for hit in range(indptr[event], stop):
            iz = int(cell_of_hit[hit]) // layer
            columns[int(cell_of_hit[hit]) - iz * layer, iz] = 0.0
