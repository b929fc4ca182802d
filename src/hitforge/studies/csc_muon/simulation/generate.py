"""Simulated roads: single muons flat in 1/pT through a parametrised endcap.

Units: phi in 1/60 deg inside a trigger sector, theta in 36.5/128 deg, q/pT in 1/GeV. Arrays are plane first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hitforge.seeds import child_generator, child_seed
from hitforge.studies.csc_muon.data.planes import (
    CSC_PLANES,
    INNER_RING_THETA,
    N_PLANES,
    PLANE,
    PLANES,
    modes_of,
    station_planes,
    theta_units,
)
from hitforge.studies.csc_muon.data.roads import BLOCKS, N_VARIABLES, ROAD_WORD3, STRAIGHTNESS, ZONE, Roads
from hitforge.studies.csc_muon.settings import SimulationSettings
from hitforge.studies.csc_muon.simulation.constants import Constants, load_constants
from hitforge.studies.csc_muon.simulation.road_words import road_words

GUNS_PER_CHUNK = 10_000

Floats = NDArray[np.float32]

_OUTER_CSC = [PLANE[name] for name in ("me2", "me3", "me4")]
_RPC = [plane for plane, about in enumerate(PLANES) if about.type == "RPC"]


@dataclass(frozen=True)
class Guns:
    """Generated muons: q/pT [1/GeV], its magnitude k, |eta|, endcap +-1, phi [deg], and the q/pT that bends."""

    x: Floats
    k: Floats
    abs_eta: Floats
    endcap: Floats
    phi_deg: Floats
    bending_x: Floats


def simulate_roads(
    n_guns: int, seed: int, settings: SimulationSettings, progress: Callable[[int, int], None] | None = None
) -> Iterator[Roads]:
    """Yield the accepted roads of ``n_guns`` muons, about 0.78 of them, chunk by chunk.

    Parameters
    ----------
    n_guns : int
        A muon depends on the seed and its number alone, not on ``n_guns``.
    seed : int
        Its hash is the upper half of the event numbers, the number of the gun the lower half.
    progress : callable, optional
        Called with (guns done, ``n_guns``) after each chunk.

    Yields
    ------
    Roads
        Of at most 10 000 muons each, in the order of their numbers; ``road_word3`` is the median theta.
    """
    prefix = np.uint64(child_seed(seed, "event") & 0xFFFFFFFF) << np.uint64(32)
    for number, first in enumerate(range(0, n_guns, GUNS_PER_CHUNK)):
        roads = _simulate_chunk(seed, number, settings, load_constants())
        roads = roads.take(roads.event < n_guns - first)
        yield replace(roads, event=roads.event + (prefix + np.uint64(first)))
        if progress is not None:
            progress(min(first + GUNS_PER_CHUNK, n_guns), n_guns)


def _simulate_chunk(seed: int, number: int, settings: SimulationSettings, constants: Constants) -> Roads:
    """Return the roads of a full chunk; ``event`` counts from its first gun."""
    rng = child_generator(seed, "muons", number)
    guns = _draw_guns(rng, constants)
    slopes = constants.slopes_at(guns.abs_eta)
    theta, windows = _theta(rng, guns, constants)
    phi = _phi(rng, guns, slopes, constants, _precision(seed, number, guns, settings, constants))
    if settings.displaced:
        phi += _displacement(seed, number, guns, constants)
    bend = _bend(rng, guns, slopes, constants)
    hit = (windows > 0) & (rng.random(phi.shape, dtype=np.float32) < _column(constants.efficiency))
    hit[PLANE["me11"]] &= guns.abs_eta > constants.me11_eta_min
    hit[PLANE["me12"]] &= guns.abs_eta < constants.me12_eta_max
    phi = _read_out_phi(phi, constants)
    front = rng.random(phi.shape, dtype=np.float32) < constants.front_share
    early = rng.random((len(CSC_PLANES), len(guns.x)), dtype=np.float32) < constants.early_share
    if settings.pileup_hits > 0:
        _replace_hits(seed, number, settings.pileup_hits, constants, (phi, theta, bend, windows))

    mode = modes_of(hit)
    kept = np.flatnonzero(
        np.isin(mode, constants.acceptance.modes)
        & hit[list(CSC_PLANES)].any(axis=0)
        & (rng.random(len(guns.x), dtype=np.float32) < _acceptance(guns, constants))
    )
    time = np.zeros_like(phi)
    time[list(CSC_PLANES)] = np.where(early, np.float32(-1), np.float32(0))
    columns = {"phi": phi, "theta": theta, "bend": bend, "time": time, "ring": _rings(theta, windows), "fr": front}
    return _assemble(guns, hit, columns, mode, kept, constants)


def _draw_guns(rng: np.random.Generator, constants: Constants) -> Guns:
    gun, n = constants.gun, GUNS_PER_CHUNK
    k = rng.uniform(1 / gun["pt_max_gev"], 1 / gun["pt_min_gev"], n).astype(np.float32)
    x = np.where(rng.random(n) < 0.5, k, -k)
    eta = rng.uniform(gun["eta_min"], gun["eta_max"], n).astype(np.float32)
    endcap = np.where(rng.random(n) < 0.5, np.float32(1), np.float32(-1))
    phi = rng.uniform(-180, 180, n).astype(np.float32)
    return Guns(x, k, eta, endcap, phi, x * (1 + np.float32(constants.bending["energy_loss_gev"]) * k))


def _column(values: tuple[float, ...]) -> Floats:
    """Return one value per plane, shape (12, 1)."""
    return np.array(values, dtype=np.float32)[:, None]


def _normal(rng: np.random.Generator, *shape: int) -> Floats:
    return rng.standard_normal(shape, dtype=np.float32)


def _theta(rng: np.random.Generator, guns: Guns, constants: Constants) -> tuple[Floats, NDArray[np.int8]]:
    """Return theta of each plane, shape (12, N), and the number from 1 of the window that it is in, else 0."""
    resolution = _column(constants.theta_resolution)
    theta = np.rint(theta_units(guns.abs_eta) + resolution * _normal(rng, N_PLANES, len(guns.x)))
    windows = np.zeros(theta.shape, dtype=np.int8)
    for plane, about in enumerate(PLANES):
        for number, (low, high) in enumerate(about.theta, start=1):
            windows[plane, (theta[plane] >= low) & (theta[plane] <= high)] = number
    return theta, windows


def _phi(rng: np.random.Generator, guns: Guns, slopes: Floats, constants: Constants, precision: Floats) -> Floats:
    """Return phi of each plane before read-out, shape (12, N)."""
    bending, sector, n = constants.bending, constants.sector, len(guns.x)
    lever = 60 * np.degrees(bending["solenoid_rad_gev"]) * np.sinh(bending["reference_eta"]) / np.sinh(guns.abs_eta)
    phi_me2 = 60.0 * guns.phi_deg - lever * guns.bending_x + bending["vertex_scattering"] * guns.k * _normal(rng, n)
    local = (phi_me2 / 60 - 15) % 360 % 60
    neighbour = (local > sector["neighbour_from_deg"]) & (rng.random(n) < sector["neighbour_share"])
    base = (60 * (local - 60 * neighbour + sector["offset_deg"])).astype(np.float32)

    scattering = constants.scattering
    kick: Floats = scattering["station1"] * slopes[PLANE["me11"]] * guns.k
    phi: Floats = base + slopes * guns.bending_x
    phi += precision * _normal(rng, N_PLANES, n)
    phi[list(station_planes(1))] += kick * _normal(rng, n)
    for station in (3, 4):
        phi[list(station_planes(station))] += scattering["outer"] * kick * _normal(rng, n)
    return phi


def _precision(seed: int, number: int, guns: Guns, settings: SimulationSettings, constants: Constants) -> Floats:
    """Return the phi resolution of each plane, shape (12, 1) or, with showers, (12, N)."""
    resolution = _column(constants.phi_resolution)
    if not settings.showering:
        return resolution
    about = constants.showering
    unlucky = child_generator(seed, "showering", number).random(len(guns.x)) < about["share"]
    factor = np.where(unlucky & (guns.k < 1 / about["pt_min_gev"]), np.float32(about["factor"]), np.float32(1))
    outer = np.isin(np.arange(N_PLANES), _OUTER_CSC)[:, None]
    return np.where(outer, resolution * factor, resolution)


def _displacement(seed: int, number: int, guns: Guns, constants: Constants) -> Floats:
    """Return the shift in phi of each plane relative to ME2, shape (12, N).

    A straight line with impact parameter d0 is at azimuth asin(d0 / r) from its direction at radius r.
    """
    about = constants.displaced
    d0 = child_generator(seed, "displaced", number).uniform(-about["d0_max_cm"], about["d0_max_cm"], len(guns.x))
    radius = np.array([plane.z_cm for plane in PLANES])[:, None] / np.sinh(guns.abs_eta)
    sine = np.clip(d0 / radius, -about["sine_max"], about["sine_max"])
    azimuth = np.degrees(np.arcsin(sine))
    return np.asarray(60 * (azimuth - azimuth[PLANE["me2"]]), dtype=np.float32)


def _bend(rng: np.random.Generator, guns: Guns, slopes: Floats, constants: Constants) -> Floats:
    """Return the bend of each plane, shape (12, N): zero for RPCs, -1, 0 or 1 for ME2 to ME4."""
    about, n = constants.bend, len(guns.x)
    bend = np.zeros(slopes.shape, dtype=np.float32)
    for plane in sorted({*range(N_PLANES)} - {*_OUTER_CSC, *_RPC}):
        slope = about["me11_slope"] / about["me11_reference"] * slopes[plane]
        if plane == PLANE["me12"]:
            slope = np.full_like(slope, about["me12_slope"])
        noise = about["resolution"] * _normal(rng, n) + about["scattering"] * guns.k * _normal(rng, n)
        bend[plane] = np.clip(np.rint(slope * guns.x + noise), -about["limit"], about["limit"])
    for plane in _OUTER_CSC:
        raw = about["outer_slope"] * guns.x + about["resolution"] * _normal(rng, n)
        bend[plane] = np.where(np.abs(raw) > about["outer_threshold"], np.sign(raw), np.float32(0))
    return bend


def _read_out_phi(phi: Floats, constants: Constants) -> Floats:
    """Round phi to what the chambers send."""
    step = np.float32(constants.rpc_phi_step)
    rounded = np.rint(phi)
    rounded[_RPC] = np.rint(phi[_RPC] / step) * step
    return np.clip(rounded, 0, constants.sector["phi_max"])


def _replace_hits(
    seed: int, number: int, mean: float, constants: Constants, hits: tuple[Floats, Floats, Floats, NDArray[np.int8]]
) -> None:
    """Put a foreign hit of the same chamber in place of the true one where a Poisson number of them is not zero.

    ``hits`` are phi, theta and bend, which are changed, and the theta windows of the true hits.
    """
    rng, about = child_generator(seed, "pileup", number), constants.pileup
    phi, theta, bend, windows = hits
    plane, road = np.nonzero(rng.poisson(mean, phi.shape))
    n = len(plane)
    shift = np.rint(rng.uniform(-about["phi_window"], about["phi_window"], n))
    phi[plane, road] = np.clip(phi[plane, road] + shift, 0, constants.sector["phi_max"])
    limits = np.array([(row.theta[0], row.theta[-1]) for row in PLANES])[plane, windows[plane, road] - 1]
    shift = np.rint(rng.uniform(-about["theta_window"], about["theta_window"], n))
    theta[plane, road] = np.clip(theta[plane, road] + shift, limits[:, 0], limits[:, 1])
    drawn = np.rint(rng.uniform(-about["bend_max"], about["bend_max"], n))
    drawn[np.isin(plane, _OUTER_CSC)] = np.sign(drawn[np.isin(plane, _OUTER_CSC)])
    bend[plane, road] = np.where(np.isin(plane, _RPC), 0, drawn)


def _rings(theta: Floats, windows: NDArray[np.int8]) -> Floats:
    ring = np.empty_like(theta)
    for plane, about in enumerate(PLANES):
        ring[plane] = np.array([0, *about.rings], dtype=np.float32)[windows[plane]]
    me11 = PLANE["me11"]
    ring[me11, theta[me11] <= INNER_RING_THETA] = 4
    return ring


def _acceptance(guns: Guns, constants: Constants) -> Floats:
    """Return the probability that the road finder keeps a muon."""
    about = constants.acceptance
    turn_on = 1 / (1 + np.exp(-(1 / guns.k.astype(np.float64) - about.pt_gev) / about.width_gev))
    return np.asarray(turn_on * np.where(guns.abs_eta < about.low_eta, about.low_eta_factor, 1), dtype=np.float32)


def _assemble(
    guns: Guns,
    hit: NDArray[np.bool_],
    columns: dict[str, NDArray[np.generic]],
    mode: NDArray[np.int32],
    kept: NDArray[np.int64],
    constants: Constants,
) -> Roads:
    """Return the kept roads."""
    hit = hit[:, kept]
    variables = np.empty((len(kept), N_VARIABLES), dtype=np.float32)
    values = {name: np.where(hit, column[:, kept], np.float32(np.nan)) for name, column in columns.items()}
    for block, name in enumerate(BLOCKS):
        rows = ~hit if name == "mask" else values[name]
        variables[:, N_PLANES * block : N_PLANES * (block + 1)] = rows.T
    straightness, zone, theta_median = road_words(values["phi"], values["theta"], constants)
    variables[:, STRAIGHTNESS], variables[:, ZONE], variables[:, ROAD_WORD3] = straightness, zone, theta_median
    parameters = np.stack([guns.x, np.radians(guns.phi_deg), guns.endcap * guns.abs_eta], axis=1)[kept]
    return Roads(
        variables=variables,
        parameters=parameters.astype(np.float32),
        event=kept.astype(np.uint64),
        n_hits=hit.sum(axis=0, dtype=np.int32),
        mode=mode[kept],
        weight=np.ones(len(kept), dtype=np.float32),
    )
