"""Figures of the data: the uncorrected response, where it is lost, and what each cut does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, MultipleLocator

from hitforge.evaluation.statistics import group_of, ratio
from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.plotting import data_label, draw_points, middles, shades
from hitforge.reporting.style import BLUE, GREY, INK, RED, SEQUENTIAL, label, new_figure
from hitforge.studies.scouting_egamma.data.geometry import EB_MAX_IETA, ieta_of
from hitforge.studies.scouting_egamma.report import plotting
from hitforge.studies.scouting_egamma.report.meanings import cut_in_words, meaning_of
from hitforge.studies.scouting_egamma.report.view import Candidates, cut_groups, share_without_energy
from hitforge.studies.scouting_egamma.simulation.constants import load_constants
from hitforge.studies.scouting_egamma.simulation.generate import dead_map

MOST_CUTS: Final = 3
DE = "dE = ($E_{reco}$ − $E_{MC}$) / $E_{MC}$"


@plotting.of_candidates("Generated kinematics")
def generated(inputs: ReportInputs, data: Candidates) -> plotting.Drawn:
    """Generated kinematics of the candidates with an energy."""
    figure, (grid,) = plotting.train_panels(inputs, 1, 3, (12.0, 3.8))
    texts = {"gen_pt": plotting.PT, "gen_eta": "Generated η", "gen_phi": "Generated φ [rad]"}
    for axes, (name, text) in zip(grid, texts.items(), strict=True):
        edges = np.linspace(data[name].min(), data[name].max(), 51)
        for flag, particle, colour in ((1, "electrons", BLUE), (0, "photons", RED)):
            own = data["is_electron"] == flag
            axes.stairs(*np.histogram(data[name][own], edges), color=colour, label=particle)
        axes.set(ylim=(0, None), xlim=(edges[0], edges[-1]), xlabel=text)
    grid[0].set_ylabel("Candidates")
    grid[0].legend(loc="lower right")
    return figure, "Candidates with an energy, train sample."


@plotting.of_candidates("Uncorrected response")
def raw_response(inputs: ReportInputs, data: Candidates) -> plotting.Drawn:
    """Histogram of dE with its peak and shoulder, and the candidates without energy at -1."""
    de, edges = 1 / data["y"] - 1, np.linspace(-1.1, 0.5, 129)
    share = share_without_energy(inputs, inputs.train_sample)
    figure, (grid,) = plotting.train_panels(inputs, 1, 3, (12.6, 4.4), sharey=True)
    lost = np.full(round(len(de) * share / (1 - share)), -1.0)
    grid[0].hist(np.clip(np.concatenate([de, lost]), -1.1, 0.5), edges, histtype="step", color=INK)
    plotting.panel_title(grid[0], f"all, {100 * share:.1f} % without energy")
    for axes, (flag, region) in zip(grid[1:], ((1, "EB"), (0, "EE")), strict=True):
        for particle, name, colour in ((1, "electrons", BLUE), (0, "photons", RED)):
            own = (data["is_eb"] == flag) & (data["is_electron"] == particle)
            axes.hist(np.clip(de[own], -1.1, 0.5), edges, histtype="step", color=colour, label=name)
        plotting.panel_title(axes, region)
    for axes in grid:
        for mark in (0.0, -0.2, -1.0):
            axes.axvline(mark, color=GREY, linewidth=0.8, linestyle=":")
        axes.set(yscale="log", xlabel=DE)
    grid[0].set_ylabel("Candidates")
    grid[1].legend(loc="upper left")
    return figure, (
        f"Dotted: the peak at 0, the shoulder at −0.2 and the peak at −1. Left with the {100 * share:.1f} % of "
        "candidates without any energy (dE = −1); the other panels are without them."
    )


def _profile(axes: Axes, x: plotting.Floats, de: plotting.Floats, colour: str, text: str | None) -> None:
    """Draw the median of dE at each whole number."""
    values = np.unique(x)
    medians = [np.median(de[x == value]) for value in values]
    axes.plot(values, medians, color=colour, linewidth=0.9, label=text)


@plotting.of_candidates("Gaps of the barrel")
def response_gaps(inputs: ReportInputs, data: Candidates) -> plotting.Drawn:
    """Density and median of dE in the barrel against iphi, iphi within a supermodule, and ieta."""
    barrel = data["is_eb"] > 0
    de = (1 / data["y"] - 1)[barrel]
    figure = new_figure(10.4, 7.2)
    top, bottom = figure.subfigures(2, 1, squeeze=False)[:, 0]
    wide = top.subplots()
    left, right = bottom.subplots(1, 2, sharey=True)
    for axes, x, text in (
        (wide, data["iphi"], meaning_of("iphi")),
        (left, np.mod(data["iphi"], 20), meaning_of("iphi_20")),
        (right, data["ieta"], meaning_of("ieta")),
    ):
        low, high = x[barrel].min(), x[barrel].max()
        plotting.density(axes, x[barrel], de, np.arange(low - 0.5, high + 1), np.linspace(-0.5, 0.2, 71))
        for flag, name, colour in ((1, "median, electrons", INK), (0, "median, photons", RED)):
            own = data["is_electron"][barrel] == flag
            _profile(axes, x[barrel][own], de[own], colour, name)
        axes.set(ylim=(-0.5, 0.2), xlabel=text)
    left.xaxis.set_major_locator(MultipleLocator(5))
    plotting.colour_bar(top, [wide])
    plotting.colour_bar(bottom, [left, right])
    for axes in (wide, left):
        axes.set_ylabel("dE")
    wide.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    label(wide, data_label(inputs, inputs.train_sample))
    return figure, (
        "Candidates and medians; values beyond the axes are in the last bins. "
        "Supermodules of 20 crystals make 18 fringes in φ; modules end at |ieta| = 25, 45, 65 and 85."
    )


@plotting.of_candidates("Response on the detector")
def detector_maps(inputs: ReportInputs, data: Candidates) -> plotting.Drawn:
    """Mean dE on the barrel and on the endcaps."""
    de = np.clip(1 / data["y"] - 1, -0.3, 0.1)
    figure, (grid,) = plotting.train_panels(inputs, 1, 2, (11.0, 4.8), width_ratios=(1.7, 1))
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
    dead_channels = ""
    if inputs.is_simulated(inputs.train_sample):
        dead = dead_map(inputs.settings["simulation"]["dead_map_seed"], load_constants().dead.eb)
        index, iphi = np.nonzero(dead)
        ieta = ieta_of(index - EB_MAX_IETA)
        marks = {"marker": "s", "markersize": 2.6, "markeredgecolor": "white", "markeredgewidth": 0.3, "color": RED}
        grid[0].plot(iphi + 1, ieta, linestyle="none", rasterized=True, **marks)
        dead_channels = f", {len(iphi)} dead channels (red)"
    grid[1].set_aspect("equal")
    grid[0].set(xlabel="iφ", ylabel="iη")
    grid[1].set(xlabel="ix", ylabel="iy")
    figure.colorbar(mesh, ax=grid[1], label="Mean dE, each cut to −0.3 … 0.1")
    plotting.panel_title(grid[0], f"EB{dead_channels}")
    plotting.panel_title(grid[1], "EE")
    caption = "Seed crystals; both endcaps together. Empty bins are white, dead channels of the simulated barrel red."
    return figure, caption


_SHAPES = {
    "sieie": (0.025, 0.06),
    "r9": (1.2, 1.2),
    "e1x1_e5x5": (1.0, 1.0),
    "e1x1_e3x3": (1.0, 1.0),
    "e3x3_e5x5": (1.0, 1.0),
}
"""Upper end of the axis in EB and in EE."""


@plotting.of_candidates("Response against shower shapes")
def shower_shapes(inputs: ReportInputs, data: Candidates) -> plotting.Drawn:
    """dE against shower shapes, before and after the quality and observable cuts."""
    de = 1 / data["y"] - 1
    good = (data["quality"] == 0) & (data["observable"] > 0)
    figure, grid = plotting.train_panels(inputs, 4, len(_SHAPES), (13.0, 9.6), sharey=True)
    rows = [(flag, cut) for flag in (1, 0) for cut in (False, True)]
    for row, (flag, cut) in zip(grid, rows, strict=True):
        own = (data["is_eb"] == flag) & (good if cut else np.ones(len(de), dtype=bool))
        for axes, (name, (in_eb, in_ee)) in zip(row, _SHAPES.items(), strict=True):
            x_edges = np.linspace(0, in_eb if flag else in_ee, 61)
            plotting.density(axes, data[name][own], de[own], x_edges, np.linspace(-1.0, 0.4, 71))
            axes.set_xlabel(meaning_of(name))
            axes.xaxis.set_major_locator(MaxNLocator(4, prune="both"))
        row[0].set_ylabel(f"{'EB' if flag else 'EE'}{', after cuts' if cut else ''}\ndE")
    plotting.colour_bar(figure, grid)
    caption = "After cuts: good candidates that pass the observable cuts. Values beyond the axes are in the last bins."
    return figure, caption


_GROUP_TITLES = {"place": "cuts on the place", "shower": "cuts on the shower", "truth": "cuts on the truth"}


def _shown_cuts(data: Candidates) -> Iterator[tuple[str, dict[str, plotting.Bools]]]:
    """Yield what cuts look at, and those of them that remove most: more curves in a panel cannot be told apart."""
    for group, cuts in cut_groups(data).items():
        most = sorted(cuts, key=lambda name: int(cuts[name].sum()))[:MOST_CUTS]
        yield _GROUP_TITLES[group], {name: cuts[name] for name in cuts if name in most}


@plotting.of_candidates("Response with and without each cut")
def cut_response(inputs: ReportInputs, data: Candidates) -> plotting.Drawn:
    """DE with and without each cut; the legend says what is removed."""
    de, edges, groups = 1 / data["y"] - 1, np.linspace(-1.0, 0.3, 66), list(_shown_cuts(data))
    figure, grid = plotting.train_panels(inputs, 2, len(groups), (13.2, 8.4), sharex=True, sharey="row")
    barrel = data["is_eb"] > 0
    for row, own, region in zip(grid, (barrel, ~barrel), ("EB", "EE"), strict=True):
        for axes, (group, cuts) in zip(row, groups, strict=True):
            draw = {"bins": edges, "histtype": "step", "linewidth": 1.1}
            axes.hist(np.clip(de[own], -1, 0.2999), color=GREY, label="no cut", **draw)
            for colour, (name, kept) in zip(shades(MOST_CUTS), cuts.items(), strict=False):
                removed = 100 * np.mean(~kept[own]) if own.any() else 0.0
                text = f"{cut_in_words(name)}: −{removed:.1f} %"
                axes.hist(np.clip(de[own & kept], -1, 0.2999), color=colour, label=text, **draw)
            plotting.panel_title(axes, f"{region}, {group}")
            axes.legend(loc="upper left", fontsize=8.5)
        row[0].set(yscale="log", ylabel="Candidates")
        # room for the legends above the peak
        row[0].set_ylim(0.7, 60 * row[0].get_ylim()[1])
    for axes in grid[1]:
        axes.set_xlabel(DE)
    return figure, (
        f"Each cut alone, with the share of the candidates that it removes; of each kind the {MOST_CUTS} that remove "
        "most, the table has all. The outermost bins hold what lies beyond."
    )


@plotting.of_candidates("Efficiency of the cuts")
def cut_efficiency(inputs: ReportInputs, data: Candidates) -> plotting.Drawn:
    """Share of candidates that each cut keeps, against generated pT and abs(eta)."""
    evaluation, groups = inputs.settings["evaluation"], list(_shown_cuts(data))
    figure, grid = plotting.train_panels(inputs, len(groups), 3, (12.6, 10.2), sharex="col", sharey=True)
    barrel = data["is_eb"] > 0
    columns = (
        (data["gen_pt"], evaluation["pt_edges_gev"], barrel, plotting.PT, "EB"),
        (data["gen_pt"], evaluation["pt_edges_gev"], ~barrel, plotting.PT, "EE"),
        (np.abs(data["gen_eta"]), evaluation["eta_edges"], np.ones_like(barrel), plotting.ETA, "EB and EE"),
    )
    for row, (_, cuts) in zip(grid, groups, strict=True):
        for axes, (values, edges, own, _, region) in zip(row, columns, strict=True):
            place = np.where(own, group_of(values, np.asarray(edges)), -1)
            n = len(edges) - 1
            total = np.bincount(place[place >= 0], minlength=n)
            for which, (colour, (name, kept)) in enumerate(zip(shades(MOST_CUTS), cuts.items(), strict=False)):
                share = ratio(np.bincount(place[(place >= 0) & kept], minlength=n), total)
                error = np.sqrt(share * (1 - share) / np.maximum(total, 1))
                look = {"linewidth": 0.8, "markersize": 3.5}
                words = cut_in_words(name)
                draw_points(axes, middles(edges), 100 * share, 100 * error, which, colour, words, **look)
            axes.set_ylim(0, 103)
            plotting.panel_title(axes, region)
        row[0].set_ylabel("Kept [%]")
        row[0].legend(loc="lower left", fontsize=9)
    for axes, (_, _, _, text, _) in zip(grid[-1], columns, strict=True):
        axes.set_xlabel(text)
    return figure, (
        "Each cut alone, on candidates with an energy of the train sample: from above cuts on the place, on the shower "
        f"and on the truth, of each kind the {MOST_CUTS} that remove most; binomial errors."
    )
