"""Figures of the data: energy spectra, distributions of the high-level features, single muons in two projections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import NDArray

from hitforge.folds import fold_of
from hitforge.reporting import training_figures
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.events import ShownEvents
from hitforge.reporting.plotting import data_label, draw_shares, figure_of, nothing, panels_for, right_title, shades
from hitforge.reporting.style import BLUE, GREY, HOUSE, INK, label, new_figure
from hitforge.studies.calo_muon.data.geometry import Geometry, load_geometry
from hitforge.studies.calo_muon.features import FEATURE_NAMES, FEATURE_UNITS
from hitforge.studies.calo_muon.report.meanings import meaning_of
from hitforge.studies.calo_muon.report.muon_data import (
    ENERGY,
    DisplayedMuon,
    load_energies,
    load_features,
    nearest_muon,
)

CLASSES = ((50.0, 500.0), (500.0, 2000.0), (2000.0, 8000.0))
"""Energy classes of the feature distributions, GeV."""


MAX_DISCRETE = 60
"""A sample with at most so many different energies has discrete ones."""


@figure_of("True energies", load_energies, "the shards hold no muons")
def spectra(inputs: ReportInputs, samples: Mapping[str, ShownEvents]) -> tuple[MatplotlibFigure, str]:
    """True energies of the samples."""
    figure, panels = panels_for(samples, 2, (5.2, 3.4))
    folds = inputs.settings["folds"]
    for axes, (name, muons) in zip(panels.flat, samples.items(), strict=False):
        held = np.isin(fold_of(muons["bucket"], folds["count"]), folds["held_out"]) & (name == inputs.train_sample)
        _spectrum(axes, muons[ENERGY], held)
        label(axes, data_label(inputs, name), f"{name}, {len(muons)} muons shown")
        axes.set_xlabel("True energy [GeV]")
    return (
        figure,
        "Generated energies of the muons in the shards that the report reads (at most the first few of a sample).",
    )


def _spectrum(axes: Axes, energy: NDArray[np.float32], held: NDArray[np.bool_]) -> None:
    """Draw a histogram, or bars where the energies are discrete."""
    values, counts = np.unique(np.round(energy), return_counts=True)
    if len(values) <= MAX_DISCRETE:
        step = float(np.min(np.diff(values))) if len(values) > 1 else 100.0
        axes.bar(values, counts, width=0.25 * step, color=GREY, alpha=0.6)
        axes.set_ylabel("Muons")
        return
    top = float(values[-1])
    edges = np.linspace(0.0, 100.0 * np.ceil(top / 100.0), 41)
    axes.hist(energy, edges.tolist(), histtype="stepfilled", color=GREY, alpha=0.35, label="all")
    if held.any():
        axes.hist(
            energy[held], edges.tolist(), histtype="step", color=INK, linewidth=1.6, label="held out by the main fit"
        )
        axes.legend(loc="upper right", ncols=2)
        axes.set_ylim(0, 1.2 * axes.get_ylim()[1])
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylabel(f"Muons / {edges[1]:.0f} GeV")


def feature_distributions(inputs: ReportInputs) -> Figure:
    """All high-level features in three classes of energy."""
    features, energies = load_features(inputs)
    if not len(energies):
        return nothing("feature_distributions", "High-level features", "the shards of the train sample hold no muons")
    # placed by hand: constrained layout takes most of a minute for so many panels
    figure = new_figure(12.0, 15.4, layout="none")
    panels = figure.subplots(7, 4)
    figure.subplots_adjust(left=0.055, right=0.99, bottom=0.03, top=0.968, hspace=0.3, wspace=0.2)
    for axes, name, values in zip(panels.flat, FEATURE_NAMES, features.T, strict=True):
        _distribution(axes, values, energies)
        unit = FEATURE_UNITS[name].replace("mm^2", "mm²").replace("GeV mm", "GeV·mm")
        words = meaning_of(name, inputs.settings["layers"])
        axes.set_xlabel(f"{words} [{unit}]" if unit else words, fontsize=9.5, labelpad=1)
        axes.tick_params(labelsize=8.5)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=bool(np.all(values == np.round(values)))))
        axes.yaxis.set_minor_locator(NullLocator())
    for axes in panels[:, 0]:
        axes.set_ylabel("Fraction / bin", fontsize=10)
    handles, texts = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="upper center", ncols=3, fontsize=12)
    simulated = data_label(inputs, inputs.train_sample)
    words = rf" $\it{{{simulated}}}$" if simulated else ""
    figure.text(0.055, 0.981, HOUSE + words, fontsize=13)
    return Figure(
        "feature_distributions",
        "Distributions of the features",
        f"Features of {len(energies)} muons of the train sample{' (generated)' if simulated else ''}, "
        "each energy class normalised to one; the outermost bins hold what lies beyond the 1 % and 96 % quantiles. "
        "The table above describes the features in the same order.",
        figure,
    )


def _distribution(axes: Axes, values: NDArray[np.float32], energy: NDArray[np.float32]) -> None:
    edges = _edges(values)
    for (low, high), colour in zip(CLASSES, shades(len(CLASSES)), strict=True):
        chosen = values[(energy >= low) & (energy < high)]
        draw_shares(axes, chosen, edges, colour, f"{low:.0f}–{high:.0f} GeV", linewidth=1.4)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_yscale("log")
    top = axes.get_ylim()[1]
    axes.set_ylim(max(axes.get_ylim()[0], 5e-4), min(max(top, 0.1), 2.0))


def _edges(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return 30 bins over the bulk, or one bin for each integer of a small count."""
    low, high = (float(q) for q in np.quantile(values.astype(np.float64), (0.01, 0.96)))
    whole = np.all(values == np.round(values))
    if whole and high - low <= 40:
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + 1.5)
    if not high > low:
        return np.array([low - 0.5, low + 0.5])
    edges = np.linspace(low, high, 31)
    return np.unique(np.round(edges)) - 0.5 if whole else edges


