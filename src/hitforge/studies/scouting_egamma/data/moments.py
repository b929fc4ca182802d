"""Log-weighted moments of the 5 x 5 around the seed crystal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LOG_OFFSET: Final = 4.7
"""Cells below exp(-4.7) = 0.9 % of the energy have no weight (EcalClusterTools)."""

_PLACE = np.arange(-2, 3, dtype=np.float32)


@dataclass(frozen=True)
class Moments:
    """Of N showers, in crystals from the centre of the seed: means, variances and covariance, shape (N,)."""

    eta: Floats
    phi: Floats
    eta_eta: Floats
    phi_phi: Floats
    eta_phi: Floats


def log_weights(matrix: Floats) -> Floats:
    """Return max(0, 4.7 + ln(E_i / E_5x5)) of energies, shape (N, 5, 5); 0 for suppressed cells."""
    total = matrix.sum(axis=(1, 2), keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = LOG_OFFSET + np.log(matrix / total)
    return np.asarray(np.maximum(np.nan_to_num(weights, nan=0.0, neginf=0.0), 0), dtype=np.float32)


def moments_of(matrix: Floats) -> Moments:
    """Return the log-weighted moments of energies, shape (N, 5, 5); all 0 where no cell has energy."""
    weights = log_weights(matrix)
    total = weights.sum(axis=(1, 2))
    total[total == 0] = 1
    rows, columns = weights.sum(axis=2), weights.sum(axis=1)
    eta, phi = rows @ _PLACE / total, columns @ _PLACE / total
    eta_eta = np.maximum(rows @ _PLACE**2 / total - eta**2, 0)
    phi_phi = np.maximum(columns @ _PLACE**2 / total - phi**2, 0)
    covariance = np.einsum("nij,i,j->n", weights, _PLACE, _PLACE) / total - eta * phi
    return Moments(eta, phi, eta_eta, phi_phi, covariance.astype(np.float32))
