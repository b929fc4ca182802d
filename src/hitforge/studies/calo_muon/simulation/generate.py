"""Simulated muons: the entry point of the fast simulation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hitforge.hits import CellHits
from hitforge.seeds import child_generator, child_seed
from hitforge.studies.calo_muon.data.geometry import Geometry
from hitforge.studies.calo_muon.data.muons import Muons
from hitforge.studies.calo_muon.settings import SimulationSettings
from hitforge.studies.calo_muon.simulation.material import MATERIALS
from hitforge.studies.calo_muon.simulation.muon_tables import MuonTables, build_muon_tables
from hitforge.studies.calo_muon.simulation.oracle import (
    Field,
    OracleTables,
    build_oracle_tables,
    limit_bits,
    prior_points,
)
from hitforge.studies.calo_muon.simulation.particles import Block
from hitforge.studies.calo_muon.simulation.shower_tables import ShowerTables, build_shower_tables
from hitforge.studies.calo_muon.simulation.transport import History, muon_loss, new_history, transport_events
from hitforge.studies.calo_muon.simulation.tuning import ShowerTuning

START_Z_MM = -50.1  # muons start here, in the field already, as in the original production
CELL_THRESHOLD_GEV = 1e-6
_BATCH = 50


class Tables(NamedTuple):
    """All cross sections of a material."""

    muon: MuonTables
    showers: ShowerTables
    oracle: OracleTables


@lru_cache(maxsize=4)
def tables_of(material: str, tuning: ShowerTuning) -> Tables:
    """Tabulate a material by name."""
    if material not in MATERIALS:
        raise ValueError(f"geometry.material {material!r}: the fast simulation knows {', '.join(sorted(MATERIALS))}")
    composition = MATERIALS[material]
    muon = build_muon_tables(composition, tuning.muon_threshold)
    oracle = build_oracle_tables(composition, muon, tuning.muon_threshold)
    return Tables(muon, build_shower_tables(composition, tuning), oracle)


def block_of(geometry: Geometry) -> Block:
    """Return the geometry in the units of the compiled code."""
    return Block(
        geometry.half_width_x_mm / 10, geometry.half_width_y_mm / 10, geometry.n_z * geometry.pitch_z_mm / 10,
        10 / geometry.pitch_x_mm, 10 / geometry.pitch_y_mm, 10 / geometry.pitch_z_mm,
        geometry.n_x, geometry.n_y, geometry.n_z, geometry.field_tesla,
    )  # fmt: skip


def field_of(geometry: Geometry, radiation_length: float, tuning: ShowerTuning) -> Field:
    """Return what the oracle needs to know of bending and scattering of a muon from ``START_Z_MM`` on."""
    return Field(
        2.99792458 * geometry.field_tesla, tuning.muon_scattering**2 / radiation_length,
        -START_Z_MM / 10, geometry.pitch_z_mm / 10,
    )  # fmt: skip


def draw_beam(
    first: int, stop: int, seed: int, settings: SimulationSettings, spectrum: Literal["flat", "discrete"]
) -> Muons:
    """Draw events ``first:stop`` without their hits; each depends on (seed, event number) alone."""
    rows = np.array([child_generator(seed, "beam", event).random(3) for event in range(first, stop)]).reshape(-1, 3)
    number = np.arange(first, stop)
    if spectrum == "flat":
        energy = settings.e_min_gev + (settings.e_max_gev - settings.e_min_gev) * rows[:, 0]
    else:
        # both charges in turn at each energy
        energies = np.array(settings.discrete_energies_gev)
        energy = energies[(number // 2) % len(energies)]
    x, y = ((2 * rows[:, 1:] - 1) * settings.xy_half_width_mm).T
    return Muons(
        hits=CellHits.concatenate([]),
        energy_gev=energy.astype(np.float32),
        x_mm=x.astype(np.float32),
        y_mm=y.astype(np.float32),
        charge=np.where(number % 2 == 0, -1, 1).astype(np.int8),
    )


def simulate_hits(
    beam: Muons,
    first: int,
    seed: int,
    geometry: Geometry,
    tuning: ShowerTuning,
    start_z_mm: float = START_Z_MM,
) -> tuple[CellHits, NDArray[np.float64], History]:
    """Send the muons of ``beam`` through the block.

    Parameters
    ----------
    beam : Muons
        Energies, entry points and charges; its hits are not used.
    first : int
        Event number of the first muon.
    start_z_mm : float
        Plane of the entry points, at or before the block's front face; the field acts from there on.

    Returns
    -------
    hits : CellHits
        Cells above 1 keV.
    lost : ndarray, shape (N,), GeV
        Energy lost by each muon in the block: never below the sum of its deposits.
    history : History
        Losses one by one, and tracks.
    """
    tables = tables_of(geometry.material, tuning)
    grid = np.zeros((len(beam), geometry.n_cells))
    n = len(beam)
    lost = np.zeros(n)
    history = new_history(n, geometry.n_z)
    mev = [np.asarray(v, np.float64) for v in (beam.energy_gev, beam.x_mm, beam.y_mm, beam.charge)]
    transport_events(
        np.uint64(child_seed(seed, "muons")), np.arange(first, first + n), grid, lost, history,
        block_of(geometry), start_z_mm / 10, mev[0] * 1e3, mev[1] / 10, mev[2] / 10, mev[3],
        muon_loss(MATERIALS[geometry.material], tuning.muon_threshold), tables.muon, tables.showers, tuning,
    )  # fmt: skip
    return CellHits.from_dense(grid * 1e-3, CELL_THRESHOLD_GEV), lost * 1e-3, history


def simulate_muons(
    n_events: int,
    seed: int,
    geometry: Geometry,
    settings: SimulationSettings,
    spectrum: Literal["flat", "discrete"],
    progress: Callable[[int, int], None] | None = None,
    threads: int = 1,
    tuning: ShowerTuning | None = None,
) -> Muons:
    """Simulate muons; charges alternate, the first is negative.

    Parameters
    ----------
    n_events : int
    seed : int
        An event depends on the seed and its number alone: neither on ``n_events`` nor on ``threads``.
    spectrum : {"flat", "discrete"}
        Energies uniform between the settings' limits, or going round the discrete energies (both charges in turn).
    progress : callable, optional
        Called with (events done, ``n_events``) after each batch.
    threads : int
        Batches computed at a time.
    """
    tuning = tuning or ShowerTuning()
    starts = range(0, n_events, _BATCH)
    tables = tables_of(geometry.material, tuning)
    field = field_of(geometry, tables.showers.radiation_length, tuning)
    prior = prior_points(settings, spectrum)

    def batch(first: int) -> Muons:
        beam = draw_beam(first, min(first + _BATCH, n_events), seed, settings, spectrum)
        hits, _, history = simulate_hits(beam, first, seed, geometry, tuning)
        energy, x, y = (np.asarray(v, np.float64) for v in (beam.energy_gev, beam.x_mm, beam.y_mm))
        losses, track = limit_bits(history, energy * 1e3, x / 10, y / 10, tables.oracle, field, prior)
        return replace(beam, hits=hits, limit_bits=losses, limit_bits_track=track)

    parts: list[Muons] = []
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for part in pool.map(batch, starts):
            parts.append(part)
            if progress is not None:
                progress(min(len(parts) * _BATCH, n_events), n_events)
    return concatenate(parts)


def concatenate(parts: list[Muons]) -> Muons:
    """Join muons one after another."""
    if not parts:
        empty = np.zeros(0, np.float32)
        return Muons(CellHits.concatenate([]), empty, empty, empty, np.zeros(0, np.int8))
    return Muons(
        CellHits.concatenate([p.hits for p in parts]),
        np.concatenate([p.energy_gev for p in parts]),
        np.concatenate([p.x_mm for p in parts]),
        np.concatenate([p.y_mm for p in parts]),
        np.concatenate([p.charge for p in parts]),
        np.concatenate([p.limit_bits for p in parts]),
        np.concatenate([p.limit_bits_track for p in parts]),
    )
