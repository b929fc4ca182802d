"""Figures of classes and uncertainties: confusion, reliability, coverage."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.evaluated import axes_of, metrics_of, shown_sample, values
from hitforge.reporting.plotting import confusion_panels, data_label, draw_confusion, nothing
from hitforge.reporting.style import GREY, label, new_figure
from hitforge.studies.csc_muon.evaluation.sample import CLASS_NAMES
from hitforge.studies.csc_muon.report.plotting import (
    common_legend,
    log_pt,
    overlay,
    panels,
    points,
    right_title,
    sample_text,
)
from hitforge.studies.csc_muon.report.view import colour_of


def confusion(inputs: ReportInputs) -> Figure:
    """Row-normalised confusion of the four classes, a panel for each model."""
    models = overlay(inputs, "classes", "confusion")
    title = "Confusion of the four classes"
    if not models:
        return nothing("confusion", title, "no model was evaluated")
    percent = {model: 100.0 * values(number) for model, (_, _, number) in models.items()}
    figure = confusion_panels(percent, CLASS_NAMES, 3 if len(models) in (5, 6) else 4, "[GeV]")
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
    draw_confusion(axes, 100.0 * values(models[inputs.reference]["deck_classes"]["confusion"]), names, 8.5)
    axes.set_xlabel("Predicted $p_T$ class [GeV]")
    axes.set_ylabel("True $p_T$ class [GeV]")
    axes.tick_params(axis="x", rotation=45)
    label(axes, data_label(inputs, shown_sample(inputs)), sample_text(inputs))
    return Figure("confusion_deck", title, "Rows add up to 100 %; classes from the predicted pT, unscaled.", figure)


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
