"""Transport of the muon through the block, compiled: losses, bending, scattering. Units: MeV and cm."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.calo_muon.simulation.kernels import (
    compiled,
    compiled_to_disk,
    event_state,
    gauss,
    source_fingerprint,
    uniform,
)
from hitforge.studies.calo_muon.simulation.material import ALPHA, BETHE_K, ELECTRON_MASS, MUON_MASS, Material
from hitforge.studies.calo_muon.simulation.muon_tables import MuonTables
from hitforge.studies.calo_muon.simulation.particles import (
    ELECTRON,
    PHOTON,
    POSITRON,
    STACK_COLUMNS,
    STACK_SIZE,
    Array,
    Block,
    Core,
    State,
    azimuth,
    deposit,
    inside,
    push,
    turn,
)
from hitforge.studies.calo_muon.simulation.shower_tables import ShowerTables
from hitforge.studies.calo_muon.simulation.showers import run_shower
from hitforge.studies.calo_muon.simulation.tuning import ShowerTuning

_STEPS_PER_LAYER = 4  # even, so that a step ends in the middle of a layer
_KNOCK_ON_BOUND = 1.25  # the radiative correction reaches 1.17 at 8 TeV
_ALPHA_OVER_2_PI = ALPHA / (2 * np.pi)
_LOWEST_KINETIC = 500.0  # MeV; a muon that lost nearly everything deposits the rest where it is

# the list of losses: columns of a row, and its first column's values
PROCESS, TRANSFER, DEPTH, LOST_BEFORE = range(4)
BREMSSTRAHLUNG, PAIR, KNOCK_ON = 0.0, 1.0, 2.0
MAX_LOSSES = 1000  # an 8 TeV muon has some 200 above 1 MeV, and their number is Poisson's


TRACK_ERROR = 0.1  # cm; about what one cell tells of a position, its pitch over sqrt(12)


class History(NamedTuple):
    """What happened to N muons: what they lost above the threshold, one by one, and where they went.

    Attributes
    ----------
    records : ndarray, shape (N, MAX_LOSSES, 4)
        Per loss, by depth: process (0 bremsstrahlung, 1 pair, 2 knock-on electron), transfer [MeV], depth [cm], and all
        that the muon had lost before it [MeV], below the threshold too. Rows beyond ``number`` mean nothing.
    number : ndarray, shape (N,), int64
    path : ndarray, shape (N,), cm
        Depth at which the muon left the block or stopped.
    track : ndarray, shape (N, n_z, 2), cm
        x and y in the middle of each layer, each measured with a Gaussian error ``TRACK_ERROR``; NaN where the muon did
        not come. For the oracle alone.
    """

    records: Array
    number: NDArray[np.int64]
    path: Array
    track: Array


def new_history(n: int, n_layers: int) -> History:
    """Return room for ``n`` muons."""
    track = np.full((n, n_layers, 2), np.nan)
    return History(np.zeros((n, MAX_LOSSES, 4)), np.zeros(n, np.int64), np.zeros(n), track)


class MuonLoss(NamedTuple):
    """Ionisation of muons in the Fermi plateau.

    Attributes
    ----------
    continuous : float, MeV/cm
        Loss to electrons below the threshold.
    variance : float, MeV2/cm
        Growth of its variance with the path.
    knock_on : float, MeV/cm
        (K/2) Z/A rho; the rate of electrons above T is this over T.
    """

    continuous: float
    variance: float
    knock_on: float


def muon_loss(material: Material, threshold: float) -> MuonLoss:
    """Restricted loss (K/2)(Z/A) rho ln(2 m T / (hbar omega_p)^2): PDG review 34, plateau of the density effect.

    Parameters
    ----------
    threshold : float, MeV
        Electrons of more energy are made one by one.
    """
    half_k = 0.5 * BETHE_K * material.z_over_a * material.density
    logarithm = np.log(2 * ELECTRON_MASS * threshold / material.plasma_energy**2)
    return MuonLoss(float(half_k * logarithm), half_k * threshold, half_k)


@compiled
def _transfer(state: State, tables: MuonTables, inverse: Array, i: int, f: float) -> float:
    """Sample an energy transfer between two energies of an inverse table."""
    ln_survival = np.log(uniform(state))
    if ln_survival <= tables.ln_survival[-1]:
        j, g = len(tables.ln_survival) - 2, 1.0
    else:
        # the table descends
        j = np.searchsorted(-tables.ln_survival, -ln_survival) - 1
        g = (ln_survival - tables.ln_survival[j]) / (tables.ln_survival[j + 1] - tables.ln_survival[j])
    low = inverse[i, j] * (1.0 - g) + inverse[i, j + 1] * g
    high = inverse[i + 1, j] * (1.0 - g) + inverse[i + 1, j + 1] * g
    return float(np.exp(low * (1.0 - f) + high * f))


@compiled
def knock_on_shape(energy: float, t: float) -> float:
    """Ratio of the knock-on cross section to (K/2) Z/A rho / T^2; zero above the largest transfer.

    Bhabha's formula for spin 1/2 (PDG review 34, eq. 34.8) times the radiative correction of Kelner, Kokoulin and
    Petrukhin, Phys. Atom. Nucl. 60 (1997) 576, which Geant4 applies above 1 GeV. Never above ``_KNOCK_ON_BOUND``.
    """
    gamma = energy / MUON_MASS
    ratio = ELECTRON_MASS / MUON_MASS
    t_max = 2.0 * ELECTRON_MASS * (gamma * gamma - 1.0) / (1.0 + 2.0 * gamma * ratio + ratio * ratio)
    if t >= t_max:
        return 0.0
    a = np.log(1.0 + 2.0 * t / ELECTRON_MASS)
    b = np.log(4.0 * energy * (energy - t) / MUON_MASS**2)
    return float((1.0 - t / t_max + 0.5 * (t / energy) ** 2) * (1.0 + _ALPHA_OVER_2_PI * a * (b - a)))


@compiled
def _knock_on(state: State, energy: float, threshold: float) -> float:
    """Energy of a knock-on electron; 0 if the proposal 1/T^2 is rejected."""
    t = threshold / uniform(state)
    return t if uniform(state) * _KNOCK_ON_BOUND < knock_on_shape(energy, t) else 0.0


@compiled
def transport_muon(
    state: State, grid: Array, stack: Array, records: Array, track: Array, block: Block, start_z: float,
    energy: float, x: float, y: float, charge: float,
    loss: MuonLoss, muon: MuonTables, showers: ShowerTables, cuts: ShowerTuning,
) -> tuple[float, int, float]:  # fmt: skip
    """Send one muon along +z from ``start_z``; fill ``grid`` (MeV), ``records`` and ``track`` (see :class:`History`).

    Returns
    -------
    lost : float, MeV
        In the block.
    number : int
        Rows of ``records`` that were filled.
    path : float, cm
        Depth at which the muon left or stopped.
    """
    ux, uy, uz = 0.0, 0.0, 1.0
    z = 0.0
    gap = -start_z
    # a negative muon on its way along +z bends towards +x
    curvature = -charge * 2.99792458 * block.field
    bend = curvature * gap / energy
    x += 0.5 * bend * gap
    ux = bend
    uz = np.sqrt(1.0 - ux * ux)
    start = energy
    number = 0
    length = 1.0 / (block.per_cell_z * _STEPS_PER_LAYER)
    plane = 1  # where the step ends if nothing happens: no step crosses from layer to layer
    while True:
        kinetic = energy - MUON_MASS
        if kinetic < _LOWEST_KINETIC:
            deposit(grid, block, x, y, z, kinetic)
            return start - MUON_MASS, number, z
        position = (np.log(energy) - muon.ln_energy[0]) / (muon.ln_energy[1] - muon.ln_energy[0])
        position = min(max(position, 0.0), len(muon.ln_energy) - 1.001)
        i = int(position)
        f = position - i
        brems = muon.brems_rate[i] * (1.0 - f) + muon.brems_rate[i + 1] * f
        pair = muon.pair_rate[i] * (1.0 - f) + muon.pair_rate[i + 1] * f
        rate = brems + pair + loss.knock_on * _KNOCK_ON_BOUND / cuts.muon_threshold
        step = -np.log(uniform(state)) / rate
        way = (plane * length - z) / uz
        interacts = step < way
        if not interacts:
            step = way
        lost = max(0.0, loss.continuous * step + gauss(state) * np.sqrt(loss.variance * step))
        point = uniform(state) * step
        deposit(grid, block, x + point * ux, y + point * uy, z + point * uz, lost)
        bend = curvature * step / energy
        angle = cuts.muon_scattering / energy * np.sqrt(step / showers.radiation_length)
        vx = ux + bend * uz + gauss(state) * angle
        vy = uy + gauss(state) * angle
        x += 0.5 * step * (ux + vx)
        y += 0.5 * step * (uy + vy)
        if interacts:
            z += step * uz
        else:
            z = plane * length
            if plane % _STEPS_PER_LAYER == _STEPS_PER_LAYER // 2:
                layer = min(plane // _STEPS_PER_LAYER, block.n_z - 1)
                track[layer, 0], track[layer, 1] = x, y
            plane += 1
        ux, uy = vx, vy
        uz = np.sqrt(max(0.0, 1.0 - ux * ux - uy * uy))
        energy -= lost
        if not inside(block, x, y, z) or uz <= 0.0:
            return start - energy, number, min(z, block.depth)
        if not interacts:
            continue
        draw = uniform(state) * rate
        n = 0
        process = BREMSSTRAHLUNG
        if draw < brems:
            transfer = min(_transfer(state, muon, muon.brems_ln_transfer, i, f), energy - MUON_MASS - 1.0)
            n = push(stack, n, PHOTON, transfer, x, y, z, ux, uy, uz, 1.0)
        elif draw < brems + pair:
            process = PAIR
            transfer = min(_transfer(state, muon, muon.pair_ln_transfer, i, f), energy - MUON_MASS - 1.0)
            # the true spread of the asymmetry matters little for what is seen: flat
            share = uniform(state) * (transfer - 2.0 * ELECTRON_MASS)
            n = push(stack, n, ELECTRON, share, x, y, z, ux, uy, uz, 1.0)
            n = push(stack, n, POSITRON, transfer - 2.0 * ELECTRON_MASS - share, x, y, z, ux, uy, uz, 1.0)
        else:
            process = KNOCK_ON
            transfer = _knock_on(state, energy, cuts.muon_threshold)
            if transfer == 0.0:
                continue
            cos_theta = np.sqrt(transfer / (transfer + 2.0 * ELECTRON_MASS))
            c, s, _ = azimuth(state)
            wx, wy, wz = turn(ux, uy, uz, cos_theta, c, s)
            n = push(stack, n, ELECTRON, transfer, x, y, z, wx, wy, wz, 1.0)
        if number == len(records):  # compiled code would write past the end without a word
            raise RuntimeError("simulation: a muon has more losses than the list was made for")
        records[number, PROCESS] = process
        records[number, TRANSFER] = transfer
        records[number, DEPTH] = z
        records[number, LOST_BEFORE] = start - energy
        number += 1
        energy -= transfer
        weight_max = min(max(transfer / cuts.thin_from, 1.0), cuts.thin_weight_max)
        radius = min(cuts.thin_radius * (transfer / cuts.thin_from) ** cuts.thin_power, cuts.thin_radius_max)
        core = Core(x, y, radius, weight_max)
        run_shower(stack, n, state, grid, block, showers, cuts, core)


def _build(fingerprint: int) -> Callable[..., None]:
    @compiled_to_disk
    def transport_events(
        seed: np.uint64, events: NDArray[np.int64], grid: Array, lost: Array, history: History,
        block: Block, start_z: float, energy: Array, x: Array, y: Array, charge: Array,
        loss: MuonLoss, muon: MuonTables, showers: ShowerTables, cuts: ShowerTuning,
    ) -> None:  # fmt: skip
        """Simulate a batch of muons.

        Parameters
        ----------
        events : ndarray, shape (n,)
            Event numbers: with the seed they fix every random number of the event.
        grid : ndarray, shape (n, n_cells), MeV
            Filled with the deposits; must be zero.
        lost : ndarray, shape (n,), MeV
            Filled with the energy each muon lost in the block.
        history : History
            Filled likewise.
        energy, x, y, charge : ndarray, shape (n,)
            Total energy in MeV, entry point at ``start_z`` in cm, charge.
        """
        if fingerprint < 0:  # never: ties the cached machine code to the source
            return
        state = np.zeros(1, np.uint64)
        stack = np.empty((STACK_SIZE, STACK_COLUMNS))
        for k in range(len(events)):
            state[0] = event_state(seed, np.uint64(events[k]))
            lost[k], history.number[k], history.path[k] = transport_muon(
                state, grid[k], stack, history.records[k], history.track[k], block, start_z,
                energy[k], x[k], y[k], charge[k], loss, muon, showers, cuts,
            )  # fmt: skip
            # last, so that nothing else depends on these numbers
            for layer in range(history.track.shape[1]):
                history.track[k, layer, 0] += TRACK_ERROR * gauss(state)
                history.track[k, layer, 1] += TRACK_ERROR * gauss(state)

    return transport_events


transport_events = _build(source_fingerprint())
