"""Comparison of the fast simulation with Geant4: ``python -m tests.unit.calo_muon.acceptance``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import uproot
from numpy.typing import NDArray

from hitforge.hits import CellHits
from hitforge.studies.calo_muon.data.geometry import Geometry, load_geometry
from hitforge.studies.calo_muon.data.muons import Muons
from hitforge.studies.calo_muon.simulation.generate import START_Z_MM, concatenate, simulate_hits
from hitforge.studies.calo_muon.simulation.tuning import ShowerTuning
from tests.unit.calo_muon import geant4_medians as published
from tests.unit.calo_muon.acceptance_layers import layer_means, layer_quantities

Quantities = dict[str, NDArray[np.float64]]
Verdict = Literal["pass", "fail", "not tested"]

_BATCH = 50
_BOOTSTRAPS = 200
_MAX_SIGMA = 0.05
FLAT_BINS_GEV = (50.0, 500.0, 1500.0, 3000.0, 5500.0, 8000.0)
MEAN_OF = ("bend, last five layers",)  # compared by mean; all else by median, which rare huge losses do not rule
TOLERANCE = {
    "E in cells < 0.01 GeV": 0.10,
    "E in cells 0.01-0.1 GeV": 0.10,
    "E in cells > 0.1 GeV": 0.10,
    "cells > 0.1 MeV": 0.15,
}
_DEFAULT_TOLERANCE = 0.05
_FRACTION_TOLERANCE = 0.02  # absolute
_CUTS_GEV = {"1 keV": 1e-6, "0.1 MeV": 1e-4, "1 MeV": 1e-3, "10 MeV": 1e-2}
_RINGS_MM = {"r < 5": (0.0, 5.0), "5-15": (5.0, 15.0), "15-30": (15.0, 30.0), "> 30": (30.0, np.inf)}


@dataclass(frozen=True)
class Row:
    """One line of the comparison.

    Attributes
    ----------
    sample, quantity : str
    reference, fast : float
        Median (mean for the bend and for layers).
    sigma : float
        Both bootstrap errors in quadrature.
    verdict : {"pass", "fail", "not tested"}
        Not tested: the statistical error is above 5 % (for fractions, above half of their tolerance).
    """

    sample: str
    quantity: str
    reference: float
    fast: float
    sigma: float
    verdict: Verdict


def quantities(muons: Muons, geometry: Geometry) -> Quantities:
    """Compute what is compared, per muon: GeV, counts, fractions of the deposit, mm; arrays of shape (N,)."""
    hits, n = muons.hits, len(muons)
    event = np.repeat(np.arange(n), np.diff(hits.indptr))
    e = hits.energy.astype(np.float64)
    iz, ix, iy = np.unravel_index(hits.cell.astype(np.int64), geometry.shape)
    dx = (ix + 0.5) * geometry.pitch_x_mm - geometry.half_width_x_mm - muons.x_mm[event]
    dy = (iy + 0.5) * geometry.pitch_y_mm - geometry.half_width_y_mm - muons.y_mm[event]
    r = np.hypot(dx, dy)

    def total(weight: NDArray[np.float64], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.bincount(event[mask], weight[mask], n).astype(np.float64)

    deposit = total(e, e > 0)
    result = {"E_dep": deposit}
    for name, cut in _CUTS_GEV.items():
        result[f"cells > {name}"] = total(np.ones_like(e), e > cut)
    result["E in cells < 0.01 GeV"] = total(e, e < 0.01)
    result["E in cells 0.01-0.1 GeV"] = total(e, (e >= 0.01) & (e < 0.1))
    result["E in cells > 0.1 GeV"] = total(e, e >= 0.1)
    result["largest cell"] = np.array([part.max() for part in np.split(e, hits.indptr[1:-1])])
    for first, last in ((0, 9), (20, 29), (40, 49)):
        result[f"layers {first}-{last}"] = total(e, (iz >= first) & (iz <= last))
    for name, (low, high) in _RINGS_MM.items():
        result[f"f, {name} mm"] = total(e, (r >= low) & (r < high)) / deposit
    end = iz >= geometry.n_z - 5
    # towards the side to which the charge bends
    result["bend, last five layers"] = -muons.charge * total(e * dx, end) / total(e, end)
    return result


def read_reference(path: Path) -> Muons:
    """Read a file of the compact tree ``muons``."""
    with uproot.open(path) as file:
        tree = file["muons"]
        data = {name: tree[name].array(library="np") for name in ("e_true", "x0", "y0", "charge", "nhit")}
        indptr = np.concatenate([[0], np.cumsum(data["nhit"])]).astype(np.int64)
        cell, energy = (np.concatenate(list(tree[name].array(library="np"))) for name in ("hit_cell", "hit_e"))
    return Muons(CellHits(indptr, cell, energy), data["e_true"], data["x0"], data["y0"], data["charge"])


def take(muons: Muons, chosen: NDArray[np.int64]) -> Muons:
    """Return the chosen muons; without hits if there are none to choose from."""
    hits = muons.hits.take(chosen) if len(muons.hits) else muons.hits
    return Muons(hits, muons.energy_gev[chosen], muons.x_mm[chosen], muons.y_mm[chosen], muons.charge[chosen])


def fast_quantities(
    beam: Muons, geometry: Geometry, tuning: ShowerTuning, seed: int, start_z_mm: float = START_Z_MM
) -> tuple[Quantities, Quantities]:
    """Simulate the muons of ``beam``, a few at a time; return the quantities of muons and those of layers."""
    parts: list[Quantities] = []
    layers: list[Quantities] = []
    for first in range(0, len(beam), _BATCH):
        part = take(beam, np.arange(first, min(first + _BATCH, len(beam))))
        hits, _, _ = simulate_hits(part, first, seed, geometry, tuning, start_z_mm)
        part = replace(part, hits=hits)
        parts.append(quantities(part, geometry))
        layers.append(layer_quantities(part, geometry, start_z_mm))
    muons, of_layers = ({name: np.concatenate([p[name] for p in kind]) for name in kind[0]} for kind in (parts, layers))
    return muons, of_layers


def centre(name: str, values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median (mean for the bend) and its bootstrap error; the draws are the same at every call."""
    function = np.mean if name in MEAN_OF else np.median
    rng = np.random.default_rng(20210702)
    draws = function(values[rng.integers(0, len(values), (_BOOTSTRAPS, len(values)))], axis=1)
    return float(function(values)), float(np.std(draws))


