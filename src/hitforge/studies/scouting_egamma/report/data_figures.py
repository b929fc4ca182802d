"""Figures of the data: the uncorrected response and where it is lost."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import MultipleLocator
from numpy.typing import NDArray

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.plotting import data_label, nothing
from hitforge.reporting.style import BLUE, GREY, INK, RED, SEQUENTIAL, label, new_figure
from hitforge.studies.scouting_egamma.data.geometry import EB_MAX_IETA, ieta_of
from hitforge.studies.scouting_egamma.report.view import load_candidates, share_without_energy
from hitforge.studies.scouting_egamma.simulation.constants import load_constants
from hitforge.studies.scouting_egamma.simulation.generate import dead_map

_EMPTY = "the shards of the train sample hold no candidates"
DE = "dE = ($E_{reco}$ − $E_{MC}$) / $E_{MC}$"
Floats = NDArray[np.floating]


def _label(axes: Axes, inputs: ReportInputs, right: str = "") -> None:
    label(axes, data_label(inputs, inputs.samples_with_role("train")[0]), right)


def density(axes: Axes, x: Floats, y: Floats, x_edges: Floats, y_edges: Floats) -> None:
    """Draw numbers of candidates in even bins, clipped to the axes, on a logarithmic colour scale."""
    x, y = (np.clip(v, edges[0], np.nextafter(edges[-1], 0)) for v, edges in ((x, x_edges), (y, y_edges)))
    counts = np.histogram2d(x, y, bins=(x_edges, y_edges))[0]
    axes.imshow(
        np.ma.masked_equal(counts, 0).T, norm=LogNorm(1, max(counts.max(), 2)), cmap=SEQUENTIAL, origin="lower",
        aspect="auto", extent=(x_edges[0], x_edges[-1], y_edges[0], y_edges[-1]), interpolation="none",
    )  # fmt: skip


def generated(inputs: ReportInputs) -> Figure:
    """Generated kinematics of the candidates with an energy."""
    data, title = load_candidates(inputs), "Generated kinematics"
    if not data:
        return nothing("generated", title, _EMPTY)
    figure = new_figure(12.0, 3.8)
    for axes, (name, text) in zip(
        figure.subplots(1, 3),
        (("gen_pt", "Generated $p_T$ [GeV]"), ("gen_eta", "Generated η"), ("gen_phi", "Generated φ [rad]")),
        strict=True,
    ):
        for flag, particle, colour in ((1, "electrons", BLUE), (0, "photons", RED)):
            own = data["is_electron"] == flag
            axes.hist(data[name][own], 50, histtype="step", color=colour, label=particle)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(text)
        if name == "gen_pt":
            axes.set_ylabel("Candidates")
            axes.legend(loc="lower right")
            _label(axes, inputs)
    return Figure("generated", title, "Candidates with an energy, train sample.", figure)


def raw_response(inputs: ReportInputs) -> Figure:
    """Histogram of dE with its peak and shoulder, and the candidates without energy at -1."""
    data, title = load_candidates(inputs), "Uncorrected response"
    if not data:
        return nothing("raw_response", title, _EMPTY)
    de, edges = 1 / data["y"] - 1, np.linspace(-1.1, 0.5, 129)
    share = share_without_energy(inputs, inputs.samples_with_role("train")[0])
    figure = new_figure(12.6, 4.4)
    grid = figure.subplots(1, 3, sharey=True)
    lost = np.full(round(len(de) * share / (1 - share)), -1.0)
    grid[0].hist(np.clip(np.concatenate([de, lost]), -1.1, 0.5), edges, histtype="step", color=INK)
    grid[0].set_title("all", loc="right", fontsize=10.5, pad=5)
    for axes, (flag, region) in zip(grid[1:], ((1, "EB"), (0, "EE")), strict=True):
        for particle, name, colour in ((1, "electrons", BLUE), (0, "photons", RED)):
            own = (data["is_eb"] == flag) & (data["is_electron"] == particle)
            axes.hist(np.clip(de[own], -1.1, 0.5), edges, histtype="step", color=colour, label=name)
        axes.set_title(region, loc="right", fontsize=10.5, pad=5)
    for axes in grid:
        for mark in (0.0, -0.2, -1.0):
            axes.axvline(mark, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_yscale("log")
        axes.set_xlabel(DE)
    grid[0].set_ylabel("Candidates")
    grid[1].legend(loc="upper left")
    _label(grid[0], inputs)
    caption = (
        f"Dotted: the peak at 0, the shoulder at −0.2 and the peak at −1. Left with the {100 * share:.1f} % of "
        "candidates without any energy (dE = −1); the other panels are without them."
    )
    return Figure("raw_response", title, caption, figure)


def _profile(axes: Axes, x: Floats, de: Floats, colour: str, text: str | None) -> None:
    """Draw the median of dE at each whole number."""
    values = np.unique(x)
    medians = [np.median(de[x == value]) for value in values]
    axes.plot(values, medians, color=colour, linewidth=0.9, label=text)


def response_gaps(inputs: ReportInputs) -> Figure:
    """Density and median of dE in the barrel against iphi, iphi within a supermodule, and ieta."""
    data, title = load_candidates(inputs), "Gaps of the barrel"
    if not data:
        return nothing("response_gaps", title, _EMPTY)
    barrel = data["is_eb"] > 0
    de = (1 / data["y"] - 1)[barrel]
    figure = new_figure(10.4, 7.2)
    top, bottom = figure.subfigures(2, 1, squeeze=False)[:, 0]
    wide = top.subplots()
    left, right = bottom.subplots(1, 2, sharey=True)
    for axes, x, text in (
        (wide, data["iphi"], "iphi"),
        (left, np.mod(data["iphi"], 20), "iphi mod 20"),
        (right, data["ieta"], "ieta"),
    ):
        low, high = x[barrel].min(), x[barrel].max()
        density(axes, x[barrel], de, np.arange(low - 0.5, high + 1), np.linspace(-0.5, 0.2, 71))
        for flag, name, colour in ((1, "median, electrons", INK), (0, "median, photons", RED)):
            own = data["is_electron"][barrel] == flag
            _profile(axes, x[barrel][own], de[own], colour, name)
        axes.set_ylim(-0.5, 0.2)
        axes.set_xlabel(text)
    left.xaxis.set_major_locator(MultipleLocator(5))
    for axes in (wide, left):
        axes.set_ylabel("dE")
    wide.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    _label(wide, inputs)
    caption = (
        "Candidates and medians; the colour scale is logarithmic, values beyond the axes are in the last bins. "
        "Supermodules of 20 crystals make 18 fringes in φ; modules end at |ieta| = 25, 45, 65 and 85."
    )
    return Figure("response_gaps", title, caption, figure)


def detector_maps(inputs: ReportInputs) -> Figure:
    """Mean dE on the barrel and on the endcaps."""
    data, title = load_candidates(inputs), "Response on the detector"
    if not data:
        return nothing("detector_maps", title, _EMPTY)
    de = np.clip(1 / data["y"] - 1, -0.3, 0.1)
    figure = new_figure(11.0, 4.8)
    grid = figure.subplots(1, 2, width_ratios=(1.7, 1))
    barrel = data["is_eb"] > 0
    for axes, own, names, edges in (
        (grid[0], barrel, ("iphi", "ieta"), (np.arange(0.5, 361, 2), np.arange(-85.5, 86, 1))),
        (grid[1], ~barrel, ("ieta", "iphi"), (np.arange(0.5, 101), np.arange(0.5, 101))),
    ):
        x, y = data[names[0]][own], data[names[1]][own]
        counts = np.histogram2d(x, y, bins=edges)[0]
        sums = np.histogram2d(x, y, bins=edges, weights=de[own])[0]
        mean = np.ma.masked_where(counts == 0, sums / np.maximum(counts, 1))
        mesh = axes.pcolormesh(*edges, mean.T, cmap=SEQUENTIAL, vmin=-0.3, vmax=0.03, rasterized=True, linewidth=0)
    if inputs.settings["samples"][inputs.samples_with_role("train")[0]]["source"] == "simulate":
        dead = dead_map(inputs.settings["simulation"]["dead_map_seed"], load_constants().dead.eb)
        index, iphi = np.nonzero(dead)
        ieta = ieta_of(index - EB_MAX_IETA)
        grid[0].plot(iphi + 1, ieta, ".", color=RED, markersize=1.2, linestyle="none", rasterized=True)
    grid[1].set_aspect("equal")
    grid[0].set_xlabel("iphi")
    grid[0].set_ylabel("ieta")
    grid[1].set_xlabel("ix")
    grid[1].set_ylabel("iy")
    figure.colorbar(mesh, ax=grid[1], label="Mean dE, cut to −0.3 … 0.1")
    _label(grid[0], inputs)
    grid[0].set_title("EB", loc="right", fontsize=10.5, pad=5)
    grid[1].set_title("EE", loc="right", fontsize=10.5, pad=5)
    caption = "Seed crystals; both endcaps together. Empty bins are white, dead channels of the simulated barrel red."
    return Figure("detector_maps", title, caption, figure)


_SHAPES = {
    "sieie": ("σ_ieie", 0.025, 0.06),
    "r9": ("r9", 1.2, 1.2),
    "e1x1_e5x5": ("E1×1 / E5×5", 1.0, 1.0),
    "e1x1_e3x3": ("E1×1 / E3×3", 1.0, 1.0),
    "e3x3_e5x5": ("E3×3 / E5×5", 1.0, 1.0),
}
"""Label, and the upper end of the axis in EB and in EE."""


def shower_shapes(inputs: ReportInputs) -> Figure:
    """dE against shower shapes, before and after the quality and observable cuts."""
    data, title = load_candidates(inputs), "Response against shower shapes"
    if not data:
        return nothing("shower_shapes", title, _EMPTY)
    de = 1 / data["y"] - 1
    good = (data["quality"] == 0) & (data["observable"] > 0)
    figure = new_figure(13.0, 9.6)
    grid = figure.subplots(4, len(_SHAPES), sharey=True)
    rows = [(flag, cut) for flag in (1, 0) for cut in (False, True)]
    for row, (flag, cut) in zip(grid, rows, strict=True):
        own = (data["is_eb"] == flag) & (good if cut else np.ones(len(de), dtype=bool))
        for axes, (name, (text, in_eb, in_ee)) in zip(row, _SHAPES.items(), strict=True):
            x_edges = np.linspace(0, in_eb if flag else in_ee, 61)
            density(axes, data[name][own], de[own], x_edges, np.linspace(-1.0, 0.4, 71))
            axes.set_xlabel(text)
        row[0].set_ylabel(f"{'EB' if flag else 'EE'}{', after cuts' if cut else ''}\ndE")
    _label(grid[0, 0], inputs)
    caption = "After cuts: good candidates that pass the observable cuts. Values beyond the axes are in the last bins."
    return Figure("shower_shapes", title, caption, figure)
