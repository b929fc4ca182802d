"""Weights of the trainings."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.scouting_egamma.features import columns_of
from hitforge.studies.scouting_egamma.settings import EgammaModelSettings

PIVOT_GEV: Final = 20.0
"""Weights of a falling spectrum are one here, so that they are near one on average."""


def event_weight(
    model: EgammaModelSettings, features: NDArray[np.float32], target: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return (pT / 20 GeV)^-n of each candidate, shape (n,), which makes a flat spectrum of true pT a falling one."""
    # the true pT, not the reconstructed one: what a crack has swallowed would count a thousandfold
    pt = columns_of(features)["pt"].astype(np.float64) * target
    return np.asarray((pt / PIVOT_GEV) ** -model.spectrum_exponent)