def judge(name: str, reference: float, fast: float, sigma: float) -> Verdict:
    """Return the verdict on one row."""
    if name.startswith("f, "):
        scale, tolerance, too_coarse = 1.0, _FRACTION_TOLERANCE, _FRACTION_TOLERANCE / 2
    else:
        scale, tolerance, too_coarse = abs(reference), TOLERANCE.get(name, _DEFAULT_TOLERANCE), _MAX_SIGMA
    if sigma >= too_coarse * scale:
        return "not tested"
    return "pass" if abs(fast - reference) <= max(tolerance * scale, 2 * sigma) else "fail"


def _rows(sample: str, reference: dict[str, tuple[float, float]], fast: Quantities) -> list[Row]:
    rows = []
    for name, (value, error) in reference.items():
        measured, own_error = centre(name, fast[name])
        sigma = float(np.hypot(error, own_error))
        rows.append(Row(sample, name, value, measured, sigma, judge(name, value, measured, sigma)))
    return rows


def _layer_rows(reference: Quantities, fast: Quantities) -> list[Row]:
    rows = []
    measured = layer_means(fast)
    for sample, means in layer_means(reference).items():
        for name, (value, error) in means.items():
            own, own_error = measured.get(sample, {}).get(name, (np.nan, np.inf))
            sigma = float(np.hypot(error, own_error))
            rows.append(Row(sample, name, value, own, sigma, judge(name, value, own, sigma)))
    return rows


def _select(values: Quantities, mask: NDArray[np.bool_]) -> Quantities:
    return {name: v[mask] for name, v in values.items()}


