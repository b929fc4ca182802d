"""Figures of the response in bins: linearity, width in the plane of pT and eta, against shower and detector, in E."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.evaluated import metrics_of, shown_sample, values
from hitforge.reporting.plotting import data_label
from hitforge.reporting.style import GREY, MARKERS, SEQUENTIAL, label, new_figure
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.widths import PARAMETERS
from hitforge.studies.scouting_egamma.report.view import colour_of, log_percent, sample_text, shown_models

Floats = NDArray[np.float64]


def _numbers(number: dict[str, Any], category: int) -> tuple[Floats, Floats]:
    return values(number)[category], values(number, "error")[category]


def _centres(edges: Any) -> Floats:
    return 0.5 * (np.asarray(edges[1:], dtype=np.float64) + np.asarray(edges[:-1], dtype=np.float64))


def _draw(axes: Axes, inputs: ReportInputs, axis: str, key: str, edges: Any, category: int) -> None:
    """Draw a quantity of all shown models in bins, in percent."""
    centre = _centres(edges)
    for which, model in enumerate(shown_models(inputs)):
        y, error = _numbers(metrics_of(inputs)[model][f"response_{axis}"][key], category)
        drawn = np.isfinite(y)
        axes.errorbar(
            centre[drawn], 100 * (y[drawn] - (key == "median")), yerr=100 * np.nan_to_num(error[drawn]),
            color=colour_of(inputs, model), marker=MARKERS[which % len(MARKERS)], markersize=3.5, linewidth=0.9,
            label=model,
        )  # fmt: skip


def linearity(inputs: ReportInputs) -> Figure:
    """Median of the response against generated pT."""
    evaluation = inputs.settings["evaluation"]
    edges = evaluation["pt_edges_gev"]
    figure = new_figure(9.6, 7.4)
    grid = figure.subplots(2, 2, sharex=True)
    for c, axes in enumerate(grid.flat):
        axes.axhspan(-0.5, 0.5, color=GREY, alpha=0.2, linewidth=0)
        axes.axvline(evaluation["linearity_pt_min_gev"], color=GREY, linewidth=0.8, linestyle=":")
        _draw(axes, inputs, "pt", "median", edges, c)
        axes.set_ylim(-4, 4)
        axes.set_title(CATEGORIES[c], loc="right", fontsize=10.5, pad=5)
        axes.set_ylabel("Median − 1 [%]")
    for axes in grid[1]:
        axes.set_xlabel("Generated $p_T$ [GeV]")
    label(grid[0, 0], data_label(inputs, shown_sample(inputs)))
    grid[0, 0].legend(ncols=2, fontsize=9)
    caption = (
        f"The band is ±0.5 %, aimed at above {evaluation['linearity_pt_min_gev']:g} GeV (dotted); "
        f"{sample_text(inputs)}. "
        "Values beyond ±4 % are outside the axes."
    )
    return Figure("linearity", "Linearity", caption, figure)


def resolution_map(inputs: ReportInputs) -> Figure:
    """Scale and width of the reference model in bins of pT and abs(eta)."""
    evaluation = inputs.settings["evaluation"]
    pt, eta = (np.asarray(evaluation[key], dtype=np.float64) for key in ("pt_edges_gev", "eta_edges"))
    figure = new_figure(10.8, 8.0)
    grid = figure.subplots(2, 2, sharex=True, sharey=True)
    found = metrics_of(inputs)[inputs.reference]["response_pt_eta"]
    quantities = (
        ("width", "σ_eff / median [%]", 0.0, 6.0, SEQUENTIAL),
        ("median", "Median − 1 [%]", -2.0, 2.0, "RdBu_r"),
    )
    for row, (key, text, low, high, colours) in zip(grid, quantities, strict=True):
        for particle, axes in enumerate(row):
            percent = 100 * (values(found[key])[particle] - (key == "median"))
            cells = np.ma.masked_invalid(percent).T
            places = np.arange(len(pt)), np.arange(len(eta))
            mesh = axes.pcolormesh(*places, cells, cmap=colours, vmin=low, vmax=high)
            for (i, j), value in np.ndenumerate(percent):
                if np.isfinite(value):
                    dark = key == "width" and value < 0.6 * high
                    colour = "white" if dark or (key == "median" and abs(value) > 1.4) else "black"
                    axes.text(i + 0.5, j + 0.5, f"{value:.2f}", ha="center", va="center", fontsize=7.5, color=colour)
            axes.set_xticks(places[0], [f"{edge:g}" for edge in pt])
            axes.set_yticks(places[1], [f"{edge:g}" for edge in eta])
            axes.tick_params(which="minor", length=0)
            axes.set_title(("electrons", "photons")[particle], loc="right", fontsize=10.5, pad=5)
        row[0].set_ylabel("Generated |η|")
        figure.colorbar(mesh, ax=row, label=text)
    for axes in grid[1]:
        axes.set_xlabel("Generated $p_T$ [GeV]")
    label(grid[0, 0], data_label(inputs, shown_sample(inputs)))
    title = f"Width and scale of {inputs.reference} in pT and |η|"
    caption = f"{sample_text(inputs)[:1].upper()}{sample_text(inputs)[1:]}; bins with too few candidates are white."
    return Figure("resolution_map", title, caption, figure)


def response_observed(inputs: ReportInputs) -> Figure:
    """Width and scale against r9, fbrem and the place in the supermodule, for electrons in EB."""
    evaluation = inputs.settings["evaluation"]
    category = CATEGORIES.index("EB electron")
    figure = new_figure(12.6, 7.0)
    grid = figure.subplots(2, 3, sharex="col")
    panels = (
        ("r9", evaluation["r9_edges"], "r9"),
        ("fbrem", evaluation["fbrem_edges"], "fbrem"),
        ("supermodule", list(range(21)), "iphi mod 20"),
    )
    for (axis, edges, text), (above, below) in zip(panels, grid.T, strict=True):
        _draw(above, inputs, axis, "width", edges, category)
        _draw(below, inputs, axis, "median", edges, category)
        log_percent(above)
        below.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
        below.set_ylim(-5, 5)
        below.set_xlabel(text)
    grid[0, 0].set_ylabel("σ_eff / median [%]")
    grid[1, 0].set_ylabel("Median − 1 [%]")
    label(grid[0, 0], data_label(inputs, shown_sample(inputs)), CATEGORIES[category])
    handles, texts = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=len(texts))
    caption = f"Electrons in EB, {sample_text(inputs)}. Scales beyond ±5 % are outside the axes."
    return Figure("response_observed", "Against shower shape, bremsstrahlung and supermodule", caption, figure)


def energy_fit(inputs: ReportInputs) -> Figure:
    """Width of good candidates against energy with the fitted curve."""
    figure = new_figure(9.6, 7.4)
    grid = figure.subplots(2, 2, sharex=True)
    for c, axes in enumerate(grid.flat):
        for which, model in enumerate(shown_models(inputs)):
            found = metrics_of(inputs)[model]["energy_fit"]
            energy, (width, error) = np.array(found["energy"]["value"][c]), _numbers(found["width"], c)
            drawn, colour = np.isfinite(width), colour_of(inputs, model)
            axes.errorbar(
                energy[drawn], 100 * width[drawn], yerr=100 * np.nan_to_num(error[drawn]), color=colour,
                marker=MARKERS[which % len(MARKERS)], markersize=3.5, linestyle="none", label=model,
            )  # fmt: skip
            a, b, constant = (found[name]["value"][c] for name in PARAMETERS)
            if a is not None and drawn.any():
                e = np.geomspace(energy[drawn].min(), energy[drawn].max(), 100)
                curve = np.sqrt(a**2 / e + b**2 / e**2 + constant**2)
                axes.plot(e, 100 * curve, color=colour, linewidth=0.9)
        axes.set_xscale("log")
        log_percent(axes)
        axes.set_title(CATEGORIES[c], loc="right", fontsize=10.5, pad=5)
        axes.set_ylabel("σ_eff / median [%]")
    for axes in grid[1]:
        axes.set_xlabel("$E_{MC}$ [GeV]")
    label(grid[0, 0], data_label(inputs, shown_sample(inputs)))
    grid[0, 0].legend(fontsize=9)
    caption = f"Good candidates, {sample_text(inputs)}; lines: a/√E ⊕ b/E ⊕ c, with the table's parameters."
    return Figure("energy_fit", "Resolution against energy", caption, figure)
