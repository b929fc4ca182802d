"""Figures against energy: resolution by the paper's formula, and as measured muon by muon."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.metrics import sample_title
from hitforge.reporting.model_looks import colour_of, look_of
from hitforge.reporting.numbers import measured
from hitforge.reporting.plotting import data_label, few_log_ticks, legend_below, nothing
from hitforge.reporting.style import GREY, INK, MARKERS, label, new_figure
from hitforge.studies.calo_muon.report import view
from hitforge.studies.calo_muon.report.model_view import INPUTS, input_class
from hitforge.studies.calo_muon.report.plotting import ENERGY_LABEL, column, energies, points

_MOST = 4
"""Models in a panel."""


def resolution(inputs: ReportInputs) -> Figure:
    """Calorimeter alone and combined with the tracker, for models with more and more detail."""
    title, sample = "Resolution by the paper's formula", view.ranking_sample(inputs)
    models = _shown(inputs)
    rows_of = {model: inputs.metrics_of[model]["samples"].get(sample, {}).get("bins", []) for model in models}
    rows_of = {m: rows for m, rows in rows_of.items() if np.isfinite(column(rows, "resolution")[0]).any()}
    if not rows_of:
        return nothing("resolution", title, "no model has a resolution: there is no bias correction")
    figure = new_figure(10.4, 4.6)
    panels = figure.subplots(1, 2)
    for axes, key in zip(panels, ("resolution", "combined"), strict=True):
        _tracker(inputs, axes)
        for model, rows in rows_of.items():
            x, value, error = energies(rows)[0], *column(rows, key)
            look, gain = look_of(inputs, model), view.number(inputs, model, sample, view.MI)
            text = f"{model} ({INPUTS[input_class(inputs, model)]})"
            axes.errorbar(
                x, value, yerr=error, color=look.colour, marker=look.marker, markersize=4, linewidth=1.3,
                elinewidth=1.0, label=text if gain.value is None else f"{text}, MI {measured(gain)} pp",
            )  # fmt: skip
        axes.set_xlabel(ENERGY_LABEL)
    # a logarithm: at low energies the calorimeter alone is worse by orders of magnitude, and no point may vanish
    panels[0].set_yscale("log")
    few_log_ticks(panels[0].yaxis)
    alone = [column(rows, "resolution") for rows in rows_of.values()]
    panels[0].set_ylim(
        min(10.0, 0.8 * min(np.nanmin(value) for value, _ in alone)),
        1.25 * max(np.nanmax(value + error) for value, error in alone),
    )
    panels[1].set_ylim(0.0, None)
    panels[0].set_ylabel("Resolution of the calorimeter [%]")
    panels[1].set_ylabel("Resolution combined with the tracker [%]")
    label(panels[0], data_label(inputs, sample), f"{sample_title(sample)} muons")
    legend_below(figure, panels[0], 2)
    return Figure(
        "resolution",
        title,
        "Width and residual bias in quadrature, after the bias correction, and combined with the assumed tracker by "
        "inverse variances, as the paper does; bootstrap errors. Where a response saturates, near the upper end, the "
        "formula shows a better resolution than a muon-by-muon combination reaches.",
        figure,
    )


def _shown(inputs: ReportInputs) -> list[str]:
    """Return the compared models that were run, or the first ones where fewer than two were."""
    chosen = [model for model in inputs.settings["detail_models"] if model in inputs.metrics]
    return (chosen if len(chosen) > 1 else view.ranked(inputs))[:_MOST]


def _tracker(inputs: ReportInputs, axes: Axes) -> None:
    settings = inputs.settings["evaluation"]
    energy = np.linspace(0.01, 1.05, 50) * settings["e_max_gev"]
    axes.plot(
        energy, 100.0 * settings["tracker_per_gev"] * energy, color=INK, linestyle="--", linewidth=1.2,
        label="tracker (assumed)",
    )  # fmt: skip
    axes.set_xlim(0.0, energy[-1])


def measured_resolution(inputs: ReportInputs) -> Figure:
    """Tracker alone and combined with the model that knows most, muon by muon, and where the information is."""
    model = view.best(inputs)
    title = f"Tracker alone and combined with {model}, muon by muon"
    samples = (view.ranking_sample(inputs), *view.further_samples(inputs))
    rows_of = {name: rows for name in samples if (rows := view.measured_bins(inputs, model, name))}
    if not rows_of:
        return nothing("measured_resolution", title, f"the metrics of {model} hold no resolutions muon by muon")
    figure = new_figure(10.4, 4.4)
    left, right = figure.subplots(1, 2)
    shade = colour_of(inputs, model)
    points(left, next(iter(rows_of.values())), "tracker", INK, "x", "tracker alone", shift=-0.2)
    for index, (name, rows) in enumerate(rows_of.items()):
        look: dict[str, Any] = {"markerfacecolor": shade if index == 0 else "white", "shift": 0.2 * index}
        gain, bits = (view.number(inputs, model, name, key) for key in (view.GAIN, view.INFORMATION))
        known = f"combined, {sample_title(name)}: gain {measured(gain)} pp"
        points(left, rows, "combined", shade, MARKERS[index], known, **look)
        points(right, rows, "bits", shade, MARKERS[index], f"{sample_title(name)}: {measured(bits)} bit", 1.0, **look)
    for axes in (left, right):
        axes.set_xlabel(ENERGY_LABEL)
        axes.set_xlim(0.0, 1.03 * max(row["high_gev"] for rows in rows_of.values() for row in rows))
    left.set_ylim(0.0, 1.08 * left.get_ylim()[1])
    right.axhline(0.0, color=GREY, linewidth=0.9)
    right.set_ylim(top=(1.06 + 0.08 * len(rows_of)) * right.get_ylim()[1])
    right.legend(loc="upper right")
    left.set_ylabel("Relative resolution [%]")
    right.set_ylabel(f"Information of {model} [bit]")
    label(left, data_label(inputs, samples[0]))
    legend_below(figure, left)
    return Figure(
        "measured_resolution",
        title,
        "Left: half width of the central 68 % and bias of the posterior's median in quadrature, with and without the "
        "calorimeter; each muon has one simulated tracker measurement. Right: the information, bin by bin; a bin may "
        "be negative, the mean over the spectrum is what counts.",
        figure,
    )
