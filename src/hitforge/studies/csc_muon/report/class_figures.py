"""Figures of classes and uncertainties: confusion, reliability, coverage."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.figure import Figure as MatplotlibFigure

from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.metrics import axes_of, cell, metrics_of, shown_sample, values
from hitforge.reporting.numbers import measured
from hitforge.reporting.plotting import (
    confusion_panels,
    data_label,
    draw_confusion,
    draw_points,
    figure_of,
    legend_below,
    right_title,
)
from hitforge.reporting.style import GREY, MARKERS, label, new_figure
from hitforge.studies.csc_muon.evaluation.sample import CLASS_NAMES
from hitforge.studies.csc_muon.report import plotting
from hitforge.studies.csc_muon.report.view import headline_of

_INTERVAL = 0.68
"""Central interval whose coverage is drawn against pT."""


@figure_of("Confusion of the four classes", plotting.overlay("classes", "confusion"), plotting.NOT_EVALUATED)
def confusion(inputs: ReportInputs, models: plotting.Overlaid) -> tuple[MatplotlibFigure, str]:
    """Row-normalised confusion of the four classes, a panel for each model."""
    percent = {model: 100.0 * values(number) for model, (_, _, number) in models.items()}
    figure = confusion_panels(percent, CLASS_NAMES, 3 if len(models) in (5, 6) else 4, "[GeV]")
    for axes, model in zip(figure.axes, models, strict=False):
        right_title(axes, f"accuracy {measured(headline_of(inputs, model)['accuracy'])} %")
    return figure, (
        f"Each row, a true class, adds up to 100 %; {plotting.sample_text(inputs)}. From class probabilities where a "
        "model gives them, otherwise from its pT."
    )


@figure_of(
    "Confusion of eleven classes of pT, {reference}",
    lambda inputs: metrics_of(inputs).get(inputs.reference),
    "the reference model was not evaluated",
)
def confusion_deck(inputs: ReportInputs, metrics: dict[str, Any]) -> tuple[MatplotlibFigure, str]:
    """Row-normalised confusion of the deck's 11 classes for the reference model."""
    edges = axes_of(inputs)["deck_gev"]
    names = [f"{low:g}–{high:g}" for low, high in pairwise(edges)] + [f">{edges[-1]:g}"]
    figure = new_figure(7.6, 6.4)
    axes = figure.subplots()
    draw_confusion(axes, 100.0 * values(metrics["deck_classes"]["confusion"]), names, 8.5)
    axes.set(xlabel="Predicted $p_T$ class [GeV]", ylabel="True $p_T$ class [GeV]")
    axes.tick_params(axis="x", rotation=45)
    label(axes, data_label(inputs, shown_sample(inputs)), plotting.sample_text(inputs))
    return figure, "The classes of the seed's slides. Rows add up to 100 %; classes from the predicted pT, unscaled."


@figure_of(
    "Are class probabilities right?", plotting.overlay("class_calibration"), "no model gives class probabilities"
)
def class_calibration(inputs: ReportInputs, models: plotting.Overlaid) -> tuple[MatplotlibFigure, str]:
    """Reliability of the class probabilities."""
    figure, (axes,) = plotting.panels(inputs, 1, 6.2, 4.9)
    axes.plot([0.2, 1.0], [0.2, 1.0], color=GREY, linestyle="--", linewidth=1.1)
    for model, (which, colour, block) in models.items():
        x, y, error = values(block["confidence"]), values(block["accuracy"]), values(block["accuracy"], "error")
        text = f"{model}, ECE {100 * block['ece']['value']:.2f} %"
        draw_points(axes, x, y, error, which, colour, text)
    axes.set(xlim=(0.2, 1.0), ylim=(0.2, 1.02), xlabel="Largest class probability", ylabel="Accuracy")
    right_title(axes, plotting.sample_text(inputs))
    axes.legend(loc="upper left")
    return figure, (
        "How often the predicted class is right, in bins of its probability; the diagonal is perfect. ECE: mean "
        "distance to it, weighted with the muons. Bars: bootstrap errors."
    )


def _quantiles_and_pulls(inputs: ReportInputs) -> tuple[plotting.Overlaid, plotting.Overlaid] | None:
    found = plotting.overlay("coverage")(inputs), plotting.overlay("pulls")(inputs)
    return found if any(found) else None


@figure_of("Are the uncertainties right?", _quantiles_and_pulls, "no model gives quantiles or an uncertainty")
def coverage(inputs: ReportInputs, models: tuple[plotting.Overlaid, plotting.Overlaid]) -> tuple[MatplotlibFigure, str]:
    """Quantile calibration, coverage against pT, and pull widths."""
    quantiles, pulls = models
    levels = np.array(axes_of(inputs)["quantile_levels"])
    edges = inputs.settings["evaluation"]["pt_edges_gev"]
    figure, (left, middle, right) = plotting.panels(inputs, 3, 4.6, 4.7)
    left.axhline(0.0, color=GREY, linestyle="--", linewidth=1.1)
    for which, colour, block in quantiles.values():
        below, error = values(block["below"]), np.nan_to_num(values(block["below"], "error"))
        left.errorbar(
            100.0 * levels, 100.0 * (below - levels), yerr=100.0 * error, color=colour, marker="o", linewidth=0.9
        )
        plotting.draw_binned(middle, edges, block["inside68_pt"], which, colour, None, 100.0, logarithmic=True)
    for which, colour, block in pulls.values():
        plotting.draw_binned(right, edges, block["width68_pt"], which, colour, None, logarithmic=True)
    for model, (which, colour, _) in {**quantiles, **pulls}.items():
        text = model
        if model in quantiles:
            place = list(axes_of(inputs)["intervals"]).index(_INTERVAL)
            text += f", inside {measured(cell(quantiles[model][2]['inside'], place, scale=100.0))} %"
        if model in pulls:
            text += f", pull width {measured(cell(pulls[model][2]['width68']))}"
        left.plot([], [], color=colour, marker=MARKERS[which % len(MARKERS)], label=text)
    middle.axhline(68.0, color=GREY, linestyle="--", linewidth=1.1)
    right.axhline(1.0, color=GREY, linestyle="--", linewidth=1.1)
    left.set(xlabel="Quantile [%]", ylabel="Truth below the quantile − nominal [%]")
    middle.set(ylabel="Inside the 68 % interval [%]", ylim=(0.0, 105.0))
    right.set_ylabel("Pull width (68 %)")
    right.set_ylim(0.0, max(1.5, right.get_ylim()[1]))
    for axes in (middle, right):
        plotting.log_pt(axes, edges[0], edges[-1])
    right_title(right, plotting.sample_text(inputs))
    legend_below(figure, left)
    return figure, (
        "Left: distance of the coverage of each quantile from its level. Middle: share of muons inside the central "
        "68 % interval. Right: half the smallest interval with 68.3 % of the pulls (predicted minus true q/pT over "
        "the calibrated σ). Dashed: perfect. In bins of true pT a perfect model need not be on the line."
    )
