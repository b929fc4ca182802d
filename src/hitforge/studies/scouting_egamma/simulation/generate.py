"""Simulated candidates: single electrons and photons through material, cracks, noise and dead channels.

Units: GeV, rad; positions in crystals. Arrays have one entry, or one 11 x 11 window of crystals, per candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.seeds import child_generator, child_seed
from hitforge.studies.scouting_egamma.candidates import ELECTRON_MASS_GEV, WORDS, Candidates
from hitforge.studies.scouting_egamma.geometry import (
    EB_ETA_MAX,
    EB_MAX_IETA,
    EB_N_PHI,
    EB_PITCH,
    EE_CENTRE,
    EE_PITCH_CM,
    EE_Z_CM,
    ieta_of,
    module_distance,
    supermodule_distance,
)
from hitforge.studies.scouting_egamma.moments import moments_of
from hitforge.studies.scouting_egamma.simulation.constants import Constants, Region, load_constants
from hitforge.studies.scouting_egamma.simulation.settings import SimulationSettings
from hitforge.studies.scouting_egamma.simulation.tracks import track_columns

GUNS_PER_CHUNK = 20_000
WINDOW = 11
_MIDDLE = WINDOW // 2

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]


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


def simulate_candidates(
    n_guns: int, seed: int, settings: SimulationSettings, progress: Callable[[int, int], None] | None = None
) -> Iterator[Candidates]:
    """Yield ``n_guns`` candidates chunk by chunk; one depends on the seed and its number alone.

    Parameters
    ----------
    seed : int
        Its hash is the upper half of the event numbers, the number of the gun the lower half.
    progress : callable, optional
        Called with (guns done, ``n_guns``) after each chunk.
    """
    prefix = np.uint64(child_seed(seed, "event") & 0xFFFFFFFF) << np.uint64(32)
    for number, first in enumerate(range(0, n_guns, GUNS_PER_CHUNK)):
        found = _simulate_chunk(seed, number, settings, load_constants())
        event = prefix + np.uint64(first) + np.arange(GUNS_PER_CHUNK, dtype=np.uint64)
        yield Candidates({**found, "event": event}).take(np.arange(min(GUNS_PER_CHUNK, n_guns - first)))
        if progress is not None:
            progress(min(first + GUNS_PER_CHUNK, n_guns), n_guns)


def dead_channels(settings: SimulationSettings) -> dict[str, NDArray[np.int16]]:
    """Return ``ieta`` and ``iphi`` of the barrel channels that are dead in all candidates of these settings."""
    first, second = np.nonzero(dead_map(settings.dead_map_seed, load_constants().dead.eb))
    return {"ieta": ieta_of(first - EB_MAX_IETA).astype(np.int16), "iphi": (second + 1).astype(np.int16)}


@cache
def dead_map(seed: int, share: float) -> Bools:
    """Return which barrel channels are dead, shape (170, 360): ieta from -85 without 0, iphi from 1."""
    drawn = child_generator(seed, "dead channels").random((2 * EB_MAX_IETA, EB_N_PHI))
    return np.asarray(drawn < share)


def _simulate_chunk(seed: int, number: int, settings: SimulationSettings, constants: Constants) -> Columns:
    rng = child_generator(seed, "candidates", number)
    guns = _draw_guns(rng, settings, constants)
    visible = (guns.energy * _response(rng, guns, constants)).astype(np.float32)
    window = _deposits(rng, guns, visible, constants)
    beyond = np.maximum(visible - window.sum(axis=(1, 2)), 0)
    index, dead = _channels(rng, guns, settings, constants)
    window = _read_out(rng, window, guns, dead, constants)
    rows, columns = _around_seed(window)
    pick = np.arange(len(window))[:, None, None]
    matrix = window[pick, rows[:, :, None], columns[:, None, :]]
    seed_index = [axis[np.arange(len(axis)), side[:, 2]] for axis, side in zip(index, (rows, columns), strict=True)]
    e5x5 = matrix.sum(axis=(1, 2))
    outside = window.sum(axis=(1, 2)) - e5x5 + beyond
    found = rng.random(len(e5x5)) < _of(constants.recovery.share, guns)
    raw = e5x5 + np.where(found, constants.recovery.factor * outside, 0)
    lost = (rng.random(len(raw)) < constants.lost["share"]) | (matrix[:, 2, 2] < constants.lost["seed_min"])
    raw[lost] = 0
    eta, phi = _direction(guns, matrix, seed_index)
    e_reco = raw * _of(constants.scale, guns)
    columns_of = {
        "gen_pt": guns.pt, "gen_eta": guns.eta, "gen_phi": guns.phi,
        "e_reco": e_reco, "pt": e_reco / np.cosh(eta), "eta": eta, "phi": phi,
        "raw_energy": raw, "pse": _preshower(rng, guns, constants),
        **track_columns(rng, guns, raw, constants),
        **_words(guns, seed_index, np.asarray(dead[pick, rows[:, :, None], columns[:, None, :]].any(axis=(1, 2)))),
        "energyMatrix": matrix.reshape(-1, 25), "w": np.ones(len(raw)),
    }  # fmt: skip
    return {
        name: np.asarray(values, dtype=np.int16 if name in WORDS else np.float32) for name, values in columns_of.items()
    }


def _of(region: Region, guns: Guns) -> Floats:
    return np.where(guns.is_eb, np.float32(region.eb), np.float32(region.ee))


def _draw_guns(rng: np.random.Generator, settings: SimulationSettings, constants: Constants) -> Guns:
    n = GUNS_PER_CHUNK
    pt = rng.uniform(settings.pt_min_gev, settings.pt_max_gev, n).astype(np.float32)
    eta = rng.uniform(-2.5, 2.5, n).astype(np.float32)
    phi = rng.uniform(-np.pi, np.pi, n).astype(np.float32)
    charge = np.where(rng.random(n) < settings.electron_share, rng.choice([-1.0, 1.0], n), 0.0).astype(np.float32)
    energy = np.hypot(pt * np.cosh(eta), np.where(charge != 0, ELECTRON_MASS_GEV, 0)).astype(np.float32)
    is_eb = np.abs(eta) < EB_ETA_MAX
    # Bethe-Heitler: the kept fraction is exp(-Gamma(t / ln 2, 1))
    depth = np.interp(np.abs(eta), constants.material.eta, constants.material.x0)
    kept = np.maximum(np.exp(-rng.standard_gamma(depth / np.log(2))), constants.brem.fraction_min)
    kept = np.where(charge != 0, kept, 1.0)
    u = rng.uniform(*constants.brem.depth, n)
    bend = constants.brem.bend / pt * (1 - u) ** 1.5
    turns = np.stack([np.zeros(n), charge * bend / np.sqrt(kept)])
    if settings.conversions:
        # pair production after t radiation lengths, the energy shared evenly; each leg bends by its own momentum
        pair = (charge == 0) & (rng.random(n) < 1 - np.exp(-7 / 9 * depth))
        share = rng.uniform(constants.brem.fraction_min, 1 - constants.brem.fraction_min, n)
        kept = np.where(pair, share, kept)
        turns = np.where(pair, bend / np.stack([share, share - 1]), turns)
    eta_at, phi_at = _position(eta, phi, is_eb)
    return Guns(
        pt, eta, phi, energy, charge, is_eb, kept.astype(np.float32), turns.astype(np.float32), eta_at, phi_at
    )  # fmt: skip


def _position(eta: Floats, phi: Floats, is_eb: Bools) -> tuple[Floats, Floats]:
    """Return the impact point in crystals: eta and phi in EB, x and y in EE."""
    radius = EE_Z_CM / np.maximum(np.sinh(np.abs(eta)), 1) / EE_PITCH_CM
    first = np.where(is_eb, eta / EB_PITCH, EE_CENTRE + radius * np.cos(phi))
    second = np.where(is_eb, np.mod(phi, 2 * np.pi) / EB_PITCH, EE_CENTRE + radius * np.sin(phi))
    return first.astype(np.float32), second.astype(np.float32)


def _response(rng: np.random.Generator, guns: Guns, constants: Constants) -> Floats:
    """Return the fraction of the energy that is seen: resolution, cracks, leakage."""
    n, about, leak = len(guns.pt), constants.cracks, constants.leakage
    stochastic = _of(constants.resolution.stochastic, guns) / np.sqrt(guns.energy)
    response = 1 + stochastic * rng.standard_normal(n) + constants.resolution.constant * rng.standard_normal(n)
    d_sm, d_mod = supermodule_distance(guns.phi_at), module_distance(guns.eta_at)
    gaps = 1 - about.supermodule_edge["loss"] * (d_sm < about.supermodule_edge["within"])
    gaps -= about.supermodule["loss"] * np.exp(-d_sm / about.supermodule["scale"])
    gaps -= about.module["loss"] * np.exp(-d_mod / about.module["scale"])
    response *= np.where(guns.is_eb, gaps, 1)
    low, high = about.transition.eta
    between = (np.abs(guns.eta) > low) & (np.abs(guns.eta) < high)
    response *= np.where(between, rng.uniform(*about.transition.response, n), 1)
    response *= 1 - leak["mean"] * leak["scale"] * rng.standard_gamma(leak["shape"], n)
    return np.asarray(np.maximum(response, 0), dtype=np.float32)


def _deposits(rng: np.random.Generator, guns: Guns, visible: Floats, constants: Constants) -> Floats:
    """Return the energy in the 11 x 11 crystals around the impact point, shape (n, 11, 11)."""
    n = len(visible)
    pitch = _of(constants.crystal_cm, guns)
    origin = [np.floor(at) - _MIDDLE for at in (guns.eta_at, guns.phi_at)]
    flat = np.zeros(n * WINDOW**2)
    for turn, share in zip(guns.turns, (guns.kept, 1 - guns.kept), strict=True):
        some = np.flatnonzero(share > 0)
        at = _position(guns.eta[some], guns.phi[some] + turn[some], guns.is_eb[some])
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


def _channels(
    rng: np.random.Generator, guns: Guns, settings: SimulationSettings, constants: Constants
) -> tuple[list[Ints], Bools]:
    """Return the indices of the windows' rows and columns, (n, 11) each, and which channels are dead, (n, 11, 11).

    Beyond the last crystal of the barrel there is nothing, which reads like a dead channel.
    """
    steps = np.arange(-_MIDDLE, _MIDDLE + 1)
    rows, columns = (np.floor(at).astype(np.int64)[:, None] + steps for at in (guns.eta_at, guns.phi_at))
    columns = np.where(guns.is_eb[:, None], columns % EB_N_PHI, columns)
    dead = rng.random((len(rows), WINDOW, WINDOW), dtype=np.float32) < constants.dead.ee
    eb = guns.is_eb
    channels = rows[eb] + EB_MAX_IETA
    there = (channels >= 0) & (channels < 2 * EB_MAX_IETA)
    broken = dead_map(settings.dead_map_seed, constants.dead.eb)
    dead[eb] = broken[np.clip(channels, 0, 2 * EB_MAX_IETA - 1)[:, :, None], columns[eb][:, None, :]]
    dead[eb] |= ~there[:, :, None]
    return [rows, columns], dead


def _read_out(rng: np.random.Generator, window: Floats, guns: Guns, dead: Bools, constants: Constants) -> Floats:
    """Return the energies after intercalibration, noise, dead channels and zero suppression."""
    shape = window.shape
    spread = np.float32(constants.resolution.intercalibration)
    energies = window * (1 + spread * rng.standard_normal(shape, dtype=np.float32))
    energies += _of(constants.noise, guns)[:, None, None] * rng.standard_normal(shape, dtype=np.float32)
    suppressed = dead | (energies < _of(constants.suppression, guns)[:, None, None])
    return np.where(suppressed, np.float32(0), energies)


def _around_seed(window: Floats) -> tuple[Ints, Ints]:
    """Return rows and columns, (n, 5) each, of the 5 x 5 about the largest cell of the inner 3 x 3."""
    inner = window[:, _MIDDLE - 1 : _MIDDLE + 2, _MIDDLE - 1 : _MIDDLE + 2].reshape(-1, 9)
    row, column = np.divmod(inner.argmax(axis=1), 3)
    steps = np.arange(-2, 3) + _MIDDLE - 1
    return row[:, None] + steps, column[:, None] + steps


def _direction(guns: Guns, matrix: Floats, seed_index: list[Ints]) -> tuple[Floats, Floats]:
    """Return eta and phi of the log-weighted position: what is reconstructed, not what was generated."""
    moments = moments_of(matrix)
    first, second = seed_index[0] + 0.5 + moments.eta, seed_index[1] + 0.5 + moments.phi
    x, y = (first - EE_CENTRE) * EE_PITCH_CM, (second - EE_CENTRE) * EE_PITCH_CM
    in_endcap = np.sign(guns.eta) * np.arcsinh(EE_Z_CM / np.maximum(np.hypot(x, y), 1))
    eta = np.where(guns.is_eb, first * EB_PITCH, in_endcap)
    phi = np.where(guns.is_eb, second * EB_PITCH, np.arctan2(y, x))
    return eta.astype(np.float32), (np.mod(phi + np.pi, 2 * np.pi) - np.pi).astype(np.float32)


def _preshower(rng: np.random.Generator, guns: Guns, constants: Constants) -> NDArray[np.floating]:
    about = constants.preshower
    smeared = about.share * guns.energy * rng.standard_gamma(about.shape, len(guns.pt)) / about.shape
    low, high = about.eta
    return np.where((np.abs(guns.eta) > low) & (np.abs(guns.eta) < high), smeared, 0.0)


def _words(guns: Guns, seed_index: list[Ints], dead: Bools) -> dict[str, NDArray[np.generic]]:
    first, second = seed_index
    # without any energy the seed is arbitrary, and may lie beyond the last crystal
    in_barrel = np.clip(first, -EB_MAX_IETA, EB_MAX_IETA - 1)
    return {
        "ieta": np.where(guns.is_eb, ieta_of(in_barrel), np.clip(first + 1, 1, 100)),
        "iphi": np.where(guns.is_eb, second + 1, np.clip(second + 1, 1, 100)),
        "dead_5x5": dead,
        "is_electron": guns.is_electron,
        "is_EB": guns.is_eb,
    }
