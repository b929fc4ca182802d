"""Slow, obvious versions of what the package computes fast."""

from __future__ import annotations

import math

import numpy as np


def features(matrix: np.ndarray, raw_energy: float, is_eb: bool) -> dict[str, float]:
    """Cell by cell, from the table of definitions; matrix[i][j] with i in eta, j in phi, the seed at [2][2]."""
    e = {(i - 2, j - 2): float(matrix[i][j]) for i in range(5) for j in range(5)}
    total = sum(e.values())
    inner = sum(v for (i, j), v in e.items() if abs(i) <= 1 and abs(j) <= 1)

    def row(i: int) -> float:
        return sum(e[i, j] for j in range(-2, 3))

    def column(j: int) -> float:
        return sum(e[i, j] for i in range(-2, 3))

    w = {cell: max(0.0, 4.7 + math.log(v / total)) if v > 0 else 0.0 for cell, v in e.items()}
    norm = sum(w.values())
    mean = [sum(w[c] * c[k] for c in e) / norm for k in (0, 1)]
    spread = [sum(w[c] * (c[a] - mean[a]) * (c[b] - mean[b]) for c in e) / norm for a, b in ((0, 0), (1, 1), (0, 1))]
    width = 0.01745 if is_eb else 0.0447
    return {
        "eMax": e[0, 0],
        "e2nd": sorted(e.values())[-2],
        "eL": e[-1, 0],
        "eR": e[1, 0],
        "eB": e[0, -1],
        "eT": e[0, 1],
        "e1x5": row(0),
        "e5x5": total,
        "e3x3": inner,
        "e2x5L": row(-2) + row(-1),
        "e2x5R": row(1) + row(2),
        "e2x5B": column(-2) + column(-1),
        "e2x5T": column(1) + column(2),
        "e2x5M": row(0) + max(row(-1), row(1)),
        "r9": inner / raw_energy,
        "sieie": math.sqrt(spread[0]) * width,
        "sipip": math.sqrt(spread[1]) * width,
        "sieip": spread[2] * width**2,
        "n_cells": sum(v > 0 for v in e.values()),
    }


def module_distance(ieta: int, mean: float) -> float:
    """Distance of the shower to the nearest eta gap, from the seed's ieta and the mean offset in eta."""
    centre = ieta - 0.5 if ieta > 0 else ieta + 0.5
    return min(abs(abs(centre + mean) - edge) for edge in (0, 25, 45, 65, 85))


def supermodule_distance(iphi: int, mean: float) -> float:
    """Distance to the nearest multiple of 20 crystals, from the seed's iphi and the mean offset in phi."""
    return min(abs(iphi - 0.5 + mean - 20 * k) for k in range(-1, 20))
