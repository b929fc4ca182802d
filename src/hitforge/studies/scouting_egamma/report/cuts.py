"""Cuts that the chapter shows, those for training and those for comparison."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.scouting_egamma.data.selection import observable_cuts
from hitforge.studies.scouting_egamma.features import FEATURE_NAMES


def all_cuts(data: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.bool_]]:
    """Return which candidates each cut keeps, shape (n,), by its words; alone, not one after the other."""
    features = np.stack([data[name] for name in FEATURE_NAMES], axis=1)
    response = 1 / data["y"]
    no_dead = data["dead"] == 0
    return {
        "away from gaps, rims and dead channels": data["quality"] == 0,
        "no dead channel in the 5 × 5": no_dead,
        **observable_cuts(features),
        "all observable cuts": data["observable"] > 0,
        "dE > −0.4 (looks at the truth)": response > 0.6,
        "$E_{reco}$ > 0.85 $E_{MC}$ (looks at the truth)": response > 0.85,
        "no dead channel and dE > −0.4 (looks at the truth)": no_dead & (response > 0.6),
    }
