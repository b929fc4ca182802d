"""Transport of the electrons, positrons and photons of one shower: a small Monte Carlo, compiled.

Every routine works on one event. Units: MeV and cm; directions are unit vectors. Particles wait on a stack.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hitforge.studies.calo_muon.simulation.interactions import (
    annihilate,
    annihilate_in_flight,
    compton_photon,
    push_pair,
    radiation_angle,
)
from hitforge.studies.calo_muon.simulation.kernels import compiled, uniform
from hitforge.studies.calo_muon.simulation.material import ELECTRON_MASS
from hitforge.studies.calo_muon.simulation.particles import (
    ELECTRON,
    ENERGY,
    KIND,
    PHOTON,
    POSITRON,
    UX,
    UY,
    UZ,
    WEIGHT,
    Array,
    Block,
    Core,
    State,
    X,
    Y,
    Z,
    azimuth,
    deposit,
    in_core,
    inside,
    push,
    split,
    turn,
)
from hitforge.studies.calo_muon.simulation.shower_tables import ShowerTables
from hitforge.studies.calo_muon.simulation.tuning import ShowerTuning

_M: Final = ELECTRON_MASS


@compiled
def track_photon(
    stack: Array, n: int, state: State, grid: Array, block: Block, tables: ShowerTables, cuts: ShowerTuning, core: Core
) -> int:
    """Follow the photon on top of the stack until it converts, is absorbed or leaves."""
    n -= 1
    # scalars, not a view of the row: a view costs two atomic operations
    energy, weight = stack[n, ENERGY], stack[n, WEIGHT]
    x, y, z = stack[n, X], stack[n, Y], stack[n, Z]
    ux, uy, uz = stack[n, UX], stack[n, UY], stack[n, UZ]
    while energy > cuts.photon_cut:
        i = int((np.log(energy) - tables.ln_low) * tables.per_step + 0.5)
        path = -np.log(uniform(state)) * tables.photon[i, 0]
        in_axis = core.weight > 1.0 and in_core(core, x, y)
        if in_axis and weight > 1.0:
            # stop at the core's border and start again there: the flight has no memory
            dx, dy = x - core.x, y - core.y
            a = ux * ux + uy * uy + 1e-30
            b = dx * ux + dy * uy
            border = (np.sqrt(b * b + a * (core.radius**2 - dx * dx - dy * dy)) - b) / a
            if path > border:
                border += 1e-6
                x += border * ux
                y += border * uy
                z += border * uz
                if not inside(block, x, y, z):
                    return n
                n, weight = split(stack, n, state, core, PHOTON, energy, x, y, z, ux, uy, uz, weight)
                continue
        x += path * ux
        y += path * uy
        z += path * uz
        if not inside(block, x, y, z):
            return n
        draw = uniform(state)
        if draw < tables.photon[i, 1]:
            left, cos_theta = compton_photon(state, energy)
            c, s, _ = azimuth(state)
            recoil = energy - left
            keep_photon = True
            heavier = weight
            if recoil > cuts.electron_cut and in_axis and energy < cuts.thin_below:
                chance = left / energy
                if weight < core.weight * min(chance, 1.0 - chance):
                    keep_photon = uniform(state) < chance
                    heavier = weight / chance if keep_photon else weight / (1.0 - chance)
            if recoil > cuts.electron_cut and not (keep_photon and heavier > weight):
                momentum = np.sqrt(recoil * (recoil + 2.0 * _M))
                cos_recoil = (energy - left * cos_theta) / momentum
                vx, vy, vz = turn(ux, uy, uz, min(1.0, cos_recoil), -c, -s)
                n = push(stack, n, ELECTRON, recoil, x, y, z, vx, vy, vz, heavier)
                if not keep_photon:
                    return n
            elif recoil <= cuts.electron_cut:
                deposit(grid, block, x, y, z, recoil * weight)
            ux, uy, uz = turn(ux, uy, uz, cos_theta, c, s)
            energy = left
            weight = heavier
        elif draw < tables.photon[i, 2]:
            weight_max = core.weight if in_axis and energy < cuts.thin_below else 1.0
            return push_pair(stack, n, state, energy, x, y, z, ux, uy, uz, weight, weight_max)
        elif energy > cuts.electron_cut:
            return push(stack, n, ELECTRON, energy, x, y, z, ux, uy, uz, weight)
        else:
            break
    deposit(grid, block, x, y, z, energy * weight)
    return n


@compiled
def track_electron(
    stack: Array, n: int, state: State, grid: Array, block: Block, tables: ShowerTables, cuts: ShowerTuning, core: Core
) -> int:
    """Follow the electron or positron on top of the stack until it stops or leaves."""
    n -= 1
    kind, kinetic, weight = stack[n, KIND], stack[n, ENERGY], stack[n, WEIGHT]
    x, y, z = stack[n, X], stack[n, Y], stack[n, Z]
    ux, uy, uz = stack[n, UX], stack[n, UY], stack[n, UZ]
    while kinetic > cuts.stop_energy:
        i = int((np.log(kinetic) - tables.ln_low) * tables.per_step + 0.5)
        loss, rate = tables.electron[i, 0], tables.electron[i, 2]
        if kind == POSITRON:
            rate += tables.electron[i, 3]
        step = min(max(cuts.loss_fraction * kinetic / loss, cuts.step_min), cuts.step_max)
        draw = uniform(state)
        # -ln(1 - u) >= u: most steps without interaction are settled without the logarithm
        interacts = draw < rate * step
        if interacts:
            path = -np.log(1.0 - draw) / rate
            interacts = path < step
            if interacts:
                step = path
        lost = min(loss * step, kinetic)
        # scattering and the field turn the direction; the step goes along the mean of old and new
        energy = kinetic + _M
        momentum2 = kinetic * (kinetic + 2.0 * _M)
        soft = cuts.scattering_bend / (cuts.scattering_bend + kinetic)
        constant = cuts.scattering**2 + (cuts.scattering_soft**2 - cuts.scattering**2) * soft
        variance = constant / tables.radiation_length * step * (energy / momentum2) ** 2
        c, s, draw = azimuth(state)
        # one large angle on top of many small ones: Rutherford's 1/theta^4 beyond tail_from times the mean
        single = cuts.scattering_single / (cuts.tail_from * constant)
        if draw < single:
            versine = cuts.tail_from * variance * single / draw
        else:
            versine = -np.log((draw - single) / (1.0 - single)) * variance
        if versine > 2.0:
            versine = 2.0 * uniform(state)
        vx, vy, vz = turn(ux, uy, uz, 1.0 - versine, c, s)
        bend = -kind * 2.99792458 * block.field * step / energy
        norm = 1.0 - 0.5 * bend * bend
        vx, vz = vx * norm + bend * vz, vz * norm - bend * vx
        # a winding path of length s leads lambda (1 - exp(-s / lambda)) ahead, lambda the transport mean free path: the
        # mean of the directions times tanh(a) / a with a = s / (2 lambda), here as its Pade approximant
        a2 = 0.25 * variance * variance
        way = 0.5 * step * (15.0 + a2) / (15.0 + 6.0 * a2)
        dx, dy, dz = way * (ux + vx), way * (uy + vy), way * (uz + vz)
        if step < cuts.one_point:
            deposit(grid, block, x + 0.5 * dx, y + 0.5 * dy, z + 0.5 * dz, lost * weight)
        else:
            # two points, so that a step across a border shares its energy
            deposit(grid, block, x + 0.25 * dx, y + 0.25 * dy, z + 0.25 * dz, 0.5 * lost * weight)
            deposit(grid, block, x + 0.75 * dx, y + 0.75 * dy, z + 0.75 * dz, 0.5 * lost * weight)
        was_in_core = core.weight > 1.0 and in_core(core, x, y)
        x += dx
        y += dy
        z += dz
        ux, uy, uz = vx, vy, vz
        kinetic -= lost
        if not inside(block, x, y, z):
            return n
        is_in_core = was_in_core and in_core(core, x, y)
        if was_in_core and not is_in_core and weight > 1.0:
            n, weight = split(stack, n, state, core, kind, kinetic, x, y, z, ux, uy, uz, weight)
        thin = is_in_core and kinetic < cuts.thin_below
        if interacts:
            # at the rates of the energy that is left: lower than those the way was drawn with, so some do not happen
            if kinetic <= cuts.photon_cut:
                continue
            i = int((np.log(kinetic) - tables.ln_low) * tables.per_step + 0.5)
            draw = uniform(state) * rate
            if draw < tables.electron[i, 1]:
                column = uniform(state) * (tables.brems_quantile.shape[1] - 1)
                j = int(column)
                g = column - j
                share = tables.brems_quantile[i, j] * (1.0 - g) + tables.brems_quantile[i, j + 1] * g
                photon = cuts.photon_cut * np.exp(share * np.log(kinetic / cuts.photon_cut))
                photon_weight = weight
                emitted = photon
                follow = True
                if thin and weight < core.weight:
                    # a positron also brings the energy of its annihilation
                    chance = photon / (kinetic + 2.0 * _M if kind == POSITRON else kinetic)
                    if weight < core.weight * min(chance, 1.0 - chance):
                        # follow only one of the two
                        if uniform(state) > chance:
                            weight /= 1.0 - chance
                            kinetic -= photon
                            continue
                        photon_weight = weight / chance
                        follow = False
                    elif chance * core.weight < 0.5 * weight:
                        # emit fewer photons of larger weight
                        clump = core.weight / weight
                        if uniform(state) * clump > 1.0:
                            continue
                        photon_weight = core.weight
                        emitted = photon * clump
                c, s, _ = azimuth(state)
                vx, vy, vz = turn(ux, uy, uz, radiation_angle(state, energy), c, s)
                n = push(stack, n, PHOTON, photon, x, y, z, vx, vy, vz, photon_weight)
                if not follow:
                    return n
                kinetic -= emitted
            elif draw < tables.electron[i, 2]:
                if kinetic <= 2.0 * cuts.electron_cut:
                    continue
                low = 1.0 / cuts.electron_cut
                knocked = 1.0 / (low - uniform(state) * (low - 2.0 / kinetic))
                cos_theta = np.sqrt(knocked * (kinetic + 2.0 * _M) / (kinetic * (knocked + 2.0 * _M)))
                c, s, _ = azimuth(state)
                vx, vy, vz = turn(ux, uy, uz, cos_theta, c, s)
                n = push(stack, n, ELECTRON, knocked, x, y, z, vx, vy, vz, weight)
                kinetic -= knocked
            elif kind == POSITRON and draw < tables.electron[i, 2] + tables.electron[i, 3]:
                return annihilate_in_flight(stack, n, state, kinetic, x, y, z, ux, uy, uz, weight)
    deposit(grid, block, x, y, z, kinetic * weight)
    if kind == POSITRON:
        weight_max = core.weight if core.weight > 1.0 and in_core(core, x, y) else 1.0
        n = annihilate(stack, n, state, x, y, z, weight, weight_max)
    return n


@compiled
def run_shower(
    stack: Array, n: int, state: State, grid: Array, block: Block, tables: ShowerTables, cuts: ShowerTuning, core: Core
) -> None:
    """Follow the ``n`` particles on the stack and all that they make."""
    while n > 0:
        # one particle pushes hundreds at most; compiled code would write past the end without a word
        if n > len(stack) // 2:
            raise RuntimeError("simulation: more particles wait than the stack was made for")
        if stack[n - 1, KIND] == PHOTON:
            n = track_photon(stack, n, state, grid, block, tables, cuts, core)
        else:
            n = track_electron(stack, n, state, grid, block, tables, cuts, core)
