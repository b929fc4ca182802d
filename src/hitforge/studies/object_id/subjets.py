"""How well one, two or three axes describe the deposits: ratios like those of N-subjettiness, from cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROUNDS = 4
"""Updates of the axes; the hottest cells that are not close to each other are a good start."""

SEPARATION = 0.1
"""Least distance of two starting axes, as far as there are deposits that allow it."""

Floats = NDArray[np.float64]


def axis_distances(energy: Floats, eta: Floats, phi: Floats, n_axes: int) -> Floats:
    """Return the energy-weighted mean distance to the nearest of ``n_axes`` k-means axes, shape (n,).

    Parameters
    ----------
    energy : ndarray, shape (n, cells)
        Deposits, of which at least one is positive.
    eta, phi : ndarray, shape (cells,)
        Centres of the cells.
    """
    axes = _start(energy, eta, phi, n_axes)
    for _ in range(ROUNDS):
        nearest = _distances(axes, eta, phi).argmin(axis=1)
        for k in range(n_axes):
            own = np.where(nearest == k, energy, 0.0)
            total = own.sum(axis=1)
            moved = np.stack([own @ eta, own @ phi], axis=1) / np.where(total > 0, total, 1.0)[:, None]
            axes[:, k] = np.where((total > 0)[:, None], moved, axes[:, k])
    shortest = _distances(axes, eta, phi).min(axis=1)
    return np.asarray((energy * shortest).sum(axis=1) / energy.sum(axis=1))


def _start(energy: Floats, eta: Floats, phi: Floats, n_axes: int) -> Floats:
    """Return the hottest cell, then the hottest that is far from those before, shape (n, n_axes, 2)."""
    left = energy.copy()
    axes = np.empty((len(energy), n_axes, 2))
    for k in range(n_axes):
        hottest = left.argmax(axis=1)
        axes[:, k] = np.stack([eta[hottest], phi[hottest]], axis=1)
        near = np.hypot(eta - axes[:, k, :1], phi - axes[:, k, 1:]) < SEPARATION
        left = np.where(near, -1.0, left)
    return axes


def _distances(axes: Floats, eta: Floats, phi: Floats) -> Floats:
    """Return distances, shape (n, n_axes, cells)."""
    return np.hypot(eta - axes[:, :, :1], phi - axes[:, :, 1:])
