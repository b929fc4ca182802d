"""Simulated candidates: single electrons and photons through material, cracks, noise and dead channels.

Units: GeV, rad; positions in crystals. Arrays have one entry, or one 11 x 11 window of crystals, per candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.seeds import child_generator, child_seed
from hitforge.studies.scouting_egamma.data import geometry
from hitforge.studies.scouting_egamma.data.candidates import WORDS, Candidates
from hitforge.studies.scouting_egamma.data.moments import moments_of
from hitforge.studies.scouting_egamma.simulation.constants import Constants, load_constants
from hitforge.studies.scouting_egamma.simulation.guns import Guns, draw_guns, track_columns
from hitforge.studies.scouting_egamma.simulation.settings import SimulationSettings
from hitforge.studies.scouting_egamma.simulation.showers import MIDDLE, WINDOW, deposits, response

GUNS_PER_CHUNK = 20_000

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]


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
    return {
        "ieta": geometry.ieta_of(first - geometry.EB_MAX_IETA).astype(np.int16),
        "iphi": (second + 1).astype(np.int16),
    }


@cache
def dead_map(seed: int, share: float) -> Bools:
    """Return which barrel channels are dead, shape (170, 360): ieta from -85 without 0, iphi from 1."""
    drawn = child_generator(seed, "dead channels").random((2 * geometry.EB_MAX_IETA, geometry.EB_N_PHI))
    return np.asarray(drawn < share)


def _simulate_chunk(seed: int, number: int, settings: SimulationSettings, constants: Constants) -> Columns:
    rng = child_generator(seed, "candidates", number)
    guns = draw_guns(GUNS_PER_CHUNK, rng, settings, constants)
    visible = (guns.energy * response(rng, guns, constants)).astype(np.float32)
    window = deposits(rng, guns, visible, constants)
    beyond = np.maximum(visible - window.sum(axis=(1, 2)), 0)
    index, dead = _channels(rng, guns, settings, constants)
    window = _read_out(rng, window, guns, dead, constants)
    rows, columns = _around_seed(window)
    pick = np.arange(len(window))[:, None, None]
    matrix = window[pick, rows[:, :, None], columns[:, None, :]]
    seed_index = [axis[np.arange(len(axis)), side[:, 2]] for axis, side in zip(index, (rows, columns), strict=True)]
    e5x5 = matrix.sum(axis=(1, 2))
    outside = window.sum(axis=(1, 2)) - e5x5 + beyond
    found = rng.random(len(e5x5)) < guns.of(constants.recovered)
    raw = e5x5 + np.where(found, constants.recovered_share * outside, 0)
    lost = (rng.random(len(raw)) < constants.lost["share"]) | (matrix[:, 2, 2] < constants.lost["seed_min"])
    raw[lost] = 0
    eta, phi = _direction(guns, matrix, seed_index)
    e_reco = raw * guns.of(constants.scale)
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


def _channels(
    rng: np.random.Generator, guns: Guns, settings: SimulationSettings, constants: Constants
) -> tuple[list[Ints], Bools]:
    """Return the indices of the windows' rows and columns, (n, 11) each, and which channels are dead, (n, 11, 11).

    Beyond the last crystal of the barrel there is nothing, which reads like a dead channel.
    """
    steps = np.arange(-MIDDLE, MIDDLE + 1)
    rows, columns = (np.floor(at).astype(np.int64)[:, None] + steps for at in (guns.eta_at, guns.phi_at))
    columns = np.where(guns.is_eb[:, None], columns % geometry.EB_N_PHI, columns)
    dead = rng.random((len(rows), WINDOW, WINDOW), dtype=np.float32) < constants.dead.ee
    eb = guns.is_eb
    channels = rows[eb] + geometry.EB_MAX_IETA
    there = (channels >= 0) & (channels < 2 * geometry.EB_MAX_IETA)
    broken = dead_map(settings.dead_map_seed, constants.dead.eb)
    dead[eb] = broken[np.clip(channels, 0, 2 * geometry.EB_MAX_IETA - 1)[:, :, None], columns[eb][:, None, :]]
    dead[eb] |= ~there[:, :, None]
    return [rows, columns], dead


def _read_out(rng: np.random.Generator, window: Floats, guns: Guns, dead: Bools, constants: Constants) -> Floats:
    """Return the energies after intercalibration, noise, dead channels and zero suppression."""
    shape = window.shape
    spread = np.float32(constants.resolution["intercalibration"])
    energies = window * (1 + spread * rng.standard_normal(shape, dtype=np.float32))
    energies += guns.of(constants.noise)[:, None, None] * rng.standard_normal(shape, dtype=np.float32)
    suppressed = dead | (energies < guns.of(constants.suppression)[:, None, None])
    return np.where(suppressed, np.float32(0), energies)


def _around_seed(window: Floats) -> tuple[Ints, Ints]:
    """Return rows and columns, (n, 5) each, of the 5 x 5 about the largest cell of the inner 3 x 3."""
    inner = window[:, MIDDLE - 1 : MIDDLE + 2, MIDDLE - 1 : MIDDLE + 2].reshape(-1, 9)
    row, column = np.divmod(inner.argmax(axis=1), 3)
    steps = np.arange(-2, 3) + MIDDLE - 1
    return row[:, None] + steps, column[:, None] + steps


def _direction(guns: Guns, matrix: Floats, seed_index: list[Ints]) -> tuple[Floats, Floats]:
    """Return eta and phi of the log-weighted position: what is reconstructed, not what was generated."""
    moments = moments_of(matrix)
    first, second = seed_index[0] + 0.5 + moments.eta, seed_index[1] + 0.5 + moments.phi
    x, y = (first - geometry.EE_CENTRE) * geometry.EE_PITCH_CM, (second - geometry.EE_CENTRE) * geometry.EE_PITCH_CM
    in_endcap = np.sign(guns.eta) * np.arcsinh(geometry.EE_Z_CM / np.maximum(np.hypot(x, y), 1))
    eta = np.where(guns.is_eb, first * geometry.EB_PITCH, in_endcap)
    phi = np.where(guns.is_eb, second * geometry.EB_PITCH, np.arctan2(y, x))
    return eta.astype(np.float32), (np.mod(phi + np.pi, 2 * np.pi) - np.pi).astype(np.float32)


def _preshower(rng: np.random.Generator, guns: Guns, constants: Constants) -> NDArray[np.floating]:
    about = constants.preshower
    smeared = about["share"] * guns.energy * rng.standard_gamma(about["shape"], len(guns.pt)) / about["shape"]
    inside = (np.abs(guns.eta) > about["eta_min"]) & (np.abs(guns.eta) < about["eta_max"])
    return np.where(inside, smeared, 0.0)


def _words(guns: Guns, seed_index: list[Ints], dead: Bools) -> dict[str, NDArray[np.generic]]:
    first, second = seed_index
    # without any energy the seed is arbitrary, and may lie beyond the last crystal
    in_barrel = np.clip(first, -geometry.EB_MAX_IETA, geometry.EB_MAX_IETA - 1)
    return {
        "ieta": np.where(guns.is_eb, geometry.ieta_of(in_barrel), np.clip(first + 1, 1, 100)),
        "iphi": np.where(guns.is_eb, second + 1, np.clip(second + 1, 1, 100)),
        "dead_5x5": dead,
        "is_electron": guns.is_electron,
        "is_EB": guns.is_eb,
    }
