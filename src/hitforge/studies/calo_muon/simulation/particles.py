"""The block, the stack of waiting particles and their directions, for compiled code.

Units: MeV and cm; directions are unit vectors. A particle is one row of the stack.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.calo_muon.simulation.kernels import compiled, uniform

Array = NDArray[np.float64]
State = NDArray[np.uint64]

STACK_SIZE: Final = 100_000
STACK_COLUMNS: Final = 9
# columns of a stack row
KIND, ENERGY, X, Y, Z, UX, UY, UZ, WEIGHT = range(9)
ELECTRON: Final = -1.0
PHOTON: Final = 0.0
POSITRON: Final = 1.0


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
def in_core(core: Core, x: float, y: float) -> bool:
    """Tell whether a point is in the cylinder."""
    dx, dy = x - core.x, y - core.y
    return dx * dx + dy * dy < core.radius * core.radius


@compiled
def push(
    stack: Array, n: int, kind: float, energy: float, x: float, y: float, z: float,
    ux: float, uy: float, uz: float, weight: float,
) -> int:  # fmt: skip
    """Put a particle on the stack; return the new number of waiting particles."""
    stack[n, KIND] = kind
    stack[n, ENERGY] = energy
    stack[n, X] = x
    stack[n, Y] = y
    stack[n, Z] = z
    stack[n, UX] = ux
    stack[n, UY] = uy
    stack[n, UZ] = uz
    stack[n, WEIGHT] = weight
    return n + 1


@compiled
def turn(
    ux: float, uy: float, uz: float, cos_theta: float, cos_phi: float, sin_phi: float
) -> tuple[float, float, float]:
    """Rotate a unit vector by a polar angle, at an azimuth around it.

    Perpendicular axes after Duff et al., J. Comput. Graph. Tech. 6 (2017) 1: no square root, no special case.
    """
    sin_theta = np.sqrt(max(0.0, 1.0 - cos_theta * cos_theta))
    p = sin_theta * cos_phi
    q = sin_theta * sin_phi
    sign = 1.0 if uz >= 0.0 else -1.0
    a = -1.0 / (sign + uz)
    b = ux * uy * a
    vx = ux * cos_theta + p * (1.0 + sign * ux * ux * a) + q * b
    vy = uy * cos_theta + p * sign * b + q * (sign + uy * uy * a)
    vz = uz * cos_theta - p * sign * ux - q * uy
    # one Newton step keeps the length at 1
    norm = 1.5 - 0.5 * (vx * vx + vy * vy + vz * vz)
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
def split(
    stack: Array, n: int, state: State, core: Core, kind: float, energy: float, x: float, y: float, z: float,
    ux: float, uy: float, uz: float, weight: float,
) -> tuple[int, float]:  # fmt: skip
    """Share a particle's weight among copies turned around the axis; return the number waiting and its own rest."""
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
