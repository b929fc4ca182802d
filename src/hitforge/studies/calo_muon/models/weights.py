"""Event weights that take the edge of the training spectrum out of the regression."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hitforge.config import ModelSettings
from hitforge.studies.calo_muon.settings import WeightSettings


def event_weight(
    model: ModelSettings, features: NDArray[np.float32], target: NDArray[np.floating], *, weights: WeightSettings
) -> NDArray[np.float64]:
    """Return the training weight of each muon, the same for all models."""
    return event_weights(target, weights).astype(np.float64)


def event_weights(energy_gev: ArrayLike, settings: WeightSettings | None = None) -> NDArray[np.float32]:
    """Down-weight muons near and above the offset energy (arXiv:2107.02119, training section).

    The spectrum ends at 8 TeV, and a regression pulls its predictions away from a hard edge. Training beyond the
    range of interest with falling weights moves that edge out of the way.

    Parameters
    ----------
    energy_gev : array_like, shape (n,), GeV
        True energies.
    settings : WeightSettings, optional
        Offset and widths of the sigmoid; the paper's by default.

    Returns
    -------
    ndarray, shape (n,), float32
        1 - sigmoid((E - offset) / width), with one width below and another above the offset.
    """
    chosen = settings or WeightSettings()
    distance = np.asarray(energy_gev, dtype=np.float64) - chosen.offset_gev
    scaled = distance / np.where(distance <= 0, chosen.width_below_gev, chosen.width_above_gev)
    # The exponent is never positive, so neither tail overflows; 1 - sigmoid(u) = e / (1 + e) above the offset.
    decay = np.exp(-np.abs(scaled))
    weight = np.where(scaled <= 0, 1.0, decay) / (1.0 + decay)
    return weight.astype(np.float32)
