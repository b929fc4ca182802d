"""The 28 features in the most obvious way: dense float64 grids, loops, no cleverness. Slow."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

T = 0.1


def _ratio(a: float, b: float) -> float:
    return a / b if b != 0.0 else 0.0


def _clusters(usable: np.ndarray, seeds_of) -> list[list[tuple[int, int, int]]]:
    """Cluster a (z, x, y) grid in place: consumed cells become 0."""
    found = []
    while True:
        candidates = [c for c in seeds_of() if usable[c] > T]
        if not candidates:
            return found
        seed = max(candidates, key=lambda c: usable[c])  # the first of equals
        queue, cluster = deque([seed]), [seed]
        energy = [usable[seed]]
        usable[seed] = 0.0
        while queue:
            z, x, y = queue.popleft()
            for dz, dx, dy in ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, 1), (0, 0, -1)):
                n = (z + dz, x + dx, y + dy)
                if any(i < 0 or i >= size for i, size in zip(n, usable.shape, strict=True)):
                    continue
                if usable[n] > T and len(cluster) < 1000:
                    energy.append(usable[n])
                    usable[n] = 0.0
                    cluster.append(n)
                    queue.append(n)
        found.append((cluster, sum(energy)))


def oracle_features(grid: np.ndarray, x: float, y: float, pitch_z: float = 40.64, field: float = 2.0) -> np.ndarray:
    """Features of one muon from its dense grid (50, 32, 32) of deposits in GeV."""
    grid = grid.astype(np.float64)
    iz, ix, iy = np.indices(grid.shape)
    px, py, pz = -58.125 + 3.75 * ix, -58.125 + 3.75 * iy, pitch_z * iz
    dx, dy = px - x, py - y
    r2 = dx**2 + dy**2
    e = np.where(grid > 0, grid, 0.0)
    above = np.where(e > T, e, 0.0)
    f = np.zeros(28)

    f[0] = above.sum()
    f[1] = _ratio(math.hypot((e * dx).sum(), (e * dy).sum()), e.sum())
    f[2] = _ratio(math.hypot((above * dx).sum(), (above * dy).sum()), above.sum())
    f[3] = _ratio((e * r2).sum(), e.sum())
    for i in range(5):
        s = slice(10 * i, 10 * i + 10)
        f[4 + i] = _ratio((e * r2)[s].sum(), e[s].sum())

    cx, cy = int((x + 60) / 3.75), int((y + 60) / 3.75)
    usable = above.copy()
    track = _clusters(usable, lambda: [(k, cx, cy) for k in range(50)])
    off = _clusters(usable, lambda: [tuple(c) for c in np.argwhere(usable > T)])  # argwhere scans z, x, y
    if track:
        f[9] = len(track)
        f[10] = max(len(cells) for cells, _ in track)
        f[11] = max(energy for _, energy in track)
        for axis, place in ((1, 12), (2, 13), (0, 14)):
            f[place] = max(max(c[axis] for c in cells) - min(c[axis] for c in cells) for cells, _ in track)
        f[15] = f[11] / f[10]
        f[16] = sum(len(cells) for cells, _ in track) / len(track)
    if off:
        f[17] = len(off)
        f[18] = max(len(cells) for cells, _ in off)
        f[20] = max(energy for _, energy in off) / f[18]
        f[21] = sum(len(cells) for cells, _ in off) / len(off)

    left = np.where(e > T, 0.0, e)
    for i in range(30):
        for j in range(30):
            if cx - i in (0, 1) and cy - j == 1:
                continue
            for k in range(48):
                total = left[k : k + 3, i : i + 3, j : j + 3].sum()
                if total > f[25]:
                    f[19], f[25] = f[25], total

    f[22] = (e * dx).sum() + (above * dx).sum()
    f[23] = (e * dy).sum() + (above * dy).sum()
    entry = 3.75 * int(y / 3.75) + (1.875 if y > 0 else -1.875)
    w = e * np.exp(-abs(py - entry) / 50)
    a, b = slice(0, 25), slice(25, 50)
    xa, xb = (_ratio((w * px)[h].sum(), w[h].sum()) for h in (a, b))
    za, zb = (_ratio((w * pz)[h].sum(), w[h].sum()) for h in (a, b))
    if abs(xa - xb) > 1e-9:  # closer is rounding
        x0 = (zb**2 - za**2 + xb**2 - xa**2) / (2 * (xb - xa))
        radius = math.hypot(xa - x0, za)
        f[24] = 0.3 * field * (-radius if xa > xb else radius) / 1000
    f[26] = e[e <= 0.01].sum()
    f[27] = e[(e > 0.01) & (e <= 0.1)].sum()
    return f
