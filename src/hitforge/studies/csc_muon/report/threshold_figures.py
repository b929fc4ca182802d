"""Figures of metrics against a pT threshold or pT, as the seeds draw them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.ticker import FormatStrFormatter
from numpy.typing import NDArray

from hitforge.published import load_published
from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.metrics import axes_of, metrics_of, shown_sample, values
from hitforge.reporting.plotting import data_label, draw_curve, few_log_ticks, figure_of, legend_below, right_title
from hitforge.reporting.style import GREY, INK, label, new_figure
from hitforge.studies.csc_muon.report import plotting
from hitforge.words import TRAINED_ON

_ROWS = (
    ("mae", "MAE in $p_T$ [GeV]"),
    ("accuracy", "Accuracy, 11 classes"),
    ("weighted_f1", "Weighted F1, 11 classes"),
)
_MOST_GEV = 120.0
_COLUMNS = ("$p_T$ ≥ x", "$p_T$ < x + 1 GeV", "x ≤ $p_T$ < x + 1 GeV")
MAX_BANDS = 4
"""With more models only the reference has an error band."""


def _style(inputs: ReportInputs, model: str, models: Collection[str]) -> dict[str, Any]:
    reference = model == inputs.reference
    return {"bold": reference, "band": reference or len(models) <= MAX_BANDS}


def _last_x(x: NDArray[np.float64], arrays: Sequence[Mapping[str, Any]], *index: int) -> float:
    """Return where some curves may end, GeV: bins of 1 GeV soon run out of muons, and the last has all beyond it."""
    known = np.any([np.isfinite(values(array)[index]) for array in arrays], axis=0) & (x < _MOST_GEV)
    return 1.0 + float(x[known].max(initial=9.0))


def _end_at(axes: Axes, first: float, last: float) -> None:
    """End both axes of curves where the horizontal one ends: beyond it a bin holds all that is left."""
    shown = [np.asarray(line.get_xydata()) for line in axes.lines]
    y = np.concatenate([points[points[:, 0] <= last, 1] for points in shown])
    if np.isfinite(y).any():
        axes.set_ylim(0.8 * np.nanmin(y), 1.3 * np.nanmax(y))
    axes.set_xlim(first, last)


@figure_of("Metrics against threshold", plotting.overlay("scan"), plotting.NOT_EVALUATED)
def threshold_scan(inputs: ReportInputs, models: plotting.Overlaid) -> tuple[MatplotlibFigure, str]:
    """MAE, accuracy and F1 of the 11 classes against threshold under the three conventions."""
    x = np.array(axes_of(inputs)["scan_gev"])
    trained_on, deck = metrics_of(inputs, TRAINED_ON), load_published(inputs.study).blocks["deck_thresholds"]
    figure = new_figure(12.5, 10.0)
    grid = figure.subplots(len(_ROWS), len(_COLUMNS), sharex="col")
    for row, (key, ylabel) in zip(grid, _ROWS, strict=True):
        for i, axes in enumerate(row):
            for model, (_, colour, block) in models.items():
                draw_curve(axes, x, block[key], colour, model, i, **_style(inputs, model, models))
                if model in trained_on and model in {inputs.reference, *deck}:
                    seen = values(trained_on[model]["scan"][key])[i]
                    axes.plot(x, seen, color=colour, linewidth=1.0, linestyle=":")
            if key == "mae":
                axes.set_yscale("log")
                few_log_ticks(axes.yaxis, formatter=FormatStrFormatter("%g"))
            else:
                block = next(iter(models.values()))[2]
                if key == "accuracy" and i < 2:
                    axes.plot(x, values(block["majority"])[i], color=GREY, linestyle="--", label="largest class")
                axes.set_ylim(0.0, 1.09)
        row[0].set_ylabel(ylabel)
    for i, axes in enumerate(grid[-1]):
        axes.set_xlabel("x [GeV]")
        _end_at(grid[0, i], 0.0, _last_x(x, [b["mae"] for _, _, b in models.values()], i))
        right_title(grid[0, i], _COLUMNS[i])
    label(grid[0, 0], data_label(inputs, shown_sample(inputs)), _COLUMNS[0])
    if trained_on:
        grid[1, 0].plot([], [], color=GREY, linewidth=1.0, linestyle=":", label="on what it was trained on")
    legend_below(figure, grid[1, 0])
    return figure, (
        "The curves of the seed's slides under all three readings of which muons a threshold selects, one column each; "
        "bands are bootstrap errors; dotted: the reference and the seed's models on muons that they were trained on. "
        "The 11 classes are those of the slides; the dashed line guesses their largest in the range. One model for all "
        "thresholds."
    )


@figure_of("How often the decision pT > x is right", plotting.overlay("decision"), plotting.NOT_EVALUATED)
def decision(inputs: ReportInputs, models: plotting.Overlaid) -> tuple[MatplotlibFigure, str]:
    """Accuracy and F1 of the decision pT > x against x, with the majority baseline and the benchmark's points."""
    x = np.array(axes_of(inputs)["scan_gev"])
    printed = load_published(inputs.study).blocks["benchmark"]["decision"]
    figure, (left, middle, right) = plotting.panels(inputs, 3, 4.6, 4.9)
    for model, (_, colour, block) in models.items():
        style = _style(inputs, model, models)
        draw_curve(left, x, block["accuracy"], colour, model, **style)
        draw_curve(middle, x, block["f1_above"], colour, None, **style)
        draw_curve(right, x, block["f1_below"], colour, None, **style)
    left.plot(x, values(next(iter(models.values()))[2]["majority"]), color=GREY, linestyle="--", label="larger side")
    marks: dict[str, Any] = {"color": INK, "marker": "x", "linestyle": "none", "markersize": 6}
    left.plot(printed["pt_gev"], printed["accuracy"], label="GSoC 2021 (other data)", **marks)
    middle.plot(printed["pt_gev"], printed["f1_above"], **marks)
    for axes, text in ((left, "Accuracy of $p_T$ > x"), (middle, "F1 of $p_T$ > x"), (right, "F1 of $p_T$ < x")):
        axes.set(ylabel=text, xlabel="x [GeV]", xlim=(2.0, 125.0))
    low = min(left.get_ylim()[0], 0.85)
    left.set_ylim(max(low, 0.6), 1.005)
    middle.set_ylim(0.0, 1.02)
    right.set_ylim(0.8, 1.005)
    right_title(right, plotting.sample_text(inputs))
    legend_below(figure, left)
    return figure, (
        "All muons at every x, before the pT scaling. Guessing the larger side (dashed) is right for 98 % of a sample "
        "flat in 1/pT at high x: the accuracy alone says little. Crosses: published curves on roads with four CSC hits "
        "of another data set."
    )


