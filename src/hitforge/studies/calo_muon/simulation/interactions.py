"""What photons and positrons turn into: angles, energies, products. Units: MeV and cm."""

from __future__ import annotations

from typing import Final

import numpy as np

from hitforge.studies.calo_muon.simulation.kernels import compiled, uniform
from hitforge.studies.calo_muon.simulation.material import ELECTRON_MASS
from hitforge.studies.calo_muon.simulation.particles import (
    ELECTRON,
    PHOTON,
    POSITRON,
    Array,
    State,
    azimuth,
    push,
    turn,
)

_M: Final = ELECTRON_MASS


@compiled
def radiation_angle(state: State, energy: float) -> float:
    """Cosine of the angle of bremsstrahlung or of a pair's electron: Tsai's distribution in the two-slope form."""
    u = -np.log(uniform(state) * uniform(state))
    u *= 1.6 if uniform(state) < 0.25 else 0.5333333333333333
    # the angle stands for twice the tangent of its half: the same where it is small, never beyond 180 degrees
    t2 = (0.5 * u * _M / energy) ** 2
    return float((1.0 - t2) / (1.0 + t2))


@compiled
def compton_photon(state: State, energy: float) -> tuple[float, float]:
    """Return the energy and the cosine of the scattered photon after Klein and Nishina.

    Composition and rejection of Butcher and Messel, Nucl. Phys. 20 (1960) 15.
    """
    k = energy / _M
    low = 1.0 / (1.0 + 2.0 * k)
    weight_1 = -np.log(low)
    weight_2 = 0.5 * (1.0 - low * low)
    while True:
        if uniform(state) * (weight_1 + weight_2) < weight_1:
            share = np.exp(-weight_1 * uniform(state))
        else:
            share = np.sqrt(low * low + (1.0 - low * low) * uniform(state))
        t = (1.0 - share) / (k * share)
        sin2 = t * (2.0 - t)
        if uniform(state) < 1.0 - share * sin2 / (1.0 + share * share):
            return share * energy, 1.0 - t


@compiled
def push_pair(
    stack: Array, n: int, state: State, energy: float, x: float, y: float, z: float,
    ux: float, uy: float, uz: float, weight: float, weight_max: float,
) -> int:  # fmt: skip
    """Convert a photon: energies as for complete screening (Rossi 1952, eq. 2.11.18), flat close to the threshold."""
    kinetic = energy - 2.0 * _M
    while True:
        share = uniform(state)
        if energy < 5.0 or uniform(state) < 1.0 - 1.3333333333333333 * share * (1.0 - share):
            break
    c, s, _ = azimuth(state)
    first = kinetic * share
    # thinning keeps one of the two with a probability proportional to what it brings into the block
    chance = first / energy
    thin = weight < weight_max * min(chance, 1.0 - chance)
    keep_first = thin and uniform(state) < chance
    if keep_first or not thin:
        vx, vy, vz = turn(ux, uy, uz, radiation_angle(state, first + _M), c, s)
        n = push(stack, n, ELECTRON, first, x, y, z, vx, vy, vz, weight / chance if thin else weight)
    if not keep_first:
        vx, vy, vz = turn(ux, uy, uz, radiation_angle(state, kinetic - first + _M), -c, -s)
        n = push(stack, n, POSITRON, kinetic - first, x, y, z, vx, vy, vz, weight / (1.0 - chance) if thin else weight)
    return n


@compiled
def annihilate_in_flight(
    stack: Array, n: int, state: State, kinetic: float, x: float, y: float, z: float,
    ux: float, uy: float, uz: float, weight: float,
) -> int:  # fmt: skip
    """Put the two photons of a moving positron on the stack: Heitler's spectrum (Quantum Theory of Radiation, 1954).

    The rejection is that of the Geant4 Physics Reference Manual ("Positron-electron annihilation").
    """
    gamma = kinetic / _M + 1.0
    root = np.sqrt(gamma * gamma - 1.0)
    low = 0.5 * (1.0 - np.sqrt((gamma - 1.0) / (gamma + 1.0)))
    span = np.log((1.0 - low) / low)
    while True:
        share = low * np.exp(span * uniform(state))
        if uniform(state) < 1.0 - share + (2.0 * gamma * share - 1.0) / (share * (gamma + 1.0) ** 2):
            break
    total = kinetic + 2.0 * _M
    c, s, _ = azimuth(state)
    for sign, part in ((1.0, share), (-1.0, 1.0 - share)):
        cos_theta = min(max((part * (gamma + 1.0) - 1.0) / (part * root), -1.0), 1.0)
        vx, vy, vz = turn(ux, uy, uz, cos_theta, sign * c, sign * s)
        n = push(stack, n, PHOTON, part * total, x, y, z, vx, vy, vz, weight)
    return n


@compiled
def annihilate(
    stack: Array, n: int, state: State, x: float, y: float, z: float, weight: float, weight_max: float
) -> int:
    """Put the photons of a positron at rest on the stack: both, or one for the two if the weight allows."""
    c, s, draw = azimuth(state)
    uz = 2.0 * draw - 1.0
    perp = np.sqrt(1.0 - uz * uz)
    if 2.0 * weight <= weight_max:
        return push(stack, n, PHOTON, _M, x, y, z, perp * c, perp * s, uz, 2.0 * weight)
    n = push(stack, n, PHOTON, _M, x, y, z, perp * c, perp * s, uz, weight)
    return push(stack, n, PHOTON, _M, x, y, z, -perp * c, -perp * s, -uz, weight)
