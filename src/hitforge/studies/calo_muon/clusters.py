"""Clusters of strong cells and the search for the best window among the weak ones (arXiv:2107.02119, section 3).

Compiled kernels for one event; :mod:`hitforge.studies.calo_muon.features` loops over events and owns the scratch
arrays. Flat cells are ``(iz * n_x + ix) * n_y + iy``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitforge.compiled import compiled

MAX_CLUSTER_CELLS = 1000
"""Growth of a cluster stops here; what is left of it is seeded again."""

WINDOW = 3
"""Edge of the cubic search window, cells."""


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
    lines: NDArray[np.float64],
    bounds: NDArray[np.float64],
    column_x: int,
    column_y: int,
) -> tuple[float, float]:
    """Find the largest 3 x 3 x 3 sum of weak cells, and the running maximum that it replaced.

    The second number depends on the order of the scan (x outermost, z innermost), which is kept. Sums are made
    along z, then y, then x, so a window's sum has the same bits wherever its filled cells lie in it, and a column
    of windows is skipped when a sum of upper bounds, made in the same order, cannot exceed the maximum.

    Parameters
    ----------
    grid : ndarray, shape (n_x, n_y, n_z), float64, GeV
        Deposits of the cells at or below threshold, others 0.
    lines : ndarray, shape (n_x, n_y, n_z - 2), float64
        Scratch.
    bounds : ndarray, shape (n_x, n_y), float64
        Scratch.
    column_x, column_y : int
        Cell indices of the entry point: two windows beside it are skipped at each depth.

    Returns
    -------
    tuple of float
        Largest sum and the running maximum before it, GeV.
    """
    n_x, n_y, n_z = grid.shape
    n_k = n_z - WINDOW + 1
    for ix in range(n_x):
        for iy in range(n_y):
            cell, line = grid[ix, iy], lines[ix, iy]
            for k in range(n_k):
                line[k] = cell[k] + cell[k + 1] + cell[k + 2]
            bound = 0.0
            for k in range(n_k):
                bound = max(bound, line[k])
            bounds[ix, iy] = bound
    best = 0.0
    previous = 0.0
    for i in range(n_x - WINDOW + 1):
        for j in range(n_y - WINDOW + 1):
            if column_y - j == 1 and 0 <= column_x - i <= 1:
                continue
            bound = 0.0
            for a in range(i, i + WINDOW):
                bound += bounds[a, j] + bounds[a, j + 1] + bounds[a, j + 2]
            if bound <= best:
                continue
            for k in range(n_k):
                total = 0.0
                for a in range(i, i + WINDOW):
                    total += lines[a, j, k] + lines[a, j + 1, k] + lines[a, j + 2, k]
                if total > best:
                    previous = best
                    best = total
    return best, previous
