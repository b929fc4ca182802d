"""Constants of the road generator, from ``constants.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from hitforge.settings_base import Settings
from hitforge.studies.csc_muon.data.planes import N_PLANES, PLANE_NAMES
from hitforge.yaml_files import read_as

# values by key; what each one is stands beside it in the file
_Numbers = Mapping[str, float]


class Straightness(Settings):
    """Bins of the straightness word."""

    edges: tuple[float, ...]
    phi_step: float


class Acceptance(Settings):
    """Turn-on of the road finder and the modes it accepts."""

    pt_gev: float
    width_gev: float
    low_eta: float
    low_eta_factor: float
    modes: tuple[int, ...]


class Constants(Settings):
    """The constants; comments in the file give units and formulas."""

    gun: _Numbers
    bending: _Numbers
    sector: _Numbers
    slopes: Mapping[str, tuple[float, ...]]
    scattering: _Numbers
    phi_resolution: tuple[float, ...]
    theta_resolution: tuple[float, ...]
    efficiency: tuple[float, ...]
    rpc_phi_step: float
    me11_eta_min: float
    me12_eta_max: float
    bend: _Numbers
    front_share: float
    early_share: float
    acceptance: Acceptance
    straightness: Straightness
    displaced: _Numbers
    showering: _Numbers
    pileup: _Numbers

    @model_validator(mode="after")
    def _one_entry_per_plane(self) -> Constants:
        if set(self.slopes) != {"eta", *PLANE_NAMES}:
            raise ValueError(f"slopes must have the rows eta, {', '.join(PLANE_NAMES)}")
        if len({len(row) for row in self.slopes.values()}) != 1:
            raise ValueError("rows of slopes differ in length")
        for name in ("phi_resolution", "theta_resolution", "efficiency"):
            if len(getattr(self, name)) != N_PLANES:
                raise ValueError(f"{name} must have {N_PLANES} values, one for each plane")
        return self

    def slopes_at(self, abs_eta: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return d(phi_plane - phi_ME2)/d(q/pT) in GeV/60 deg, shape (12, N), float32, linear in |eta|."""
        slopes = np.empty((N_PLANES, len(abs_eta)), dtype=np.float32)
        for row, name in zip(slopes, PLANE_NAMES, strict=True):
            row[:] = np.interp(abs_eta, self.slopes["eta"], self.slopes[name])
        return slopes


@cache
def load_constants() -> Constants:
    """Return the shipped constants."""
    path = Path(__file__).with_name("constants.yaml")
    return read_as(Constants, path)
