"""Rates and losses of electrons and photons in the block, tabulated on one logarithmic energy grid."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.calo_muon.simulation.material import (
    ALPHA,
    AVOGADRO,
    BETHE_K,
    ELECTRON_MASS,
    ELECTRON_RADIUS,
    HBAR_C,
    Material,
    coulomb_correction,
)
from hitforge.studies.calo_muon.simulation.tuning import ShowerTuning

Array = NDArray[np.float64]

_LOW, _HIGH, _N_ENERGY = 0.05, 1e7, 600  # MeV
_N_QUANTILE = 33

# MeV; the Coulomb correction lowers bremsstrahlung at high energy alone: at 10 MeV measurements agree with Born's
# approximation, at 50 MeV they are below it (Koch and Motz, Rev. Mod. Phys. 31 (1959) 920, section IV)
_COULOMB_FROM = 20.0

# Total photo-electric absorption of lead, cm2/g, from the attenuation tables of Hubbell and Seltzer (NISTIR 5632) with
# Compton scattering, coherent scattering and pairs taken off. Tungsten follows as 0.74 of it between 0.1 and 1.5 MeV.
_PHOTO_ENERGY = np.array([0.09, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0])
_PHOTO_LEAD = np.array(
    [7.0, 5.24, 1.82, 0.846, 0.293, 0.141, 0.0826, 0.0542, 0.0288, 0.0181, 0.0083, 0.0051, 0.0027, 0.0013, 0.00055]
)
_TUNGSTEN_TO_LEAD = 0.74

# L. Urban's parametrisation of Bethe-Heitler pair production, Geant4 Physics Reference Manual ("Gamma conversion"):
# polynomials in ln(E/m), microbarn.
_URBAN = np.array(
    [
        [8.7842e2, -1.9625e3, 1.2949e3, -2.0028e2, 1.2575e1, -2.8333e-1],
        [-1.0342e1, 1.7692e1, -8.2381, 1.3063, -9.0815e-2, 2.3586e-3],
        [-4.5263e2, 1.1161e3, -8.6749e2, 2.1773e2, -2.0467e1, 6.5372e-1],
    ]
)


class ShowerTables(NamedTuple):
    """Tables over ln(energy / MeV), kinetic energy of electrons, energy of photons; read at the nearest grid point.

    Attributes
    ----------
    ln_low, per_step : float
        First grid point and inverse of the grid spacing.
    electron : ndarray, shape (n, 4)
        Continuous loss below the cuts [MeV/cm]; bremsstrahlung, bremsstrahlung plus knock-on electrons, and the
        annihilation of positrons in flight [1/cm].
    brems_quantile : ndarray, shape (n, n_quantile)
        ln(k / cut) / ln(T / cut) of the photon energy k at equally spaced probabilities.
    photon : ndarray, shape (n, 3)
        Mean free path [cm]; cumulative shares of its end: Compton, Compton plus pairs. The rest is photo-electric.
    radiation_length : float, cm
    """

    ln_low: float
    per_step: float
    electron: Array
    brems_quantile: Array
    photon: Array
    radiation_length: float


def landau_pomeranchuk(energy: float, photon: Array, material: Material) -> Array:
    """Suppression of bremsstrahlung by multiple scattering: Migdal's theory, Phys. Rev. 103 (1956) 1811.

    Functions G(s), phi(s) and xi(s) as approximated by Stanev et al., Phys. Rev. D 25 (1982) 1291 (also Klein,
    Rev. Mod. Phys. 71 (1999) 1501, eqs. 66-79), for the compound's mean charge.

    Parameters
    ----------
    energy : float, MeV
        Total energy of the electron.
    photon : ndarray, shape (n,), MeV

    Returns
    -------
    ndarray, shape (n,)
        Factor between 0 and 1.
    """
    e_lpm = ALPHA * ELECTRON_MASS**2 * material.radiation_length / (4 * np.pi * HBAR_C)
    charge = sum(e.fraction / e.a * e.z**2 for e in material.elements) / material.z_over_a
    y = np.clip(photon / energy, 0.0, 1 - 1e-9)
    s_1 = (charge ** (1 / 3) / 184.15) ** 2
    s_bare = np.sqrt(e_lpm * y / (8 * energy * (1 - y)))
    ln_low = np.log(np.sqrt(2) * s_1)
    h = np.clip(np.log(np.maximum(s_bare, 1e-300)) / ln_low, 0.0, 1.0)
    xi = 1 + h - 0.08 * (1 - h) * (1 - (1 - h) ** 2) / ln_low
    s = s_bare / np.sqrt(xi)
    low = np.minimum(s, 1.55)  # the first approximations fail beyond, where the series in 1 / s take over
    phi = -np.expm1(-6 * low * (1 + (3 - np.pi) * low) + low**3 / (0.623 + 0.796 * low + 0.658 * low**2))
    psi = -np.expm1(-4 * low - 8 * low**2 / (1 + 3.96 * low + 4.97 * low**2 - 0.05 * low**3 + 7.5 * low**4))
    phi = np.where(s > low, 1 - 0.01190476 / np.maximum(s, low) ** 4, phi)
    g = np.where(s > low, 36 * s**2 / (36 * s**2 + 1), 3 * psi - 2 * phi)
    full = y * y + 2 * (1 + (1 - y) ** 2)
    result: Array = np.minimum(xi * (y * y * g + 2 * (1 + (1 - y) ** 2) * phi) / full, 1.0)
    return result


def electron_brems(kinetic: float, photon: Array, material: Material) -> Array:
    """Bremsstrahlung of electrons, interactions per cm and MeV.

    Tsai's cross section with Thomas-Fermi screening (Rev. Mod. Phys. 46 (1974) 815, eq. 3.9 with 3.38-3.41) and
    Ter-Mikaelian's dielectric and Landau and Pomeranchuk's suppression.

    Parameters
    ----------
    kinetic : float, MeV
    photon : ndarray, shape (n,), MeV
        Photon energies, at most ``kinetic``.
    """
    energy = kinetic + ELECTRON_MASS
    y = photon / energy
    rest = np.maximum(energy - photon, ELECTRON_MASS)
    total = np.zeros_like(photon)
    for e in material.elements:
        gamma = 100 * ELECTRON_MASS * photon / (energy * rest) * e.z ** (-1 / 3)
        eps = gamma * e.z ** (-1 / 3)
        phi = 16.863 - 2 * np.log1p((0.55846 * gamma) ** 2) + 2.4 * np.exp(-0.9 * gamma) + 1.6 * np.exp(-1.5 * gamma)
        psi = 24.34 - 2 * np.log1p((3.621 * eps) ** 2) + 2.8 * np.exp(-8 * eps) + 1.2 * np.exp(-29.2 * eps)
        phi_step = 2 / (3 + 19.5 * gamma + 18 * gamma**2)
        psi_step = 2 / (3 + 120 * eps + 1200 * eps**2)
        coulomb = coulomb_correction(e.z) * kinetic / (kinetic + _COULOMB_FROM)
        nuclear = phi / 4 - np.log(e.z) / 3 - coulomb + (psi / 4 - 2 * np.log(e.z) / 3) / e.z
        shape = (1 - y + 0.75 * y * y) * nuclear + 0.125 * (1 - y) * (phi_step + psi_step / e.z)
        atoms = material.density * AVOGADRO * e.fraction / e.a
        total += atoms * 16 / 3 * ALPHA * (ELECTRON_RADIUS * e.z) ** 2 / photon * np.maximum(shape, 0)
    suppression = 1 / (1 + (material.plasma_energy * energy / (ELECTRON_MASS * photon)) ** 2)
    result: Array = total * suppression * landau_pomeranchuk(energy, photon, material)
    return result


def electron_loss(kinetic: Array, cut: float, material: Material) -> Array:
    """Collision loss of electrons with transfers below ``cut``, MeV/cm: Berger and Seltzer (ICRU report 37).

    Parameters
    ----------
    kinetic : ndarray, shape (n,), MeV
    """
    tau = kinetic / ELECTRON_MASS
    gamma = tau + 1
    beta2 = 1 - 1 / gamma**2
    up = np.minimum(cut / ELECTRON_MASS, tau / 2 * (1 - 1e-12))
    f_minus = -1 - beta2 + np.log((tau - up) * up) + tau / (tau - up)
    f_minus += (up**2 / 2 + (2 * tau + 1) * np.log1p(-up / tau)) / gamma**2
    c_bar, x0, x1, a, k = material.density_effect
    x = np.log10(gamma * np.sqrt(beta2))
    delta = 2 * np.log(10) * x - c_bar + np.where(x < x1, a * np.clip(x1 - x, 0, None) ** k, 0.0)
    delta = np.where(x < x0, 0.0, delta)
    constant = 0.5 * BETHE_K * material.z_over_a * material.density
    logarithm = np.log(2 * (gamma + 1) * (ELECTRON_MASS / material.excitation) ** 2)
    result: Array = constant / beta2 * (logarithm + f_minus - delta)
    return result


def annihilation_rate(kinetic: Array, material: Material) -> Array:
    """Annihilation of positrons in flight into two photons, 1/cm: Heitler, Quantum Theory of Radiation (1954).

    Parameters
    ----------
    kinetic : ndarray, shape (n,), MeV
    """
    gamma = kinetic / ELECTRON_MASS + 1
    root = np.sqrt(gamma**2 - 1)
    logarithm = (gamma**2 + 4 * gamma + 1) / (gamma**2 - 1) * np.log(gamma + root)
    per_electron = np.pi * ELECTRON_RADIUS**2 / (gamma + 1) * (logarithm - (gamma + 3) / root)
    result: Array = material.density * material.z_over_a * AVOGADRO * per_electron
    return result


def _photon_rates(energy: Array, material: Material) -> tuple[Array, Array, Array]:
    """Compton, pair and photo-electric interactions per cm."""
    k = energy / ELECTRON_MASS
    klein_nishina = (
        2
        * np.pi
        * ELECTRON_RADIUS**2
        * (
            (1 + k) / k**2 * (2 * (1 + k) / (1 + 2 * k) - np.log1p(2 * k) / k)
            + np.log1p(2 * k) / (2 * k)
            - (1 + 3 * k) / (1 + 2 * k) ** 2
        )
    )
    compton = material.density * material.z_over_a * AVOGADRO * klein_nishina
    x = np.log(np.clip(energy, 1.5, 8e4) / ELECTRON_MASS)
    f1, f2, f3 = (np.polynomial.polynomial.polyval(x, row) for row in _URBAN)
    pair = np.zeros_like(energy)
    photo = np.zeros_like(energy)
    lead = np.exp(np.interp(np.log(energy), np.log(_PHOTO_ENERGY), np.log(_PHOTO_LEAD)))
    lead = np.where(energy > _PHOTO_ENERGY[-1], _PHOTO_LEAD[-1] * _PHOTO_ENERGY[-1] / energy, lead)
    for e in material.elements:
        atoms = material.density * AVOGADRO * e.fraction / e.a
        pair += atoms * 1e-30 * np.maximum((e.z + 1) * e.z * (f1 + f2 * e.z + f3 / e.z), 0)
        photo += material.density * e.fraction * lead * {82: 1.0, 74: _TUNGSTEN_TO_LEAD}.get(e.z, 0.0)
    near_threshold = np.clip((energy - 2 * ELECTRON_MASS) / (1.5 - 2 * ELECTRON_MASS), 0, 1) ** 2
    return compton, pair * near_threshold, photo


def build_shower_tables(material: Material, tuning: ShowerTuning) -> ShowerTables:
    """Tabulate electrons and photons from 50 keV to 10 TeV for the given cuts."""
    energy = np.geomspace(_LOW, _HIGH, _N_ENERGY)
    cut = tuning.photon_cut
    loss = electron_loss(energy, tuning.electron_cut, material)
    brems_rate = np.zeros(_N_ENERGY)
    quantile = np.tile(np.linspace(0, 1, _N_QUANTILE), (_N_ENERGY, 1))
    for i, kinetic in enumerate(energy):
        soft = np.geomspace(1e-6 * cut, min(cut, kinetic), 200)
        loss[i] += np.trapezoid(soft**2 * electron_brems(kinetic, soft, material), np.log(soft))
        if kinetic <= 1.02 * cut:
            continue
        fraction = np.linspace(0, 1, 600)
        hard = cut * (kinetic / cut) ** fraction
        density = hard * electron_brems(kinetic, hard, material) * np.log(kinetic / cut)
        cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(fraction))])
        brems_rate[i] = cumulative[-1]
        quantile[i] = np.interp(np.linspace(0, 1, _N_QUANTILE), cumulative / cumulative[-1], fraction)
    gamma = energy / ELECTRON_MASS + 1
    constant = 0.5 * BETHE_K * material.z_over_a * material.density
    knock_on = constant / (1 - 1 / gamma**2) * np.maximum(1 / tuning.electron_cut - 2 / energy, 0)
    compton, pair, photo = _photon_rates(energy, material)
    total = compton + pair + photo
    per_step = (_N_ENERGY - 1) / float(np.log(_HIGH / _LOW))
    return ShowerTables(
        float(np.log(_LOW)), per_step,
        np.column_stack([loss, brems_rate, brems_rate + knock_on, annihilation_rate(energy, material)]), quantile,
        np.column_stack([1 / total, compton / total, (compton + pair) / total]),
        material.radiation_length,
    )  # fmt: skip