ENERGIES_GEV = (200.0, 5000.0)
"""Muons nearest to these energies are shown."""

START_Z_MM = -50.1
"""Depth at which the muons of this production start; they bend from there on."""

LOWEST_GEV = 1e-4
"""Bottom of the colour scale, summed over the hidden coordinate."""


def _displayed(inputs: ReportInputs) -> list[DisplayedMuon]:
    shape = load_geometry(inputs.settings["geometry"]).shape
    muons = [nearest_muon(inputs, energy) for energy in ENERGIES_GEV]
    return [muon for muon in muons if muon is not None and muon.shape == shape]


@figure_of("Two muons", _displayed, "the shards hold no hits of this geometry")
def event_displays(inputs: ReportInputs, muons: Sequence[DisplayedMuon]) -> tuple[MatplotlibFigure, str]:
    """Projections x-z and y-z of two muons."""
    geometry = load_geometry(inputs.settings["geometry"])
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
        right_title(row[0], f"E = {_energy(muon.energy_gev)}, {_charge(muon)}")
        right_title(row[1], total)
    label(panels[0, 0], data_label(inputs, muons[0].sample))
    for axes in panels[-1]:
        axes.set_xlabel("z [mm]")
    figure.colorbar(meshes[0], ax=panels, label="Deposit, summed over the other coordinate [GeV]", pad=0.015, aspect=35)
    handles, _ = panels[0, 0].get_legend_handles_labels()
    if handles:
        panels[0, 0].legend(loc="upper right", fontsize=9, frameon=True, framealpha=0.85, edgecolor="none")
    names = "; ".join(f"{_energy(m.energy_gev)}: part {m.part}, entry {m.entry}" for m in muons)
    return (
        figure,
        f"Deposits in the bending plane (left) and across it (right). The line is the circle of the generated momentum "
        f"in the field of {geometry.field_tesla:g} T without losses. {names}.",
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
    axes.plot(
        z, position, color=BLUE, linewidth=1.4, linestyle="--", label="generated track, without losses",
        path_effects=[Stroke(linewidth=3.2, foreground="white"), Normal()],
    )  # fmt: skip


def importances(inputs: ReportInputs) -> Figure:
    """Importances of the leading features of the tree models, called by their meaning."""
    return training_figures.importances(inputs, lambda name: meaning_of(name, inputs.settings["layers"]))