def compare_files(
    paths: Sequence[Path], geometry: Geometry, tuning: ShowerTuning, seed: int = 1, n_max: int | None = None
) -> list[Row]:
    """Compare with Geant4 files, muon by muon at the files' own energies, entry points and charges.

    Parameters
    ----------
    paths : sequence of Path
        Files called ``*flat*`` are pooled and binned in energy, and their layers in the layer's energy (means); those
        called ``*discrete*`` are compared energy by energy.
    n_max : int, optional
        Use only the first muons of each of the two groups.
    """
    rows: list[Row] = []
    for kind in ("flat", "discrete"):
        group = sorted(p for p in paths if kind in p.name)
        if not group:
            continue
        muons = concatenate([read_reference(p) for p in group])
        if n_max is not None and n_max < len(muons):
            # evenly spread: a discrete file may be sorted by energy
            chosen = np.linspace(0, len(muons) - 1, n_max).astype(np.int64)
            muons = take(muons, chosen)
        reference = quantities(muons, geometry)
        fast, fast_layers = fast_quantities(muons, geometry, tuning, seed)
        energy = muons.energy_gev
        masks = {}
        if kind == "flat":
            low, high = FLAT_BINS_GEV[0], FLAT_BINS_GEV[-1]
            masks[f"flat {low:.0f}-{high:.0f} GeV"] = np.ones(len(energy), bool)
            for low, high in pairwise(FLAT_BINS_GEV):
                masks[f"flat {low:.0f}-{high:.0f} GeV"] = (energy >= low) & (energy < high)
        else:
            masks = {f"{e:.0f} GeV": np.isclose(energy, e) for e in np.unique(np.round(energy))}
        for sample, mask in masks.items():
            if mask.sum() >= 10:
                centres = {name: centre(name, values[mask]) for name, values in reference.items()}
                rows += _rows(sample, centres, _select(fast, mask))
        if kind == "flat":
            rows += _layer_rows(layer_quantities(muons, geometry, START_Z_MM), fast_layers)
    return rows


def compare_published(tuning: ShowerTuning, numbers: Sequence[int], seed: int = 2) -> list[Row]:
    """Compare mu- of 100 GeV, 1 TeV and 4 TeV with the printed numbers; ``numbers`` of muons at each."""
    geometry = load_geometry("pbwo4_39.6mm")
    rows: list[Row] = []
    for i, (energy, n) in enumerate(zip(published.ENERGIES_GEV, numbers, strict=True)):
        x, y = np.random.default_rng((seed, i)).uniform(-20, 20, (2, n)).astype(np.float32)
        beam = Muons(CellHits.concatenate([]), np.full(n, energy, np.float32), x, y, np.full(n, -1, np.int8))
        fast, _ = fast_quantities(beam, geometry, tuning, seed + i, start_z_mm=0.0)
        reference = {name: values[i] for name, values in published.MEDIANS.items()}
        rows += _rows(f"printed, {energy:.0f} GeV", reference, fast)
    return rows


def markdown(rows: Sequence[Row]) -> str:
    """Format rows as a Markdown table, followed by the count of each verdict."""
    lines = ["| sample | quantity | Geant4 | fast | difference | sigma | verdict |", "|---|---|---|---|---|---|---|"]
    for r in rows:
        if r.quantity.startswith("f, "):
            difference, sigma = f"{r.fast - r.reference:+.3f}", f"{r.sigma:.3f}"
        else:
            difference, sigma = f"{r.fast / r.reference - 1:+.1%}", f"{r.sigma / abs(r.reference):.1%}"
        lines.append(
            f"| {r.sample} | {r.quantity} | {r.reference:.4g} | {r.fast:.4g} | {difference} | {sigma} | {r.verdict} |"
        )
    counts = {v: sum(r.verdict == v for r in rows) for v in ("pass", "fail", "not tested")}
    return "\n".join([*lines, "", ", ".join(f"{v}: {n}" for v, n in counts.items())]) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: write the table to a file or to standard output; exit code 1 if a row fails."""
    parser = argparse.ArgumentParser(description="Compare the fast simulation with Geant4.")
    parser.add_argument("--reference", type=Path, required=True, help="folder of geant4_*.root files")
    parser.add_argument("--n", type=int, help="use only this many muons of the flat and of the discrete files")
    parser.add_argument("--out", type=Path, help="file for the table; standard output if not given")
    options = parser.parse_args(arguments)
    paths = sorted(options.reference.glob("geant4_*.root"))
    if not paths:
        parser.error(f"{options.reference}: no geant4_*.root")
    tuning = ShowerTuning()
    numbers = (1500, 800, 400) if options.n is None else (options.n, max(10, options.n // 2), max(10, options.n // 4))
    rows = compare_files(paths, load_geometry("pbwo4_40.64mm"), tuning, n_max=options.n)
    rows += compare_published(tuning, numbers)
    table = markdown(rows)
    if options.out:
        options.out.write_text(table)
    else:
        sys.stdout.write(table)
    return int(any(r.verdict == "fail" for r in rows))


if __name__ == "__main__":
    sys.exit(main())
