"""Figures of the results: confusion, ROC curves, recall, reliability, scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.metrics import axes_of, metrics_of, sample_title, shown_sample, values
from hitforge.reporting.model_looks import shown_models
from hitforge.reporting.plotting import (
    confusion_panels,
    draw_points,
    draw_shares,
    labelled_panels,
    legend_below,
    middles,
    nothing,
    overlay,
    right_title,
)
from hitforge.reporting.style import COLOURS, GREY
from hitforge.studies.object_id.data.objects import CLASS_NAMES
from hitforge.studies.object_id.report.view import predicted_objects, sweep_of

CLASS_COLOURS = dict(zip(CLASS_NAMES, COLOURS, strict=False))


def main_models(inputs: ReportInputs) -> list[str]:
    """Return the models that figures show: usually none of the sweep."""
    left_out = set(sweep_of(inputs)) - {inputs.reference}
    return shown_models(inputs, [model for model in inputs.metrics if model not in left_out])


def confusion(inputs: ReportInputs) -> Figure:
    """Row-normalised confusion with counts, a panel for each main model."""
    metrics = metrics_of(inputs)
    models = [model for model in main_models(inputs) if model in metrics]
    percent = {model: 100.0 * values(metrics[model]["classes"]["confusion"]) for model in models}
    counts = {model: np.array(metrics[model]["counts"]) for model in models}
    return Figure(
        "confusion",
        "Confusion of the four classes",
        f"Share of each true class (rows add up to 100 %) and number of objects; {_sample_text(inputs)}.",
        confusion_panels(percent, CLASS_NAMES, 3, counts=counts),
    )


def roc_pairs(inputs: ReportInputs) -> Figure:
    """The six curves of one class against another."""
    return _curves(
        inputs,
        "roc_pairs",
        "ROC curves of each two classes",
        "Background efficiency (second class) against signal efficiency (first class), by the ratio of the two "
        f"probabilities, with bootstrap errors; a curve ends where no background is left. {_sample_text(inputs)}.",
        axes_of(inputs)["pairs"],
    )


def roc_rest(inputs: ReportInputs) -> Figure:
    """The four curves of a class against the rest."""
    return _curves(
        inputs,
        "roc_rest",
        "ROC curves of each class against the rest",
        f"By the probability of the class, with bootstrap errors; {_sample_text(inputs)}.",
        [f"{name} vs rest" for name in CLASS_NAMES],
    )


def _curves(inputs: ReportInputs, name: str, title: str, caption: str, questions: Sequence[str]) -> Figure:
    """Draw a panel for each question; the questions are those of the metrics' blocks of the figure's name."""
    which, reference = name.removeprefix("roc_"), inputs.reference
    x = np.array(axes_of(inputs)["curve_efficiencies"])
    areas = {model: metrics[f"auc_{which}"]["auc"] for model, metrics in metrics_of(inputs).items()}
    found = overlay(inputs, main_models(inputs), f"curve_{which}", "background")
    figure, panels = labelled_panels(inputs, 2, len(questions) // 2, (4.1 * (len(questions) // 2) + 0.4, 7.5))
    for k, (axes, question) in enumerate(zip(panels.flat, questions, strict=True)):
        n_points = 0
        for model in sorted(found, key=lambda name: name == reference):  # it is drawn last
            if set(areas[model]["value"]) == {0.5}:
                continue  # a model without any information has no curve
            _, colour, number = found[model]
            y, error = values(number)[k], np.nan_to_num(values(number, "error")[k])
            y = np.where(y > 0, y, np.nan)
            if model == reference:
                n_points = int(np.isfinite(y).sum())
            axes.plot(x, y, color=colour, linewidth=2.0 if model == reference else 1.2, label=model)
            axes.fill_between(x, np.maximum(y - error, 1e-9), y + error, color=colour, alpha=0.15, linewidth=0)
        if reference in found and n_points < 2:
            text = f"{reference}: no background\nin this sample passes"
            axes.text(0.5, 0.45, text, transform=axes.transAxes, ha="center", fontsize=9)
        axes.set(yscale="log", ylim=(2e-4, 1.5), xlim=(0.0, 1.0))
        area = values(areas[reference])[k]
        right_title(axes, question + ("" if np.isnan(area) else f", AUC {area:.4f}"), 9.5, None)
        axes.set(xlabel="Signal efficiency", ylabel="Background efficiency")
    legend_below(figure, panels[0, 0], 6)
    return Figure(name, title, caption, figure)


def recall(inputs: ReportInputs) -> Figure:
    """Recall of each class of the reference model against pT, |eta| and vertices."""
    metrics, titles = metrics_of(inputs)[inputs.reference], {"pt": "$p_T$ [GeV]", "eta": "|η|", "npv": "Vertices"}
    figure, panels = labelled_panels(inputs, 1, 3, (12.7, 4.0))
    for axes, (name, title) in zip(panels.flat, titles.items(), strict=True):
        edges = axes_of(inputs)[name]
        centre = middles(edges)
        if name == "pt":
            centre[-1] = edges[-2] + 15.0
        number = metrics[f"recall_{name}"]["recall"]
        for c, (class_name, colour) in enumerate(CLASS_COLOURS.items()):
            draw_points(axes, centre, values(number)[c], values(number, "error")[c], c, colour, class_name)
        axes.set(xlabel=title, ylabel="Recall")
        axes.set_ylim(min(0.5, axes.get_ylim()[0]), 1.02)
    legend_below(figure, panels[0, 0], 6)
    return Figure(
        "recall",
        f"Recall against kinematics, {inputs.reference}",
        f"Recall of each class in bins; the last bin of pT is drawn at its start. {_sample_text(inputs)}.",
        figure,
    )


def reliability(inputs: ReportInputs) -> Figure:
    """Accuracy against confidence before and after the temperature."""
    figure, panels = labelled_panels(inputs, 1, 2, (8.6, 4.0))
    for axes, block, title in zip(
        panels.flat, ("calibration_raw", "calibration"), ("before temperature scaling", "after"), strict=True
    ):
        axes.plot([0.25, 1], [0.25, 1], color=GREY, linestyle="--", linewidth=0.9)
        for model, (k, colour, numbers) in overlay(inputs, main_models(inputs), block).items():
            x, y = values(numbers["confidence"]), values(numbers["accuracy"])
            y = np.where(np.isfinite(x), y, np.nan)
            draw_points(axes, x, y, values(numbers["accuracy"], "error"), k, colour, model)
        axes.set(xlabel="Largest probability", ylabel="Accuracy", xlim=(0.2, 1.02), ylim=(0.0, 1.05))
        right_title(axes, title, 9.5, None)
    legend_below(figure, panels[0, 0], 6)
    return Figure(
        "reliability",
        "Reliability of the probabilities",
        f"Accuracy in bins of the largest probability; {_sample_text(inputs)}. The temperature is fitted on held-out "
        "objects of the training sample.",
        figure,
    )


def scores(inputs: ReportInputs) -> Figure:
    """Distributions of the reference model's probability of each class."""
    title = f"Distributions of the probabilities, {inputs.reference}"
    found = predicted_objects(inputs)
    if found is None or not len(found.label):
        return nothing("scores", title, "the reference model's predictions are not among the report's inputs")
    figure, panels = labelled_panels(inputs, 2, 2, (8.6, 7.5))
    for c, (axes, name) in enumerate(zip(panels.flat, CLASS_NAMES, strict=True)):
        for k, (true, colour) in enumerate(CLASS_COLOURS.items()):
            shares = found.probabilities[found.label == k, c]
            draw_shares(axes, shares, np.linspace(0.0, 1.0, 41), colour, f"true {true}")
        axes.set(yscale="log", xlim=(0.0, 1.0), xlabel=f"Probability of {name}", ylabel="Fraction / bin")
    legend_below(figure, panels[0, 0], 6)
    return Figure("scores", title, f"Each true class normalised to one; {_sample_text(inputs)}.", figure)


def _sample_text(inputs: ReportInputs) -> str:
    sample = shown_sample(inputs)
    return f"{sample_title(sample)} sample, {metrics_of(inputs)[inputs.reference]['n_objects']} objects"
