"""Lead tungstate as the simulation sees it. Units inside the simulation: MeV and cm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

ELECTRON_MASS: Final = 0.51099895  # MeV
MUON_MASS: Final = 105.6583755  # MeV
ALPHA: Final = 1 / 137.035999
ELECTRON_RADIUS: Final = 2.8179403262e-13  # cm
HBAR_C: Final = 197.3269804e-13  # MeV cm
AVOGADRO: Final = 6.02214076e23
BETHE_K: Final = 0.307075  # MeV cm2 / mol, 4 pi N_A r_e^2 m


@dataclass(frozen=True)
class Element:
    """One element of a compound: charge number, molar mass [g/mol] and mass fraction."""

    z: int
    a: float
    fraction: float


@dataclass(frozen=True)
class Material:
    """A compound with the constants of its density effect.

    Attributes
    ----------
    elements : tuple of Element
    density : float, g/cm3
    excitation : float, MeV
        Mean excitation energy I.
    density_effect : tuple of float
        Sternheimer's (C, x0, x1, a, k): At. Data Nucl. Data Tables 30 (1984) 261.
    """

    elements: tuple[Element, ...]
    density: float
    excitation: float
    density_effect: tuple[float, float, float, float, float]

    @property
    def z_over_a(self) -> float:
        """Electrons per unit of molar mass, mol/g."""
        return sum(e.fraction * e.z / e.a for e in self.elements)

    @property
    def plasma_energy(self) -> float:
        """Plasma energy in MeV: 28.816 eV sqrt(rho Z/A)."""
        return float(28.816e-6 * np.sqrt(self.density * self.z_over_a))

    @property
    def radiation_length(self) -> float:
        """Radiation length in cm after Tsai, Rev. Mod. Phys. 46 (1974) 815, eq. 3.66 (Z > 4) with his table B.2."""
        inverse = 0.0
        for e in self.elements:
            radiative = np.log(184.15) - np.log(e.z) / 3
            electrons = np.log(1194.0) - 2 * np.log(e.z) / 3
            atoms = self.density * AVOGADRO * e.fraction / e.a
            inverse += (
                4
                * ALPHA
                * ELECTRON_RADIUS**2
                * atoms
                * (e.z**2 * (radiative - coulomb_correction(e.z)) + e.z * electrons)
            )
        return float(1 / inverse)


def coulomb_correction(z: int) -> float:
    """Davies, Bethe and Maximon's f(Z) as expanded by Tsai, Rev. Mod. Phys. 46 (1974) 815, eq. 3.3."""
    a2 = (ALPHA * z) ** 2
    return a2 * (1 / (1 + a2) + 0.20206 - 0.0369 * a2 + 0.0083 * a2**2 - 0.002 * a2**3)


PBWO4: Final = Material(
    elements=(Element(82, 207.2, 0.4554), Element(74, 183.84, 0.4040), Element(8, 15.999, 0.1406)),
    density=8.28,
    excitation=600.7e-6,
    density_effect=(5.8528, 0.4068, 3.0023, 0.22758, 3.0),
)

MATERIALS: Final = {"G4_PbWO4": PBWO4}
