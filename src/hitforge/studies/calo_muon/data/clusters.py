"""Kernels of the features: clusters, the search for the best window, and the loop over events (arXiv:2107.02119).

They and their constants stand in one module because machine code kept on disk is renewed only when the module of
the calling kernel changes. Flat cells are ``(iz * n_x + ix) * n_y + iy``.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hitforge.compiled import compiled

MAX_CLUSTER_CELLS: Final = 1000
"""Growth of a cluster stops here; what is left of it is seeded again."""

WINDOW: Final = 3
"""Edge of the cubic search window, cells."""

THRESHOLD_GEV: Final = 0.1
"""A cell strictly above it is strong: it seeds and joins clusters."""

WEAK_GEV: Final = 0.01
"""Upper edge of the lowest class of deposits."""

BEND_WIDTH_MM: Final = 50.0
"""Length over which cells lose weight with distance in y in the curvature estimate."""

ROUNDING: Final = 1.0 + 1e-12
"""More than rounding can do to the sum of a few hundred positive numbers, relative."""

SAME_X_MM: Final = 1e-9
"""Mean positions closer than this count as equal: their difference is rounding, and the radius would be noise."""


@compiled
def grow_cluster(
    seed: int,
    cells: NDArray[np.int64],
    energies: NDArray[np.float64],
    slots: NDArray[np.int32],
    queue: NDArray[np.int32],
    shape: tuple[int, int, int],
) -> tuple[int, float, int, int, int]:
    """Collect the usable cells connected to a seed through faces, breadth first.

    Parameters
    ----------
    seed : int
        Position of the seed in ``cells``.
    cells, energies : ndarray, shape (n_strong,)
        Flat cells above threshold and their deposits in GeV.
    slots : ndarray, shape (n_cells,), int32
        For a usable cell its position in ``cells`` plus one, else 0. Collected cells are set to 0.
    queue : ndarray, shape (MAX_CLUSTER_CELLS,), int32
        Scratch.
    shape : tuple of int
        Number of cells along (z, x, y).

    Returns
    -------
    tuple
        Number of cells, energy in GeV, extent (largest minus smallest index) along x, y and z.
    """
    n_z, n_x, n_y = shape
    layer = n_x * n_y
    cell = cells[seed]
    lo_z = hi_z = cell // layer
    lo_x = hi_x = cell % layer // n_y
    lo_y = hi_y = cell % n_y
    queue[0] = seed
    slots[cell] = 0
    count = 1
    head = 0
    energy = 0.0
    while head < count:
        cell = cells[queue[head]]
        energy += energies[queue[head]]
        head += 1
        iz = cell // layer
        ix = cell % layer // n_y
        iy = cell % n_y
        lo_z, hi_z = min(lo_z, iz), max(hi_z, iz)
        lo_x, hi_x = min(lo_x, ix), max(hi_x, ix)
        lo_y, hi_y = min(lo_y, iy), max(hi_y, iy)
        # the order of the neighbours decides which cells a capped cluster gets
        for side in range(6):
            if side == 0:
                inside, neighbour = iz > 0, cell - layer
            elif side == 1:
                inside, neighbour = iz < n_z - 1, cell + layer
            elif side == 2:
                inside, neighbour = ix > 0, cell - n_y
            elif side == 3:
                inside, neighbour = ix < n_x - 1, cell + n_y
            elif side == 4:
                inside, neighbour = iy < n_y - 1, cell + 1
            else:
                inside, neighbour = iy > 0, cell - 1
            if inside and slots[neighbour] > 0 and count < MAX_CLUSTER_CELLS:
                queue[count] = slots[neighbour] - 1
                slots[neighbour] = 0
                count += 1
    return count, energy, hi_x - lo_x, hi_y - lo_y, hi_z - lo_z


@compiled
def summarise_clusters(
    cells: NDArray[np.int64],
    energies: NDArray[np.float64],
    column: int,
    slots: NDArray[np.int32],
    queue: NDArray[np.int32],
    shape: tuple[int, int, int],
    out: NDArray[np.float64],
) -> None:
    """Fill the 12 cluster features of one event.

    Parameters
    ----------
    cells, energies : ndarray, shape (n_strong,)
        Flat cells above threshold in ascending order and their deposits in GeV.
    column : int
        ``ix * n_y + iy`` of the muon's entry cell; -1 if it enters outside the block.
    slots, queue : ndarray
        Scratch, see :func:`grow_cluster`; ``slots`` is all zero on entry and on return.
    shape : tuple of int
        Number of cells along (z, x, y).
    out : ndarray, shape (12,), float64
        Clusters seeded in the track's column: number, largest cell count, largest energy, largest extent along x,
        y, z, ``largest energy / largest count``, mean count. Other clusters: number, largest count,
        ``largest energy / largest count``, mean count.
    """
    layer = shape[1] * shape[2]
    for i in range(len(cells)):
        slots[cells[i]] = i + 1
    # The strongest usable cell never gets stronger, so one pass in falling order seeds like a search before each
    # cluster. The stable sort keeps the lowest flat cell first among equals: the scan order z, x, y.
    order = np.argsort(-energies, kind="mergesort")
    for track in (True, False):
        n_cluster = n_cell = most_cells = 0
        most_energy = 0.0
        deep_x = deep_y = deep_z = 0
        for i in order:
            if slots[cells[i]] == 0 or (track and cells[i] % layer != column):
                continue
            count, energy, dx, dy, dz = grow_cluster(i, cells, energies, slots, queue, shape)
            n_cluster += 1
            n_cell += count
            most_cells = max(most_cells, count)
            most_energy = max(most_energy, energy)
            deep_x, deep_y, deep_z = max(deep_x, dx), max(deep_y, dy), max(deep_z, dz)
        per_cell = most_energy / most_cells if n_cluster else 0.0
        mean_cells = n_cell / n_cluster if n_cluster else 0.0
        if track:
            out[0], out[1], out[2] = n_cluster, most_cells, most_energy
            out[3], out[4], out[5] = deep_x, deep_y, deep_z
            out[6], out[7] = per_cell, mean_cells
        else:
            out[8], out[9], out[10], out[11] = n_cluster, most_cells, per_cell, mean_cells


@compiled
def search_window(
    grid: NDArray[np.float64],
    sums: NDArray[np.float64],
    lines: NDArray[np.float64],
    tops: NDArray[np.float64],
    totals: NDArray[np.float64],
    column_x: int,
    column_y: int,
) -> tuple[float, float]:
    """Find the largest 3 x 3 x 3 sum of weak cells, and the running maximum that it replaced.

    The second number depends on the order of the scan (x outermost, z innermost), which is kept. Sums are made
    along z, then y, then x, so a window's sum has the same bits wherever its filled cells lie in it. A column of
    windows is skipped when an upper bound cannot exceed the maximum: first the sum of its nine columns of cells,
    then the sum, made in the same order, of their largest sums of three. The latter are made when first needed.

    Parameters
    ----------
    grid, sums : ndarray, shapes (n_x, n_y, n_z) and (n_x, n_y), float64, GeV
        Deposits of the cells at or below threshold, others 0, and the sum of each column along z.
    lines, tops, totals : ndarray, float64
        Scratch of shapes (n_x, n_y, n_z - 2), (n_x, n_y) and (n_z - 2,).
    column_x, column_y : int
        Cell indices of the entry point: two windows beside it are skipped at each depth.

    Returns
    -------
    tuple of float
        Largest sum and the running maximum before it, GeV.
    """
    n_x, n_y, n_z = grid.shape
    n_k = n_z - WINDOW + 1
    tops[:] = -1.0  # not made yet
    best = previous = 0.0
    for i in range(n_x - WINDOW + 1):
        for j in range(n_y - WINDOW + 1):
            bound = 0.0
            for a in range(i, i + WINDOW):
                bound += sums[a, j] + sums[a, j + 1] + sums[a, j + 2]
            if bound * ROUNDING <= best or (column_y - j == 1 and 0 <= column_x - i <= 1):
                continue
            bound = 0.0
            for a in range(i, i + WINDOW):
                for b in range(j, j + WINDOW):
                    if tops[a, b] < 0.0:
                        cell, line, top = grid[a, b], lines[a, b], 0.0
                        for k in range(n_k):
                            line[k] = cell[k] + cell[k + 1] + cell[k + 2]
                        for k in range(n_k):
                            top = line[k] if line[k] > top else top  # max() would look for NaN
                        tops[a, b] = top
                bound += tops[a, j] + tops[a, j + 1] + tops[a, j + 2]
            if bound <= best:
                continue
            totals[:] = 0.0
            for a in range(i, i + WINDOW):
                for k in range(n_k):
                    totals[k] += lines[a, j, k] + lines[a, j + 1, k] + lines[a, j + 2, k]
            for k in range(n_k):
                if totals[k] > best:
                    previous = best
                    best = totals[k]
    return best, previous


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
def fill_features(
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
    """Fill all features of all events; see :func:`hitforge.studies.calo_muon.data.reading.high_level_features`.

    ``pitch`` is along (z, x, y) in mm, ``field`` in tesla.
    """
    n_z, n_x, n_y = shape
    layer = n_x * n_y
    # scratch of all events; each event clears the cells it touched
    grid = np.zeros((n_x, n_y, n_z))
    lines = np.zeros((n_x, n_y, max(n_z - WINDOW + 1, 0)))
    tops = np.empty((n_x, n_y))
    totals = np.empty(max(n_z - WINDOW + 1, 0))
    sums = np.zeros(layer)
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
    weak_cells = grid.reshape(layer * n_z)
    places = np.empty(layer * n_z, dtype=np.int32)
    for i in range(layer):
        centre_x[i] = pitch[1] * (i // n_y + 0.5 - 0.5 * n_x)
    row = np.empty(features.shape[1])
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
            weight_y[i] = np.exp(-abs(centre_y - entry_y) / BEND_WIDTH_MM) if i < n_y else weight_y[i - n_y]
        fifths[:] = 0.0
        halves[:] = 0.0
        above = above_x = above_y = weak = middle = 0.0
        n_strong = n_weak = 0
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
                    places[n_weak] = i * n_z + iz
                    weak_cells[i * n_z + iz] = energy
                    n_weak += 1
                    sums[i] += energy
                    # without a branch: the processor cannot guess it, and adding 0 changes no bit
                    middle += energy if energy > WEAK_GEV else 0.0
                    weak += 0.0 if energy > WEAK_GEV else energy
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
        row[25], row[19] = search_window(grid, sums.reshape(n_x, n_y), lines, tops, totals, column_x, column_y)

        row[22], row[23] = all_x + above_x, all_y + above_y
        z_a = _ratio(halves[0, 2], halves[0, 0])
        z_b = _ratio(halves[1, 2], halves[1, 0])
        row[24] = _bending_energy(halves, z_a, z_b, field)
        row[26], row[27] = weak, middle
        features[event] = row
        sums[:] = 0.0
        for i in range(n_weak):
            weak_cells[places[i]] = 0.0
