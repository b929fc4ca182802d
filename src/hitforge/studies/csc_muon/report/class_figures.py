"""Figures of classes and uncertainties: confusion, reliability, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.plotting import data_label, grid_shape, nothing
from hitforge.reporting.style import GREY, label, new_figure
from hitforge.studies.csc_muon.evaluation.muons import CLASS_NAMES
from hitforge.studies.csc_muon.report.plotting import (
    common_legend,
    log_pt,
    overlay,
    panels,
    points,
    right_title,
    sample_text,
)
from hitforge.studies.csc_muon.report.view import axes_of, colour_of, metrics_of, shown_sample, values


def confusion(inputs: ReportInputs) -> Figure:
    """Row-normalised confusion of the four classes, a panel for each model."""
    models = overlay(inputs, "classes", "confusion")
    title = "Confusion of the four classes"
    if not models:
        return nothing("confusion", title, "no model was evaluated")
    rows, columns = grid_shape(len(models), 3 if len(models) in (5, 6) else 4)
    figure = new_figure(3.3 * columns + 0.9, 3.25 * rows + 0.3)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, (model, (_, _, number)) in zip(grid.flat, models.items(), strict=False):
        _matrix(axes, 100.0 * values(number), CLASS_NAMES, 9)
        axes.set_title(model, loc="left", fontweight="bold", fontsize=10.5)
    for axes in grid.flat[len(models) :]:
        axes.set_axis_off()
    for row in grid:
        row[0].set_ylabel("True class [GeV]")
    for axes in grid.flat[max(0, len(models) - columns) : len(models)]:
        axes.set_xlabel("Predicted class [GeV]")
    return Figure(
        "confusion",
        title,
        f"Each row, a true class, adds up to 100 %; {sample_text(inputs)}. From class probabilities where a model "
        "gives them, otherwise from its pT.",
        figure,
    )


def confusion_deck(inputs: ReportInputs) -> Figure:
    """Row-normalised confusion of the deck's 11 classes for the reference model."""
    models = metrics_of(inputs)
    title = f"Confusion of the deck's 11 classes, {inputs.reference}"
    if inputs.reference not in models:
        return nothing("confusion_deck", title, "the reference model was not evaluated")
    edges = axes_of(inputs)["deck_gev"]
    names = [f"{low:g}–{high:g}" for low, high in pairwise(edges)] + [f">{edges[-1]:g}"]
    figure = new_figure(7.6, 6.4)
    axes = figure.subplots()
    _matrix(axes, 100.0 * values(models[inputs.reference]["deck_classes"]["confusion"]), names, 8.5)
    axes.set_xlabel("Predicted $p_T$ class [GeV]")
    axes.set_ylabel("True $p_T$ class [GeV]")
    axes.tick_params(axis="x", rotation=45)
    label(axes, data_label(inputs, shown_sample(inputs)), sample_text(inputs))
    return Figure("confusion_deck", title, "Rows add up to 100 %; classes from the predicted pT, unscaled.", figure)


def _matrix(axes: Axes, percent: NDArray[np.float64], names: Sequence[str], size: float) -> None:
    axes.imshow(np.nan_to_num(percent), cmap="Blues", vmin=0.0, vmax=100.0, aspect="auto")
    for (i, j), value in np.ndenumerate(percent):
        text = "–" if np.isnan(value) else f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
        axes.text(j, i, text, ha="center", va="center", fontsize=size, color="white" if value > 55 else "#1f2430")
    axes.set_xticks(range(len(names)), names, fontsize=9)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.tick_params(which="both", length=0)
    axes.minorticks_off()


def class_calibration(inputs: ReportInputs) -> Figure:
    """Reliability of the class probabilities."""
    models = overlay(inputs, "class_calibration")
    title = "Are class probabilities right?"
    if not models:
        return nothing("class_calibration", title, "no model gives class probabilities")
    figure, (axes,) = panels(inputs, 1, 6.2, 4.9)
    axes.plot([0.2, 1.0], [0.2, 1.0], color=GREY, linestyle="--", linewidth=1.1)
    for model, (which, colour, block) in models.items():
        x, y, error = (
            values(block["confidence"]),
            values(block["accuracy"]),
            np.nan_to_num(values(block["accuracy"], "error")),
        )
        ece = block["ece"]["value"]
        drawn = np.isfinite(y)
        axes.errorbar(
            x[drawn], y[drawn], yerr=error[drawn], color=colour, marker="os^DvPX<"[which % 8], linewidth=0.9,
            label=f"{model}, ECE {100 * ece:.2f} %",
        )  # fmt: skip
    axes.set_xlim(0.2, 1.0)
    axes.set_ylim(0.2, 1.02)
    axes.set_xlabel("Largest class probability")
    axes.set_ylabel("Accuracy")
    right_title(axes, sample_text(inputs))
    axes.legend(loc="upper left")
    return Figure(
        "class_calibration",
        title,
        "How often the predicted class is right, in bins of its probability; the diagonal is perfect. ECE: mean "
        "distance to it, weighted with the muons. Bars: bootstrap errors.",
        figure,
    )


def coverage(inputs: ReportInputs) -> Figure:
    """Quantile calibration, coverage against pT, and pull widths."""
    quantiles, pulls = overlay(inputs, "coverage"), overlay(inputs, "pulls")
    title = "Are the uncertainties right?"
    if not quantiles and not pulls:
        return nothing("coverage", title, "no model gives quantiles or an uncertainty")
    levels = np.array(axes_of(inputs)["quantile_levels"])
    edges = inputs.settings["evaluation"]["pt_edges_gev"]
    figure, (left, middle, right) = panels(inputs, 3, 4.6, 4.7)
    left.axhline(0.0, color=GREY, linestyle="--", linewidth=1.1)
    for which, colour, block in quantiles.values():
        below, error = values(block["below"]), np.nan_to_num(values(block["below"], "error"))
        left.errorbar(
            100.0 * levels, 100.0 * (below - levels), yerr=100.0 * error, color=colour, marker="o", linewidth=0.9
        )
        points(middle, edges, block["inside68_pt"], which, colour, None, 100.0, logarithmic=True)
    for which, colour, block in pulls.values():
        points(right, edges, block["width68_pt"], which, colour, None, logarithmic=True)
    for model in dict.fromkeys([*quantiles, *pulls]):
        left.plot([], [], color=colour_of(inputs, model), marker="o", label=model)
    middle.axhline(68.0, color=GREY, linestyle="--", linewidth=1.1)
    right.axhline(1.0, color=GREY, linestyle="--", linewidth=1.1)
    left.set_xlabel("Quantile [%]")
    left.set_ylabel("Truth below the quantile − nominal [%]")
    middle.set_ylabel("Inside the 68 % interval [%]")
    middle.set_ylim(0.0, 105.0)
    right.set_ylabel("Pull width (68 %)")
    right.set_ylim(0.0, max(1.5, right.get_ylim()[1]))
    for axes in (middle, right):
        log_pt(axes, edges[0], edges[-1])
    right_title(right, sample_text(inputs))
    common_legend(figure, left)
    return Figure(
        "coverage",
        title,
        "Left: distance of the coverage of each quantile from its level. Middle: share of muons inside the central "
        "68 % interval. Right: half the smallest interval with 68.3 % of the pulls (predicted minus true q/pT over "
        "the calibrated σ). Dashed: perfect. In bins of true pT a perfect model need not be on the line.",
        figure,
    )