@figure_of("Mean absolute error against pT", plotting.overlay("scan"), plotting.NOT_EVALUATED)
def benchmark(inputs: ReportInputs, models: plotting.Overlaid) -> tuple[MatplotlibFigure, str]:
    """MAE and relative MAE against pT, on all roads and on those with four CSC hits, in bins of 1 GeV."""
    x = np.array(axes_of(inputs)["scan_gev"]) + 0.5
    selected = {name: m["four_csc"]["scan"] for name, m in metrics_of(inputs).items() if "four_csc" in m}
    figure, axes = plotting.panels(inputs, 3 if selected else 2, 4.7, 4.9)
    for model, (_, colour, block) in models.items():
        style = _style(inputs, model, models)
        draw_curve(axes[0], x, block["mae"], colour, model, 2, **style)
        draw_curve(axes[1], x, block["relative_mae"], colour, None, 2, **style)
        if model in selected:
            draw_curve(axes[2], x, selected[model]["relative_mae"], colour, None, 2, **style)
    printed = load_published(inputs.study).blocks["benchmark"]["relative_mae"]
    marks: dict[str, Any] = {"color": INK, "marker": "x", "linestyle": "none"}
    axes[-1].plot(printed["pt_gev"], printed["value"], **marks)
    axes[0].plot([], [], label="GSoC 2021 (other data)", **marks)
    axes[0].set(yscale="log", ylabel="MAE [GeV]")
    relative = values(models.get(inputs.reference, next(iter(models.values())))[2]["relative_mae"])[2]
    top = 2.0 * float(np.nanquantile(relative, 0.9)) if np.isfinite(relative).any() else 1.0
    for panel, text in zip(axes[1:], ("all roads", "four CSC hits"), strict=False):
        panel.set(ylabel="MAE / $p_T$", ylim=(0.0, float(np.clip(top, 0.4, 1.0))))
        right_title(panel, text)
    last = _last_x(x, [block["mae"] for _, _, block in models.values()], 2)
    few_log_ticks(axes[0].yaxis, formatter=FormatStrFormatter("%g"))
    _end_at(axes[0], 2.0, last)
    for panel in axes:
        panel.set_xlabel(plotting.PT_LABEL)
    for panel in axes[1:]:
        # the last has the published points
        panel.set_xlim(2.0, 125.0 if panel is axes[-1] else last)
    legend_below(figure, axes[0])
    return figure, (
        "Bins of 1 GeV in true pT, before the pT scaling; bands are bootstrap errors. The mean follows the few muons "
        "whose pT is overestimated by far and leaves the relative panels for poor models; medians do not."
    )
