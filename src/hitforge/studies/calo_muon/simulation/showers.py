"""Transport of the electrons, positrons and photons of one shower: a small Monte Carlo, compiled.

Every routine works on one event. Units: MeV and cm; directions are unit vectors. Particles wait on a stack, one row each.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.calo_muon.simulation.compiled import compiled, uniform
from hitforge.studies.calo_muon.simulation.material import ELECTRON_MASS
from hitforge.studies.calo_muon.simulation.shower_tables import ShowerTables
from hitforge.studies.calo_muon.simulation.tuning import ShowerTuning

Array = NDArray[np.float64]
State = NDArray[np.uint64]

STACK_SIZE: Final = 100_000
STACK_COLUMNS: Final = 9
# columns of a stack row
KIND, ENERGY, X, Y, Z, UX, UY, UZ, WEIGHT = range(9)
ELECTRON: Final = -1.0
PHOTON: Final = 0.0
POSITRON: Final = 1.0

_M: Final = ELECTRON_MASS


class Block(NamedTuple):
    """The block of cells for compiled code: cm, tesla.

    Attributes
    ----------
    half_x, half_y, depth : float
    per_cell_x, per_cell_y, per_cell_z : float
        Inverse pitch.
    n_x, n_y, n_z : int
    field : float
        Along +y.
    """

    half_x: float
    half_y: float
    depth: float
    per_cell_x: float
    per_cell_y: float
    per_cell_z: float
    n_x: int
    n_y: int
    n_z: int
    field: float


class Core(NamedTuple):
    """Cylinder along z around a shower's axis in which particles may carry weights above 1.

    Attributes
    ----------
    x, y, radius : float, cm
    weight : float
        Largest weight; 1 switches thinning off.
    """

    x: float
    y: float
    radius: float
    weight: float


@compiled
def inside(block: Block, x: float, y: float, z: float) -> bool:
    """Tell whether a point is in the block."""
    return -block.half_x < x < block.half_x and -block.half_y < y < block.half_y and 0.0 < z < block.depth


@compiled
def deposit(grid: Array, block: Block, x: float, y: float, z: float, energy: float) -> None:
    """Add ``energy`` to the cell at a point; outside the block it is lost."""
    if inside(block, x, y, z):
        ix = min(int((x + block.half_x) * block.per_cell_x), block.n_x - 1)
        iy = min(int((y + block.half_y) * block.per_cell_y), block.n_y - 1)
        iz = min(int(z * block.per_cell_z), block.n_z - 1)
        grid[(iz * block.n_x + ix) * block.n_y + iy] += energy


@compiled
def push(
    stack: Array, n: int, kind: float, energy: float, x: float, y: float, z: float,
    ux: float, uy: float, uz: float, weight: float,
) -> int:  # fmt: skip
    """Put a particle on the stack; return the new number of waiting particles."""
    row = stack[n]
    row[KIND] = kind
    row[ENERGY] = energy
    row[X] = x
    row[Y] = y
    row[Z] = z
    row[UX] = ux
    row[UY] = uy
    row[UZ] = uz
    row[WEIGHT] = weight
    return n + 1


@compiled
def turn(
    ux: float, uy: float, uz: float, cos_theta: float, cos_phi: float, sin_phi: float
) -> tuple[float, float, float]:
    """Rotate a direction by a polar angle, at an azimuth around it."""
    sin_theta = np.sqrt(max(0.0, 1.0 - cos_theta * cos_theta))
    perp2 = ux * ux + uy * uy
    a = sin_theta * cos_phi
    b = sin_theta * sin_phi
    if perp2 < 1e-12:
        sign = 1.0 if uz > 0 else -1.0
        return a, b, sign * cos_theta
    perp = np.sqrt(perp2)
    vx = ux * cos_theta + (ux * uz * a - uy * b) / perp
    vy = uy * cos_theta + (uy * uz * a + ux * b) / perp
    vz = uz * cos_theta - a * perp
    norm = 1.0 / np.sqrt(vx * vx + vy * vy + vz * vz)
    return vx * norm, vy * norm, vz * norm


@compiled
def azimuth(state: State) -> tuple[float, float, float]:
    """Return cos and sin of a random azimuth and an independent uniform number, without trigonometry."""
    while True:
        a = 2.0 * uniform(state) - 1.0
        b = 2.0 * uniform(state) - 1.0
        s = a * a + b * b
        if 1e-300 < s < 1.0:
            r = 1.0 / np.sqrt(s)
            return a * r, b * r, s


@compiled
def radiation_angle(state: State, energy: float) -> float:
    """Cosine of the angle of bremsstrahlung or of a pair's electron: Tsai's distribution in the two-slope form."""
    u = -np.log(uniform(state) * uniform(state))
    u *= 1.6 if uniform(state) < 0.25 else 0.5333333333333333
    theta = u * _M / energy
    if theta > 3.0:
        return 1.0 - 2.0 * uniform(state)
    return float(np.cos(theta))


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
def in_core(core: Core, x: float, y: float) -> bool:
    """Tell whether a point is in the cylinder."""
    dx, dy = x - core.x, y - core.y
    return dx * dx + dy * dy < core.radius * core.radius


@compiled
def split(
    stack: Array, n: int, state: State, core: Core, kind: float, energy: float, x: float, y: float, z: float,
    ux: float, uy: float, uz: float, weight: float,
) -> tuple[int, float]:  # fmt: skip
    """Share the weight of a particle leaving the core among copies turned around the axis; return what is left to it."""
    copies = int(weight + uniform(state))
    weight /= copies
    for _ in range(copies - 1):
        c, s, _draw = azimuth(state)
        dx, dy = x - core.x, y - core.y
        n = push(
            stack, n, kind, energy, core.x + c * dx - s * dy, core.y + s * dx + c * dy, z,
            c * ux - s * uy, s * ux + c * uy, uz, weight,
        )  # fmt: skip
    return n, weight


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
def track_photon(
    stack: Array, n: int, state: State, grid: Array, block: Block, tables: ShowerTables, cuts: ShowerTuning, core: Core
) -> int:
    """Follow the photon on top of the stack until it converts, is absorbed or leaves."""
    n -= 1
    row = stack[n]
    energy, weight = row[ENERGY], row[WEIGHT]
    x, y, z = row[X], row[Y], row[Z]
    ux, uy, uz = row[UX], row[UY], row[UZ]
    while energy > cuts.photon_cut:
        position = (np.log(energy) - tables.ln_low) * tables.per_step
        i = int(position)
        f = position - i
        rate = tables.photon_rate[i] * (1.0 - f) + tables.photon_rate[i + 1] * f
        path = -np.log(uniform(state)) / rate
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
        if draw < tables.compton_share[i] * (1.0 - f) + tables.compton_share[i + 1] * f:
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
        elif draw < tables.pair_share[i] * (1.0 - f) + tables.pair_share[i + 1] * f:
            weight_max = core.weight if in_axis and energy < cuts.thin_below else 1.0
            return push_pair(stack, n, state, energy, x, y, z, ux, uy, uz, weight, weight_max)
        elif energy > cuts.electron_cut:
            return push(stack, n, ELECTRON, energy, x, y, z, ux, uy, uz, weight)
        else:
            break
    deposit(grid, block, x, y, z, energy * weight)
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


@compiled
def track_electron(
    stack: Array, n: int, state: State, grid: Array, block: Block, tables: ShowerTables, cuts: ShowerTuning, core: Core
) -> int:
    """Follow the electron or positron on top of the stack until it stops or leaves."""
    n -= 1
    row = stack[n]
    kind, kinetic, weight = row[KIND], row[ENERGY], row[WEIGHT]
    x, y, z = row[X], row[Y], row[Z]
    ux, uy, uz = row[UX], row[UY], row[UZ]
    while kinetic > cuts.stop_energy:
        position = (np.log(kinetic) - tables.ln_low) * tables.per_step
        i = int(position)
        f = position - i
        loss = tables.loss[i] * (1.0 - f) + tables.loss[i + 1] * f
        brems = tables.brems_rate[i] * (1.0 - f) + tables.brems_rate[i + 1] * f
        rate = brems + tables.knock_on_rate[i] * (1.0 - f) + tables.knock_on_rate[i + 1] * f
        step = min(max(cuts.loss_fraction * kinetic / loss, cuts.step_min), cuts.step_max)
        path = -np.log(uniform(state)) / rate if rate > 0.0 else 1e9
        interacts = path < step
        if interacts:
            step = path
        lost = min(loss * step, kinetic)
        # scattering and the field turn the direction; the step goes along the mean of old and new
        energy = kinetic + _M
        momentum2 = kinetic * (kinetic + 2.0 * _M)
        variance = cuts.scattering**2 * energy * energy / (momentum2 * momentum2) * step / tables.radiation_length
        c, s, draw = azimuth(state)
        versine = -np.log(draw) * variance
        if versine > 2.0:
            versine = 2.0 * uniform(state)
        vx, vy, vz = turn(ux, uy, uz, 1.0 - versine, c, s)
        bend = -kind * 2.99792458 * block.field * step / np.sqrt(momentum2)
        norm = 1.0 / np.sqrt(1.0 + bend * bend)
        vx, vz = (vx + bend * vz) * norm, (vz - bend * vx) * norm
        dx, dy, dz = 0.5 * step * (ux + vx), 0.5 * step * (uy + vy), 0.5 * step * (uz + vz)
        # two points per step, so that a step across a border shares its energy
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
            if uniform(state) * rate < brems:
                if kinetic <= cuts.photon_cut:
                    continue
                column = uniform(state) * (tables.brems_quantile.shape[1] - 1)
                j = int(column)
                g = column - j
                share = (tables.brems_quantile[i, j] * (1.0 - g) + tables.brems_quantile[i, j + 1] * g) * (1.0 - f) + (
                    tables.brems_quantile[i + 1, j] * (1.0 - g) + tables.brems_quantile[i + 1, j + 1] * g
                ) * f
                photon = cuts.photon_cut * (kinetic / cuts.photon_cut) ** share
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
            elif kinetic > 2.0 * cuts.electron_cut:
                low = 1.0 / cuts.electron_cut
                knocked = 1.0 / (low - uniform(state) * (low - 2.0 / kinetic))
                cos_theta = np.sqrt(knocked * (kinetic + 2.0 * _M) / (kinetic * (knocked + 2.0 * _M)))
                c, s, _ = azimuth(state)
                vx, vy, vz = turn(ux, uy, uz, cos_theta, c, s)
                n = push(stack, n, ELECTRON, knocked, x, y, z, vx, vy, vz, weight)
                kinetic -= knocked
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
        if stack[n - 1, KIND] == PHOTON:
            n = track_photon(stack, n, state, grid, block, tables, cuts, core)
        else:
            n = track_electron(stack, n, state, grid, block, tables, cuts, core)
