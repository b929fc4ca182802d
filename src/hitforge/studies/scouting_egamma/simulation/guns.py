"""Electrons and photons in front of the calorimeter: bremsstrahlung, conversions, where they strike, tracks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.scouting_egamma.data.candidates import ELECTRON_MASS_GEV
from hitforge.studies.scouting_egamma.data.geometry import EB_ETA_MAX, EB_PITCH, EE_CENTRE, EE_PITCH_CM, EE_Z_CM
from hitforge.studies.scouting_egamma.simulation.constants import Constants, Region
from hitforge.studies.scouting_egamma.simulation.settings import SimulationSettings

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Guns:
    """Generated particles: pT and energy [GeV], eta, phi [rad], charge (0 for photons), region.

    An electron is two showers: itself with the energy fraction ``kept`` after bremsstrahlung, and the photon. A
    converted photon is two, too: its legs. ``turns``, shape (2, n), are the azimuths of both from the impact point
    [rad], which is ``eta_at`` and ``phi_at`` in crystals (EE: x and y).
    """

    pt: Floats
    eta: Floats
    phi: Floats
    energy: Floats
    charge: Floats
    is_eb: Bools
    kept: Floats
    turns: Floats
    eta_at: Floats
    phi_at: Floats

    @property
    def is_electron(self) -> Bools:
        """Electrons have a charge."""
        return np.asarray(self.charge != 0)

    def of(self, region: Region) -> Floats:
        """Return the value of each particle's region."""
        return np.where(self.is_eb, np.float32(region.eb), np.float32(region.ee))


def draw_guns(n: int, rng: np.random.Generator, settings: SimulationSettings, constants: Constants) -> Guns:
    """Return ``n`` electrons and photons after the material in front of the calorimeter."""
    pt = rng.uniform(settings.pt_min_gev, settings.pt_max_gev, n).astype(np.float32)
    eta = rng.uniform(-2.5, 2.5, n).astype(np.float32)
    phi = rng.uniform(-np.pi, np.pi, n).astype(np.float32)
    charge = np.where(rng.random(n) < settings.electron_share, rng.choice([-1.0, 1.0], n), 0.0).astype(np.float32)
    energy = np.hypot(pt * np.cosh(eta), np.where(charge != 0, ELECTRON_MASS_GEV, 0)).astype(np.float32)
    is_eb = np.abs(eta) < EB_ETA_MAX
    # Bethe-Heitler: the kept fraction is exp(-Gamma(t / ln 2, 1))
    depth = np.interp(np.abs(eta), constants.material["eta"], constants.material["x0"])
    kept = np.maximum(np.exp(-rng.standard_gamma(depth / np.log(2))), constants.brem["fraction_min"])
    kept = np.where(charge != 0, kept, 1.0)
    u = rng.uniform(*constants.brem_depth, n)
    bend = constants.brem["bend"] / pt * (1 - u) ** 1.5
    turns = np.stack([np.zeros(n), charge * bend / np.sqrt(kept)])
    if settings.conversions:
        # pair production after t radiation lengths, the energy shared evenly; each leg bends by its own momentum
        pair = (charge == 0) & (rng.random(n) < 1 - np.exp(-7 / 9 * depth))
        share = rng.uniform(constants.brem["fraction_min"], 1 - constants.brem["fraction_min"], n)
        kept = np.where(pair, share, kept)
        turns = np.where(pair, bend / np.stack([share, share - 1]), turns)
    eta_at, phi_at = impact_point(eta, phi, is_eb)
    return Guns(
        pt, eta, phi, energy, charge, is_eb, kept.astype(np.float32), turns.astype(np.float32), eta_at, phi_at
    )  # fmt: skip


def impact_point(eta: Floats, phi: Floats, is_eb: Bools) -> tuple[Floats, Floats]:
    """Return the impact point in crystals: eta and phi in EB, x and y in EE."""
    radius = EE_Z_CM / np.maximum(np.sinh(np.abs(eta)), 1) / EE_PITCH_CM
    first = np.where(is_eb, eta / EB_PITCH, EE_CENTRE + radius * np.cos(phi))
    second = np.where(is_eb, np.mod(phi, 2 * np.pi) / EB_PITCH, EE_CENTRE + radius * np.sin(phi))
    return first.astype(np.float32), second.astype(np.float32)


def track_columns(
    rng: np.random.Generator, guns: Guns, raw_energy: NDArray[np.floating], constants: Constants
) -> dict[str, NDArray[np.floating]]:
    """Return the columns of the track and of its match to the cluster, shape (n,), NaN for photons.

    Without a cluster energy there is no ``ooemoop``.
    """
    about, n = constants.track, len(guns.pt)

    def normal() -> NDArray[np.float64]:
        return rng.standard_normal(n)

    momentum = (
        guns.energy * guns.kept**0.25 * np.maximum(1 + (about["constant"] + about["slope"] * guns.pt) * normal(), 0.05)
    )
    with np.errstate(divide="ignore"):
        inverse = np.where(raw_energy > 0, 1 / raw_energy, np.nan)
    columns = {
        "detain": about["detain"] * normal(),
        "dphiin": about["dphiin"] * normal() - about["dphiin_brem"] * guns.turns[1] * (1 - guns.kept),
        "ooemoop": inverse - 1 / momentum,
        "fbrem": np.clip(1 - guns.kept * (1 + about["fbrem"] * normal()), -0.5, 1),
        "trkpt": momentum / np.cosh(guns.eta),
        "trketa": guns.eta + about["direction"] * normal(),
        "trkphi": guns.phi + about["direction"] * normal(),
        "trkq": guns.charge * np.where(rng.random(n) < about["wrong_charge"], -1, 1),
    }
    return {name: np.where(guns.is_electron, values, np.nan) for name, values in columns.items()}
