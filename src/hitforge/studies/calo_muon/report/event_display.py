"""Event displays: the deposits of a low-energy and a high-energy muon in two projections."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.plotting import data_label, nothing
from hitforge.reporting.style import label, new_figure
from hitforge.studies.calo_muon.data.geometry import Geometry, load_geometry
from hitforge.studies.calo_muon.report.muon_data import DisplayedMuon, nearest_muon

ENERGIES_GEV = (200.0, 5000.0)
"""Muons nearest to these energies are shown."""

START_Z_MM = -50.1
"""Depth at which the muons of this production start; they bend from there on."""

LOWEST_GEV = 1e-4
"""Bottom of the colour scale, summed over the hidden coordinate."""


def event_displays(inputs: ReportInputs) -> Figure:
    """Projections x-z and y-z of two muons."""
    geometry = load_geometry(inputs.settings["geometry"])
    muons = [muon for muon in (nearest_muon(inputs, energy) for energy in ENERGIES_GEV) if muon is not None]
    muons = [muon for muon in muons if muon.shape == geometry.shape]
    if not muons:
        return nothing("event_displays", "Two muons", "the shards hold no hits of this geometry")
    figure = new_figure(10.5, 3.3 * len(muons) + 0.4)
    panels = figure.subplots(len(muons), 2, squeeze=False, sharex=True)
    meshes = []
    for row, muon in zip(panels, muons, strict=True):
        grid = muon.hits.to_dense(geometry.n_cells)[0].reshape(geometry.shape)
        for axes, hidden in zip(row, ("y", "x"), strict=True):
            meshes.append(_projection(axes, grid, geometry, hidden))
            _track(axes, muon, geometry, hidden)
            axes.set_ylabel(f"{'x' if hidden == 'y' else 'y'} [mm]")
        total = f"{grid.sum():.1f} GeV in {np.count_nonzero(grid)} cells"
        label(row[0], data_label(inputs, muon.sample), f"E = {_energy(muon.energy_gev)}, {_charge(muon)}")
        row[1].set_title(total, loc="right", fontsize=10, pad=5)
    for axes in panels[-1]:
        axes.set_xlabel("z [mm]")
    figure.colorbar(meshes[0], ax=panels, label="Deposit, summed over the other coordinate [GeV]", pad=0.015, aspect=35)
    handles, _ = panels[0, 0].get_legend_handles_labels()
    if handles:
        panels[0, 0].legend(loc="upper right", fontsize=9, frameon=True, framealpha=0.85, edgecolor="none")
    names = "; ".join(f"{_energy(m.energy_gev)}: part {m.part}, entry {m.entry}" for m in muons)
    return Figure(
        "event_displays",
        "Two muons",
        f"Deposits in the bending plane (left) and across it (right). The line is the circle of the generated momentum "
        f"in the field of {geometry.field_tesla:g} T without losses. {names}.",
        figure,
    )


def _energy(energy_gev: float) -> str:
    return f"{energy_gev:.0f} GeV" if energy_gev < 1000 else f"{energy_gev / 1000:.2f} TeV"


def _charge(muon: DisplayedMuon) -> str:
    charge = muon.truth.get("charge", 0.0)
    return "µ⁻" if charge < 0 else "µ⁺" if charge > 0 else "µ"


def _projection(axes: Axes, grid: NDArray[np.float32], geometry: Geometry, hidden: str) -> QuadMesh:
    n_z, n_x, n_y = geometry.shape
    z = geometry.pitch_z_mm * np.arange(n_z + 1)
    if hidden == "y":
        image, half, n = grid.sum(axis=2), geometry.half_width_x_mm, n_x
    else:
        image, half, n = grid.sum(axis=1), geometry.half_width_y_mm, n_y
    mesh = axes.pcolormesh(
        z, np.linspace(-half, half, n + 1), np.ma.masked_less_equal(image, 0.0).T, norm=LogNorm(LOWEST_GEV, 3.0),
        cmap="inferno_r", rasterized=True, linewidth=0,
    )  # fmt: skip
    axes.set_xlim(z[0], z[-1])
    axes.set_ylim(-half, half)
    return mesh


def _track(axes: Axes, muon: DisplayedMuon, geometry: Geometry, hidden: str) -> None:
    start = muon.truth.get("x" if hidden == "y" else "y")
    if start is None:
        return
    z = np.linspace(0.0, geometry.pitch_z_mm * geometry.n_z, 100)
    position = np.full_like(z, start)
    if hidden == "y":
        charge = muon.truth.get("charge", 0.0)
        # R[m] = p[GeV] / (0.3 B[T]); a negative muon bends to positive x
        curvature = -charge * 0.3 * geometry.field_tesla / (1000.0 * muon.energy_gev)
        position = start + 0.5 * curvature * (z - START_Z_MM) ** 2
    axes.plot(z, position, color="#2563d9", linewidth=1.2, label="generated track, without losses")
