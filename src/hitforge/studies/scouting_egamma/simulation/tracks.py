"""Tracks of simulated electrons, and how they match the cluster."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.scouting_egamma.simulation.constants import Constants
from hitforge.studies.scouting_egamma.simulation.guns import Guns


def track_columns(
    rng: np.random.Generator, guns: Guns, raw_energy: NDArray[np.floating], constants: Constants
) -> dict[str, NDArray[np.floating]]:
    """Return the track's columns, shape (n,), NaN for photons; without a cluster energy there is no ``ooemoop``."""
    about, n = constants.track, len(guns.pt)

    def normal() -> NDArray[np.float64]:
        return rng.standard_normal(n)

    constant, slope = about.resolution
    momentum = guns.energy * guns.kept**0.25 * np.maximum(1 + (constant + slope * guns.pt) * normal(), 0.05)
    with np.errstate(divide="ignore"):
        inverse = np.where(raw_energy > 0, 1 / raw_energy, np.nan)
    columns = {
        "detain": about.detain * normal(),
        "dphiin": about.dphiin * normal() - about.dphiin_brem * guns.turns[1] * (1 - guns.kept),
        "ooemoop": inverse - 1 / momentum,
        "fbrem": np.clip(1 - guns.kept * (1 + about.fbrem * normal()), -0.5, 1),
        "trkpt": momentum / np.cosh(guns.eta),
        "trketa": guns.eta + about.direction * normal(),
        "trkphi": guns.phi + about.direction * normal(),
        "trkq": guns.charge * np.where(rng.random(n) < about.wrong_charge, -1, 1),
    }
    return {name: np.where(guns.is_electron, values, np.nan) for name, values in columns.items()}
