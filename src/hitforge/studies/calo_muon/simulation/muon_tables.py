"""Cross sections of muons above a threshold of energy transfer, and their sampling tables."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.calo_muon.simulation.material import (
    ALPHA,
    AVOGADRO,
    ELECTRON_MASS,
    ELECTRON_RADIUS,
    MUON_MASS,
    Element,
    Material,
)

Array = NDArray[np.float64]

_SQRT_E = float(np.sqrt(np.e))
_ENERGIES = np.geomspace(2e3, 9e6, 40)  # MeV; from far below the lowest beam energy, for muons after a hard loss
_SURVIVAL = np.concatenate([[0.0], -np.geomspace(1e-3, -np.log(1e-7), 159)])  # ln of the survival probability
_N_EPSILON = 400
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


class MuonTables(NamedTuple):
    """Rates and inverse distributions over muon energy.

    Attributes
    ----------
    ln_energy : ndarray, shape (n_energy,)
        ln of the muon energy in MeV, equally spaced.
    brems_rate, pair_rate : ndarray, shape (n_energy,), 1/cm
        Interactions above the threshold per length.
    ln_survival : ndarray, shape (n_survival,)
        ln of the probability of a larger transfer, descending from 0.
    brems_ln_transfer, pair_ln_transfer : ndarray, shape (n_energy, n_survival)
        ln of the transfer in MeV at that survival probability.
    """

    ln_energy: Array
    brems_rate: Array
    pair_rate: Array
    ln_survival: Array
    brems_ln_transfer: Array
    pair_ln_transfer: Array


def brems_cross_section(energy: float, transfer: Array, element: Element) -> Array:
    """Bremsstrahlung of muons, Kelner, Kokoulin and Petrukhin, preprint MEPhI 024-95 (1995).

    Parameters
    ----------
    energy : float, MeV
        Total energy of the muon.
    transfer : ndarray, shape (n,), MeV
        Photon energies below ``energy``.

    Returns
    -------
    ndarray, shape (n,), cm2/MeV per atom
    """
    z13 = element.z ** (-1 / 3)
    v = transfer / energy
    d = MUON_MASS**2 * transfer / (2 * energy * (energy - transfer))
    d_n = 1.54 * element.a**0.27
    nucleus = 183 * z13 * (MUON_MASS + d * (d_n * _SQRT_E - 2)) / (d_n * (ELECTRON_MASS + d * _SQRT_E * 183 * z13))
    phi_n = np.log(np.maximum(nucleus, 1.0))
    electron = 1429 * z13**2 * MUON_MASS
    electron = electron / (
        (1 + d * MUON_MASS / (ELECTRON_MASS**2 * _SQRT_E)) * (ELECTRON_MASS + d * _SQRT_E * 1429 * z13**2)
    )
    phi_e = np.where(
        transfer < energy / (1 + MUON_MASS**2 / (2 * ELECTRON_MASS * energy)), np.log(np.maximum(electron, 1.0)), 0.0
    )
    norm = 16 / 3 * ALPHA * (ELECTRON_MASS / MUON_MASS * ELECTRON_RADIUS * element.z) ** 2
    result: Array = norm / transfer * (1 - v + 0.75 * v * v) * (phi_n + phi_e / element.z)
    return result


def pair_cross_section(energy: float, transfer: Array, element: Element) -> Array:
    """Direct e+e- pairs: Kokoulin and Petrukhin (Proc. 12th ICRC, 1971) with Kelner's atomic-electron term.

    Formulas as collected in Koehne et al., Comput. Phys. Commun. 184 (2013) 2070, section on pair production, and in
    the Geant4 Physics Reference Manual. Same parameters and result as :func:`brems_cross_section`; ``transfer`` is the
    total energy of the pair.
    """
    ratio = MUON_MASS / ELECTRON_MASS
    z, z13 = element.z, element.z ** (1 / 3)
    allowed = (transfer > 4 * ELECTRON_MASS) & (transfer < energy - 0.75 * _SQRT_E * MUON_MASS * z13)
    eps = np.where(allowed, transfer, 1e3 * ELECTRON_MASS)[:, None]
    v = eps / energy
    rho_max = (1 - 6 * MUON_MASS**2 / (energy**2 * (1 - v))) * np.sqrt(1 - 4 * ELECTRON_MASS / eps)
    # t = -ln(1 - rho) flattens the integrand, which is concentrated at large rho
    t_max = -np.log1p(-np.clip(rho_max, 0, 1 - 1e-15))
    t = 0.5 * t_max * (_NODES + 1)
    rho2 = (1 - np.exp(-t)) ** 2
    beta = v * v / (2 * (1 - v))
    xi = (0.5 * ratio * v) ** 2 * (1 - rho2) / (1 - v)
    y_e = (5 - rho2 + 4 * beta * (1 + rho2)) / (2 * (1 + 3 * beta) * np.log(3 + 1 / xi) - rho2 - 2 * beta * (2 - rho2))
    y_mu = (4 + rho2 + 3 * beta * (1 + rho2)) / ((1 + rho2) * (1.5 + 2 * beta) * np.log(3 + xi) + 1 - 1.5 * rho2)
    screen = 2 * ELECTRON_MASS * _SQRT_E * 183 / z13 * (1 + xi) / (eps * (1 - rho2))
    l_e = np.log(183 / z13 * np.sqrt((1 + xi) * (1 + y_e)) / (1 + screen * (1 + y_e))) - 0.5 * np.log1p(
        (1.5 * z13 / ratio) ** 2 * (1 + xi) * (1 + y_e)
    )
    l_mu = np.log(2 / 3 * ratio * 183 / z13**2 / (1 + screen * (1 + y_mu)))
    # the exact brackets cancel badly at the far ends of xi: asymptotic forms there
    exact_e = ((2 + rho2) * (1 + beta) + xi * (3 + rho2)) * np.log1p(1 / xi) + (1 - rho2 - beta) / (1 + xi) - (3 + rho2)
    b_e = np.where(xi > 1e3, ((3 - rho2) + 2 * beta * (1 + rho2)) / (2 * xi), exact_e)
    exact_mu = (
        ((1 + rho2) * (1 + 1.5 * beta) - (1 + 2 * beta) * (1 - rho2) / xi) * np.log1p(xi)
        + xi * (1 - rho2 - beta) / (1 + xi)
        + (1 + 2 * beta) * (1 - rho2)
    )
    b_mu = np.where(xi < 1e-3, 0.5 * xi * ((5 - rho2) + beta * (3 + rho2)), exact_mu)
    integrand = np.maximum(b_e * l_e, 0) + np.maximum(b_mu * l_mu, 0) / ratio**2
    integral = 0.5 * t_max[:, 0] * (integrand * np.exp(-t) @ _WEIGHTS)
    gamma = energy / MUON_MASS
    zeta_top = 0.073 * np.log(gamma / (1 + 1.95e-5 * z13**2 * gamma)) - 0.26
    zeta_bottom = 0.058 * np.log(gamma / (1 + 5.3e-5 * z13 * gamma)) - 0.14
    zeta = zeta_top / zeta_bottom if zeta_top > 0 else 0.0
    norm = 4 / (3 * np.pi) * z * (z + zeta) * (ALPHA * ELECTRON_RADIUS) ** 2
    result: Array = np.where(allowed, norm * ((1 - v) / eps)[:, 0] * integral, 0.0)
    return result


def macroscopic(process: str, energy: float, transfer: Array, material: Material) -> Array:
    """Sum a process (``brems`` or ``pair``) over the compound: interactions per cm and MeV, shape of ``transfer``."""
    function = {"brems": brems_cross_section, "pair": pair_cross_section}[process]
    total = np.zeros_like(transfer)
    for element in material.elements:
        total += material.density * AVOGADRO * element.fraction / element.a * function(energy, transfer, element)
    return total


def loss_coefficient(process: str, energy: float, material: Material) -> float:
    """Return b = (1/E) <dE/dx> of a process over all transfers, in cm2/g."""
    transfer = np.geomspace(1e-3 if process == "brems" else 4 * ELECTRON_MASS, energy * (1 - 1e-9), 4000)
    loss = np.trapezoid(transfer**2 * macroscopic(process, energy, transfer, material), np.log(transfer))
    return float(loss / energy / material.density)


def _rate_and_inverse(process: str, energy: float, threshold: float, material: Material) -> tuple[float, Array]:
    """Return the rate above the threshold and ln(transfer) at the tabulated survival probabilities."""
    low = max(threshold, 4 * ELECTRON_MASS * (1 + 1e-9)) if process == "pair" else threshold
    ln_eps = np.linspace(np.log(low), np.log(energy * (1 - 1e-7)), _N_EPSILON)
    density = np.exp(ln_eps) * macroscopic(process, energy, np.exp(ln_eps), material)
    above = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1])[::-1] * np.diff(ln_eps)[::-1])])[::-1]
    rate = above[0]
    ln_survival = np.log(np.maximum(above / rate, 1e-300))
    return float(rate), np.interp(-_SURVIVAL, -ln_survival, ln_eps)


def build_muon_tables(material: Material, threshold: float) -> MuonTables:
    """Tabulate brems and pairs with transfers above ``threshold`` (MeV) for 2 GeV to 9 TeV muons."""
    columns: dict[str, tuple[Array, Array]] = {}
    for process in ("brems", "pair"):
        rows = [_rate_and_inverse(process, float(e), threshold, material) for e in _ENERGIES]
        columns[process] = (np.array([r for r, _ in rows]), np.array([t for _, t in rows]))
    return MuonTables(
        np.log(_ENERGIES), columns["brems"][0], columns["pair"][0], _SURVIVAL, columns["brems"][1], columns["pair"][1]
    )
