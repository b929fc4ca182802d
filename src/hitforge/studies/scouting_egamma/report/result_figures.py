"""Figures of the results: width against pT and eta, response before and after, pair mass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.evaluated import metrics_of, shown_sample
from hitforge.reporting.plotting import data_label, nothing
from hitforge.reporting.style import GREY, MARKERS, label, new_figure
from hitforge.seeds import child_generator
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.pair_mass import MASS_RANGE_GEV, PAIRS, PairMass
from hitforge.studies.scouting_egamma.report.view import (
    colour_of,
    log_percent,
    reference_sample,
    sample_text,
    shown_models,
)


def _binned(axes: Axes, inputs: ReportInputs, axis: str, edges: list[float], categories: list[int]) -> None:
    centre = 0.5 * (np.array(edges[1:]) + np.array(edges[:-1]))
    for which, model in enumerate(shown_models(inputs)):
        number = metrics_of(inputs)[model][f"response_{axis}"]["width"]
        for i, category in enumerate(categories):
            y, error = (100 * np.array(number[key][category], dtype=np.float64) for key in ("value", "error"))
            drawn = np.isfinite(y)
            axes.errorbar(
                centre[drawn], y[drawn], yerr=np.nan_to_num(error[drawn]), color=colour_of(inputs, model),
                marker=MARKERS[which % len(MARKERS)], linewidth=0.9, label=model if i == 0 else None,
            )  # fmt: skip
    log_percent(axes)


def resolution_pt(inputs: ReportInputs) -> Figure:
    """Width against generated pT, a panel for each category."""
    figure = new_figure(9.6, 7.4)
    grid = figure.subplots(2, 2, sharex=True)
    for c, axes in enumerate(grid.flat):
        _binned(axes, inputs, "pt", list(inputs.settings["evaluation"]["pt_edges_gev"]), [c])
        axes.set_title(CATEGORIES[c], loc="right", fontsize=10.5, pad=5)
        axes.set_ylabel("σ_eff / median [%]")
    for axes in grid[1]:
        axes.set_xlabel("Generated $p_T$ [GeV]")
    label(grid[0, 0], data_label(inputs, shown_sample(inputs)))
    grid[0, 0].legend()
    caption = f"Half the smallest interval with 68.3 % of E_corrected / E_MC, over its median; {sample_text(inputs)}."
    return Figure("resolution_pt", "Resolution against pT", caption, figure)


def resolution_eta(inputs: ReportInputs) -> Figure:
    """Width against generated |eta|, a panel for each particle."""
    figure = new_figure(10.4, 4.4)
    grid = figure.subplots(1, 2, sharey=True)
    for axes, particle in zip(grid, ("electron", "photon"), strict=True):
        own = [c for c, name in enumerate(CATEGORIES) if name.endswith(particle)]
        _binned(axes, inputs, "eta", list(inputs.settings["evaluation"]["eta_edges"]), own)
        axes.axvspan(1.4442, 1.566, color=GREY, alpha=0.2, linewidth=0)
        axes.set_xlabel("Generated |η|")
        axes.set_title(f"{particle}s", loc="right", fontsize=10.5, pad=5)
    grid[0].set_ylabel("σ_eff / median [%]")
    label(grid[0], data_label(inputs, shown_sample(inputs)))
    grid[0].legend()
    caption = f"The band is the transition between barrel and endcaps; {sample_text(inputs)}."
    return Figure("resolution_eta", "Resolution against |η|", caption, figure)


def response(inputs: ReportInputs) -> Figure:
    """Response before and after the correction of the reference model."""
    sample = reference_sample(inputs)
    title = f"Response before and after {inputs.reference}"
    if sample is None:
        return nothing("response", title, "there are no predictions of the reference model")
    figure = new_figure(9.6, 7.4)
    grid = figure.subplots(2, 2)
    edges = np.linspace(0.5, 1.3, 161)
    for c, axes in enumerate(grid.flat):
        own = sample.category == c
        for values, name, colour in (
            (1 / sample.y_true, "uncorrected", GREY),
            (sample.response, inputs.reference, colour_of(inputs, inputs.reference)),
        ):
            axes.hist(np.clip(values[own], 0.5, 1.2999), edges, histtype="step", color=colour, label=name)
        axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_yscale("log")
        axes.set_title(CATEGORIES[c], loc="right", fontsize=10.5, pad=5)
        axes.set_xlabel("$E / E_{MC}$")
        axes.set_ylabel("Candidates")
    label(grid[0, 0], data_label(inputs, shown_sample(inputs)))
    grid[0, 0].legend(loc="upper left")
    caption = f"All candidates with an energy, {sample_text(inputs)}; what lies outside is in the outermost bins."
    return Figure("response", title, caption, figure)


def pair_mass(inputs: ReportInputs) -> Figure:
    """Mass of electron pairs before and after the correction of the reference model."""
    sample = reference_sample(inputs)
    title = "Mass of electron pairs"
    if sample is None:
        return nothing("pair_mass", title, "there are no predictions of the reference model")
    one = np.ones(len(sample))
    before = replace(sample, columns={"y": one}, factor=one)
    figure = new_figure(10.4, 4.4)
    grid = figure.subplots(1, 2)
    edges = np.linspace(*MASS_RANGE_GEV, 81)
    for energies, name, colour in (
        (before, "uncorrected", GREY),
        (sample, inputs.reference, colour_of(inputs, inputs.reference)),
    ):
        pairs = PairMass(energies, child_generator(0, "pairs of the figure"))
        for p, axes in enumerate(grid):
            axes.hist(pairs.mass[pairs.group == p], edges, histtype="step", color=colour, label=name)
    for p, axes in enumerate(grid):
        axes.set_title(PAIRS[p], loc="right", fontsize=10.5, pad=5)
        axes.set_xlabel("m [GeV]")
    grid[0].set_ylabel("Pairs per 0.75 GeV")
    grid[0].legend(loc="upper left")
    label(grid[0], data_label(inputs, shown_sample(inputs)))
    caption = "Breit–Wigner masses of a Z, smeared with the responses of two electrons of the sample."
    return Figure("pair_mass", title, caption, figure)
