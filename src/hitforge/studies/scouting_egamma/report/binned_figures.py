"""Figures of the response in bins of pT, eta and energy, and against shower and detector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hitforge.published import load_published
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.metrics import cell, metrics_of, shown_sample, values
from hitforge.reporting.model_looks import look_of
from hitforge.reporting.numbers import fixed, measured
from hitforge.reporting.plotting import (
    data_label,
    draw_points,
    few_log_ticks,
    labelled_panels,
    legend_below,
    mark_beyond,
)
from hitforge.reporting.style import GREY, SEQUENTIAL, label
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.widths import PARAMETERS
from hitforge.studies.scouting_egamma.report import plotting
from hitforge.studies.scouting_egamma.report.meanings import meaning_of
from hitforge.studies.scouting_egamma.report.view import sample_text

_OUTLIERS = f"Triangles with numbers: points at more than {plotting.OUTLIER:g} times the median of the panel."


def resolution_pt(inputs: ReportInputs) -> Figure:
    """Width against generated pT, a panel for each category."""
    figure, grid = plotting.category_panels(inputs, plotting.PT, plotting.WIDTH)
    for c, axes in enumerate(grid.flat):
        plotting.draw_binned(
            axes, inputs, "pt", "width", inputs.settings["evaluation"]["pt_edges_gev"], c, numbers=True
        )
        plotting.log_percent(axes)
        plotting.end_before_outliers(axes)
        axes.legend(title="all $p_T$")
    caption = (
        f"Half the smallest interval with 68.3 % of E_corrected / E_MC, over its median; {sample_text(inputs)}. "
        f"{_OUTLIERS}"
    )
    return Figure("resolution_pt", "Resolution against pT", caption, figure)


def resolution_eta(inputs: ReportInputs) -> Figure:
    """Width against generated |eta|, a panel for each particle."""
    figure, (grid,) = labelled_panels(inputs, 1, 2, (10.4, 4.6))
    for axes, particle in zip(grid, ("electron", "photon"), strict=True):
        own = [c for c, name in enumerate(CATEGORIES) if name.endswith(particle)]
        plotting.draw_binned(axes, inputs, "eta", "width", inputs.settings["evaluation"]["eta_edges"], *own)
        plotting.log_percent(axes)
        axes.axvspan(1.4442, 1.566, color=GREY, alpha=0.2, linewidth=0)
        axes.set_xlabel(plotting.ETA)
        plotting.panel_title(axes, f"{particle}s")
        plotting.end_before_outliers(axes)
    grid[0].set_ylabel(plotting.WIDTH)
    legend_below(figure, grid[0])
    caption = f"The band is the transition between barrel and endcaps; {sample_text(inputs)}. {_OUTLIERS}"
    return Figure("resolution_eta", "Resolution against |η|", caption, figure)


def linearity(inputs: ReportInputs) -> Figure:
    """Median of the response against generated pT."""
    evaluation = inputs.settings["evaluation"]
    aimed = next(aim.limit for aim in load_published(inputs.study).aims if aim.quantity == "linearity")
    figure, grid = plotting.category_panels(inputs, plotting.PT, plotting.SCALE)
    for c, axes in enumerate(grid.flat):
        axes.axhspan(-aimed, aimed, color=GREY, alpha=0.2, linewidth=0)
        axes.axvline(evaluation["linearity_pt_min_gev"], color=GREY, linewidth=0.8, linestyle=":")
        plotting.draw_binned(axes, inputs, "pt", "median", evaluation["pt_edges_gev"], c, markersize=3.5)
        axes.set_ylim(-4, 4)
        mark_beyond(axes)
    legend_below(figure, grid[0, 0])
    caption = (
        f"The band is ±{aimed:g} %, aimed at above {evaluation['linearity_pt_min_gev']:g} GeV "
        f"(dotted); {sample_text(inputs)}. Triangles: values beyond ±4 %."
    )
    return Figure("linearity", "Linearity", caption, figure)


def resolution_map(inputs: ReportInputs) -> Figure:
    """Scale and width of the reference model in bins of pT and abs(eta)."""
    evaluation = inputs.settings["evaluation"]
    pt, eta = (np.asarray(evaluation[key], dtype=np.float64) for key in ("pt_edges_gev", "eta_edges"))
    figure, grid = labelled_panels(inputs, 2, 2, (10.8, 8.0), sharex=True, sharey=True)
    found = metrics_of(inputs)[inputs.reference]["response_pt_eta"]
    quantities = (("width", plotting.WIDTH, 0.0, 6.0, SEQUENTIAL), ("median", plotting.SCALE, -2.0, 2.0, "RdBu_r"))
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
                    axes.text(i + 0.5, j + 0.5, fixed(value, 2), ha="center", va="center", fontsize=7.5, color=colour)
            axes.set_xticks(places[0], [f"{edge:g}" for edge in pt])
            axes.set_yticks(places[1], [f"{edge:g}" for edge in eta])
            axes.tick_params(which="minor", length=0)
            plotting.panel_title(axes, ("electrons", "photons")[particle])
        row[0].set_ylabel(plotting.ETA)
        figure.colorbar(mesh, ax=row, label=text, extend="max" if low == 0.0 else "both")
    for axes in grid[1]:
        axes.set_xlabel(plotting.PT)
    title = f"Width and scale of {inputs.reference} in pT and |η|"
    caption = f"{sample_text(inputs)[:1].upper()}{sample_text(inputs)[1:]}; bins with too few candidates are white."
    return Figure("resolution_map", title, caption, figure)


def response_observed(inputs: ReportInputs) -> Figure:
    """Width and scale against r9, fbrem and the place in the supermodule, for electrons in EB."""
    evaluation = inputs.settings["evaluation"]
    category = CATEGORIES.index("EB electron")
    figure, grid = labelled_panels(inputs, 2, 3, (12.6, 7.0), sharex="col")
    panels = (
        ("r9", evaluation["r9_edges"], meaning_of("r9")),
        ("fbrem", evaluation["fbrem_edges"], meaning_of("fbrem")),
        ("supermodule", list(range(21)), meaning_of("iphi_20")),
    )
    for (axis, edges, text), (above, below) in zip(panels, grid.T, strict=True):
        plotting.draw_binned(above, inputs, axis, "width", edges, category, markersize=3.5)
        plotting.draw_binned(below, inputs, axis, "median", edges, category, markersize=3.5)
        plotting.log_percent(above)
        plotting.end_before_outliers(above)
        below.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
        below.set(ylim=(-5, 5), xlabel=text)
        mark_beyond(below)
    grid[0, 0].set_ylabel(plotting.WIDTH)
    grid[1, 0].set_ylabel(plotting.SCALE)
    label(grid[0, 0], data_label(inputs, shown_sample(inputs)), CATEGORIES[category])
    legend_below(figure, grid[0, 0])
    caption = f"Electrons in EB, {sample_text(inputs)}. Triangles: scales beyond ±5 %. {_OUTLIERS}"
    return Figure("response_observed", "Against shower shape, bremsstrahlung and supermodule", caption, figure)


def energy_fit(inputs: ReportInputs) -> Figure:
    """Width of good candidates against energy with the fitted curve."""
    figure, grid = plotting.category_panels(inputs, "$E_{MC}$ [GeV]", plotting.WIDTH)
    for c, axes in enumerate(grid.flat):
        for model in plotting.curve_models(inputs):
            found = metrics_of(inputs)[model]["energy_fit"]
            energy, look = np.array(found["energy"]["value"][c]), look_of(inputs, model)
            width, error = (100 * values(found["width"], key)[c] for key in ("value", "error"))
            draw_points(
                axes, energy, width, error, look.place, look.colour, f"{model}: {_constant(found, c)}",
                markersize=3.5, linestyle="none", linewidth=1.5,
            )  # fmt: skip
            drawn = np.isfinite(width)
            a, b, constant = (found[name]["value"][c] for name in PARAMETERS)
            if a is not None and drawn.any():
                e = np.geomspace(energy[drawn].min(), energy[drawn].max(), 100)
                curve = np.sqrt(a**2 / e + b**2 / e**2 + constant**2)
                axes.plot(e, 100 * curve, color=look.colour, linewidth=0.9)
        axes.set_xscale("log")
        few_log_ticks(axes.xaxis)
        plotting.log_percent(axes)
        plotting.end_before_outliers(axes)
        axes.legend(fontsize=9, title="constant term")
    caption = f"Good candidates, {sample_text(inputs)}; lines: a/√E ⊕ b/E ⊕ c, the table has a and b. {_OUTLIERS}"
    return Figure("energy_fit", "Resolution against energy", caption, figure)


def _constant(fit: Mapping[str, Any], category: int) -> str:
    """Return the constant term of a fit in words."""
    return f"{measured(cell(fit['constant'], category, scale=100.0))} %"
