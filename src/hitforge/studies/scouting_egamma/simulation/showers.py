"""What showers leave in the crystals: losses in cracks and behind, and the lateral profile."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.scouting_egamma.data.geometry import EB_N_PHI, module_distance, supermodule_distance
from hitforge.studies.scouting_egamma.simulation.constants import Constants
from hitforge.studies.scouting_egamma.simulation.guns import Guns, impact_point

WINDOW = 11
MIDDLE = WINDOW // 2

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def response(rng: np.random.Generator, guns: Guns, constants: Constants) -> Floats:
    """Return the fraction of the energy that is seen: resolution, cracks, leakage."""
    n, edge, leak = len(guns.pt), constants.supermodule_edge, constants.leakage
    stochastic = guns.of(constants.stochastic) / np.sqrt(guns.energy)
    seen = 1 + stochastic * rng.standard_normal(n) + constants.resolution["constant"] * rng.standard_normal(n)
    d_sm, d_mod = supermodule_distance(guns.phi_at), module_distance(guns.eta_at)
    gaps = 1 - edge["loss"] * (d_sm < edge["within"])
    for distance, gap in ((d_sm, constants.supermodule), (d_mod, constants.module)):
        gaps -= gap["loss"] * np.exp(-distance / gap["scale"])
    seen *= np.where(guns.is_eb, gaps, 1)
    low, high = constants.transition["eta"]
    between = (np.abs(guns.eta) > low) & (np.abs(guns.eta) < high)
    seen *= np.where(between, rng.uniform(*constants.transition["response"], n), 1)
    seen *= 1 - leak["mean"] * leak["scale"] * rng.standard_gamma(leak["shape"], n)
    return np.asarray(np.maximum(seen, 0), dtype=np.float32)


def deposits(rng: np.random.Generator, guns: Guns, visible: Floats, constants: Constants) -> Floats:
    """Return the energy in the 11 x 11 crystals around the impact point, shape (n, 11, 11)."""
    n = len(visible)
    pitch = guns.of(constants.crystal_cm)
    origin = [np.floor(at) - MIDDLE for at in (guns.eta_at, guns.phi_at)]
    flat = np.zeros(n * WINDOW**2)
    for turn, share in zip(guns.turns, (guns.kept, 1 - guns.kept), strict=True):
        some = np.flatnonzero(share > 0)
        at = impact_point(guns.eta[some], guns.phi[some] + turn[some], guns.is_eb[some])
        place = [position - start[some] for position, start in zip(at, origin, strict=True)]
        # the shorter way round in phi
        circle = np.where(guns.is_eb[some], EB_N_PHI, np.inf)
        place[1] = np.where(place[1] > circle / 2, place[1] - circle, place[1])
        place[1] = np.where(place[1] < -circle / 2, place[1] + circle, place[1])
        _add_shower(rng, flat, some, place, (visible * share)[some], pitch[some], constants.shower)
    return flat.reshape(n, WINDOW, WINDOW).astype(np.float32)


def _add_shower(
    rng: np.random.Generator,
    flat: NDArray[np.float64],
    owner: Ints,
    place: list[NDArray[np.floating]],
    energy: Floats,
    pitch: Floats,
    about: Mapping[str, float],
) -> None:
    """Add showers as spots of random weight (two-component profile of Grindhammer and Peters) to the windows."""
    shape = (len(owner), int(about["spots"]))
    weight = rng.standard_exponential(shape, dtype=np.float32)
    weight *= (energy / weight.sum(axis=1))[:, None]
    is_core = rng.random(shape, dtype=np.float32) < about["core_share"]
    scale = about["moliere_cm"] * np.where(is_core, np.float32(about["core"]), np.float32(about["tail"]))
    v = rng.random(shape, dtype=np.float32)
    radius = np.minimum(scale * np.sqrt(v / (1 - v)), about["r_max_cm"]) / pitch[:, None]
    angle = np.float32(2 * np.pi) * rng.random(shape, dtype=np.float32)
    row = np.floor(place[0][:, None] + radius * np.cos(angle))
    column = np.floor(place[1][:, None] + radius * np.sin(angle))
    inside = (row >= 0) & (row < WINDOW) & (column >= 0) & (column < WINDOW)
    cell = owner[:, None] * WINDOW**2
    target = (cell + row * WINDOW + column)[inside].astype(np.int64)
    flat += np.bincount(target, weight[inside], minlength=len(flat))
