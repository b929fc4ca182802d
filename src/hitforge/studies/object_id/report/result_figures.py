"""Figures of the results: confusion, ROC curves, recall, reliability, scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import NullLocator

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
    shades,
)
from hitforge.reporting.style import GREY
from hitforge.studies.object_id.data.objects import CLASS_NAMES
from hitforge.studies.object_id.report.image_figures import headed
from hitforge.studies.object_id.report.view import predicted_objects, sweep_of

CLASS_COLOURS = dict(zip(CLASS_NAMES, shades(len(CLASS_NAMES)), strict=True))
_MATRICES = 3
"""Confusions in a row; the class report has those of all models."""
_ROOM = {"framealpha": 0.85, "frameon": True, "edgecolor": "none", "fontsize": 9.5, "title_fontsize": 9.5}
"""Of a legend inside a panel."""


def main_models(inputs: ReportInputs) -> list[str]:
    """Return the models that figures show: usually none of the sweep."""
    left_out = set(sweep_of(inputs)) - {inputs.reference}
    return shown_models(inputs, [model for model in inputs.metrics if model not in left_out])


def confusion(inputs: ReportInputs) -> Figure:
    """Row-normalised confusion with counts, a panel for each of the first main models."""
    metrics = metrics_of(inputs)
    models = [model for model in main_models(inputs) if model in metrics][:_MATRICES]
    percent = {model: 100.0 * values(metrics[model]["classes"]["confusion"]) for model in models}
    counts = {model: np.array(metrics[model]["counts"]) for model in models}
    figure = confusion_panels(percent, CLASS_NAMES, _MATRICES, counts=counts)
    headed(figure, inputs, shown_sample(inputs))
    return Figure(
        "confusion",
        "Confusion of the four classes",
        f"Share of each true class (rows add up to 100 %) and number of objects; {_sample_text(inputs)}. The class "
        "report has the other models.",
        figure,
    )


def roc_pairs(inputs: ReportInputs) -> Figure:
    """The six curves of one class against another."""
    return _curves(
        inputs,
        "roc_pairs",
        "ROC curves of each two classes",
        "Share of the second class that passes against the share of the first that does, by the ratio of the two "
        "probabilities.",
        axes_of(inputs)["pairs"],
    )


def roc_rest(inputs: ReportInputs) -> Figure:
    """The four curves of a class against the rest."""
    return _curves(
        inputs,
        "roc_rest",
        "ROC curves of each class against the rest",
        "Share of the three other classes that passes against the share of the class that does, by its probability.",
        [f"{name} vs rest" for name in CLASS_NAMES],
    )


def _curves(inputs: ReportInputs, name: str, title: str, caption: str, questions: Sequence[str]) -> Figure:
    """Draw a panel for each question; the questions are those of the metrics' blocks of the figure's name."""
    which, metrics = name.removeprefix("roc_"), metrics_of(inputs)
    x = np.array(axes_of(inputs)["curve_efficiencies"])
    found = overlay(inputs, main_models(inputs), f"curve_{which}", "background")
    # one object of the largest background: what a sample can tell from none
    least = 1.0 / max(_background(inputs, question) for question in questions)
    columns = len(questions) // 2
    figure, panels = labelled_panels(inputs, 2, columns, (4.1 * columns + 0.4, 7.5), sharex=True, sharey=True)
    for k, (axes, question) in enumerate(zip(panels.flat, questions, strict=True)):
        for place, (model, (_, colour, number)) in enumerate(found.items()):
            area = values(metrics[model][f"auc_{which}"]["auc"])[k]
            y, error = values(number)[k], np.nan_to_num(values(number, "error")[k])
            text = model if np.isnan(area) else f"{model}, {area:.4f}"
            # the reference model comes first and is the widest: lines on top of each other all show
            axes.plot(x, y, color=colour, linewidth=max(3.2 - 0.7 * place, 1.1), label=text)
            axes.fill_between(x, np.maximum(y - error, 0.0), y + error, color=colour, alpha=0.15, linewidth=0)
        axes.set_yscale("symlog", linthresh=least, linscale=0.35)
        # the legend stands above the curves
        axes.set(ylim=(-0.25 * least, 10.0 ** (0.5 + 0.3 * -(-len(found) // 2))), xlim=(0.0, 1.0))
        axes.set_yticks([0.0, *10.0 ** np.arange(np.ceil(np.log10(least)), 1.0)])
        axes.yaxis.set_minor_locator(NullLocator())
        axes.axhspan(-0.25 * least, least, color=GREY, alpha=0.12, linewidth=0, zorder=0)
        right_title(axes, question, 10.0, None)
        axes.legend(loc="upper left", title="AUC", ncols=2, alignment="left", **_ROOM)
    for axes in panels[-1]:
        axes.set_xlabel("Signal efficiency")
    for axes in panels[:, 0]:
        axes.set_ylabel("Background efficiency")
    caption += (
        " Bands: bootstrap errors. In the shaded part the scale is linear down to zero: there, less than one object of "
        f"the largest background passes, and up to 3/n of n may still do (95 % confidence). {_sample_text(inputs)}."
    )
    return Figure(name, title, caption, figure)


def _background(inputs: ReportInputs, question: str) -> int:
    """Return the number of background objects of a question, ``signal vs background`` or ``signal vs rest``."""
    signal, background = question.split(" vs ")
    of_class = dict(
        zip(CLASS_NAMES, np.sum(metrics_of(inputs)[inputs.reference]["counts"], axis=1).tolist(), strict=True)
    )
    own = sum(of_class.values()) - of_class[signal] if background == "rest" else of_class[background]
    return max(1, int(own))


def recall(inputs: ReportInputs) -> Figure:
    """Recall of each class of the reference model against pT, |eta| and vertices."""
    metrics, titles = metrics_of(inputs)[inputs.reference], {"pt": "$p_T$ [GeV]", "eta": "|η|", "npv": "Vertices"}
    figure, panels = labelled_panels(inputs, 1, 3, (12.7, 4.0), sharey=True)
    for axes, (name, title) in zip(panels.flat, titles.items(), strict=True):
        edges = axes_of(inputs)[name]
        centre = middles(edges)
        if name == "pt":
            centre[-1] = edges[-2] + 15.0
        number = metrics[f"recall_{name}"]["recall"]
        for c, (class_name, colour) in enumerate(CLASS_COLOURS.items()):
            draw_points(axes, centre, values(number)[c], values(number, "error")[c], c, colour, class_name)
        axes.set_xlabel(title)
    panels[0, 0].set_ylabel("Recall")
    panels[0, 0].set_ylim(top=1.02)
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
    blocks = {"calibration_raw": "before temperature scaling", "calibration": "after temperature scaling"}
    for axes, (block, title) in zip(panels.flat, blocks.items(), strict=True):
        axes.plot([0.25, 1], [0.25, 1], color=GREY, linestyle="--", linewidth=0.9)
        for model, (k, colour, numbers) in overlay(inputs, main_models(inputs), block).items():
            x, y = values(numbers["confidence"]), values(numbers["accuracy"])
            y = np.where(np.isfinite(x), y, np.nan)
            ece = numbers["ece"]["value"]
            text = model if ece is None else f"{model}, {ece:.3f}"
            # no lines: bins without objects lie between the points
            draw_points(axes, x, y, values(numbers["accuracy"], "error"), k, colour, text, linestyle="none")
        axes.set(xlabel="Largest probability", ylabel="Accuracy", xlim=(0.2, 1.02), ylim=(0.0, 1.05))
        right_title(axes, title, 10.0, None)
        axes.legend(loc="upper left", title="ECE", alignment="left", **_ROOM)
    return Figure(
        "reliability",
        "Reliability of the probabilities",
        f"Accuracy in bins of the largest probability, and expected calibration error (ECE); {_sample_text(inputs)}. "
        "The temperature is fitted on held-out objects of the training sample.",
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
            draw_shares(
                axes, shares, np.linspace(0.0, 1.0, 41), colour, f"true {true}", linewidth=2.4 if k == c else 1.4
            )
        axes.set(yscale="log", xlim=(0.0, 1.0), xlabel=f"Probability of {name}", ylabel="Fraction / 0.025")
    legend_below(figure, panels[0, 0], 6)
    return Figure("scores", title, f"Each true class normalised to one; {_sample_text(inputs)}.", figure)


def _sample_text(inputs: ReportInputs) -> str:
    sample = shown_sample(inputs)
    return f"{sample_title(sample)} sample, {metrics_of(inputs)[inputs.reference]['n_objects']} objects"
