"""Figures of the results: confusion, ROC curves, recall, reliability, scores."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure

from hitforge.evaluation.bootstrap import Floats
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.metrics import axes_of, metrics_of, sample_title, shown_sample, values
from hitforge.reporting.plotting import colour_among, confusion_panels, data_label, nothing, overlaid
from hitforge.reporting.style import COLOURS, GREY, MARKERS, label, new_figure
from hitforge.studies.object_id.data.objects import CLASS_NAMES
from hitforge.studies.object_id.report.view import predicted_objects, sweep_of

MAX_OVERLAID = 8
"""More models than this in one panel cannot be told apart; the tables have them all."""

CLASS_COLOURS = dict(zip(CLASS_NAMES, COLOURS, strict=False))


def main_models(inputs: ReportInputs) -> list[str]:
    """Return the models outside the sweep, at most as many as a panel can show, always with the reference."""
    left_out = set(sweep_of(inputs)) - {inputs.reference}
    return overlaid([model for model in inputs.metrics if model not in left_out], inputs.reference, MAX_OVERLAID)


def colour_of(inputs: ReportInputs, model: str) -> str:
    """Return a main model's colour, the same in every figure; the first is that of the reference."""
    return colour_among(main_models(inputs), inputs.reference, model)


def confusion(inputs: ReportInputs) -> Figure:
    """Row-normalised confusion with counts, a panel for each main model."""
    metrics = metrics_of(inputs)
    models = [model for model in main_models(inputs) if model in metrics]
    percent = {model: 100.0 * values(metrics[model]["classes"]["confusion"]) for model in models}
    counts = {model: np.array(metrics[model]["counts"]) for model in models}
    figure = confusion_panels(percent, CLASS_NAMES, 3, counts=counts)
    return Figure(
        "confusion",
        "Confusion of the four classes",
        f"Share of each true class (rows add up to 100 %) and number of objects; {_sample_text(inputs)}.",
        figure,
    )


def roc_pairs(inputs: ReportInputs) -> Figure:
    """The six curves of one class against another."""
    names = axes_of(inputs)["pairs"]
    figure, panels = _panels(inputs, 2, 3)
    _curves(inputs, panels, "curve_pairs", "auc_pairs", names)
    _legend(figure, panels[0])
    return Figure(
        "roc_pairs",
        "ROC curves of each two classes",
        "Background efficiency (second class) against signal efficiency (first class), by the ratio of the two "
        f"probabilities, with bootstrap errors; a curve ends where no background is left. {_sample_text(inputs)}.",
        figure,
    )


def roc_rest(inputs: ReportInputs) -> Figure:
    """The four curves of a class against the rest."""
    figure, panels = _panels(inputs, 2, 2)
    _curves(inputs, panels, "curve_rest", "auc_rest", [f"{name} vs rest" for name in CLASS_NAMES])
    _legend(figure, panels[0])
    return Figure(
        "roc_rest",
        "ROC curves of each class against the rest",
        f"By the probability of the class, with bootstrap errors; {_sample_text(inputs)}.",
        figure,
    )


def _curves(inputs: ReportInputs, panels: list[Axes], block: str, areas: str, names: list[str]) -> None:
    metrics, x = metrics_of(inputs), np.array(axes_of(inputs)["curve_efficiencies"])
    for k, (axes, name) in enumerate(zip(panels, names, strict=True)):
        drawn: dict[str, Floats] = {inputs.reference: np.zeros(0)}
        for model in sorted(main_models(inputs), key=lambda name: name == inputs.reference):  # it is drawn last
            if model not in metrics or set(metrics[model][areas]["auc"]["value"]) == {0.5}:
                continue  # a model without any information has no curve
            number = metrics[model][block]["background"]
            y, error = values(number)[k], np.nan_to_num(values(number, "error")[k])
            drawn[model] = y = np.where(y > 0, y, np.nan)
            colour = colour_of(inputs, model)
            axes.plot(x, y, color=colour, linewidth=2.0 if model == inputs.reference else 1.2, label=model)
            axes.fill_between(x, np.maximum(y - error, 1e-9), y + error, color=colour, alpha=0.15, linewidth=0)
        if inputs.reference in metrics and np.isfinite(drawn[inputs.reference]).sum() < 2:
            text = f"{inputs.reference}: no background\nin this sample passes"
            axes.text(0.5, 0.45, text, transform=axes.transAxes, ha="center", fontsize=9)
        axes.set_yscale("log")
        axes.set_ylim(2e-4, 1.5)
        axes.set_xlim(0.0, 1.0)
        area = values(metrics[inputs.reference][areas]["auc"])[k]
        axes.set_title(name + ("" if np.isnan(area) else f", AUC {area:.4f}"), loc="right", fontsize=9.5)
        axes.set_xlabel("Signal efficiency")
        axes.set_ylabel("Background efficiency")


def recall(inputs: ReportInputs) -> Figure:
    """Recall of each class of the reference model against pT, |eta| and vertices."""
    metrics, titles = metrics_of(inputs)[inputs.reference], {"pt": "$p_T$ [GeV]", "eta": "|η|", "npv": "Vertices"}
    figure, panels = _panels(inputs, 1, 3)
    for axes, (name, title) in zip(panels, titles.items(), strict=True):
        edges = np.array(axes_of(inputs)[name], dtype=np.float64)
        centre = 0.5 * (edges[1:] + edges[:-1])
        if name == "pt":
            centre[-1] = edges[-2] + 15.0
        number = metrics[f"recall_{name}"]["recall"]
        for c, (class_name, colour) in enumerate(CLASS_COLOURS.items()):
            y, error = values(number)[c], np.nan_to_num(values(number, "error")[c])
            drawn = np.isfinite(y)
            axes.errorbar(
                centre[drawn], y[drawn], error[drawn], color=colour, marker=MARKERS[c], linewidth=0.9, label=class_name
            )
        axes.set_xlabel(title)
        axes.set_ylabel("Recall")
        axes.set_ylim(min(0.5, axes.get_ylim()[0]), 1.02)
    _legend(figure, panels[0])
    return Figure(
        "recall",
        f"Recall against kinematics, {inputs.reference}",
        f"Recall of each class in bins; the last bin of pT is drawn at its start. {_sample_text(inputs)}.",
        figure,
    )


def reliability(inputs: ReportInputs) -> Figure:
    """Accuracy against confidence before and after the temperature."""
    metrics = metrics_of(inputs)
    figure, panels = _panels(inputs, 1, 2)
    for axes, block, title in zip(
        panels, ("calibration_raw", "calibration"), ("before temperature scaling", "after"), strict=True
    ):
        axes.plot([0.25, 1], [0.25, 1], color=GREY, linestyle="--", linewidth=0.9)
        for k, model in enumerate(main_models(inputs)):
            if model not in metrics:
                continue
            x, y = (values(metrics[model][block][key]) for key in ("confidence", "accuracy"))
            error = np.nan_to_num(values(metrics[model][block]["accuracy"], "error"))
            drawn = np.isfinite(x) & np.isfinite(y)
            axes.errorbar(
                x[drawn], y[drawn], error[drawn], color=colour_of(inputs, model), marker=MARKERS[k % len(MARKERS)],
                linewidth=0.9, label=model,
            )  # fmt: skip
        axes.set_xlabel("Largest probability")
        axes.set_ylabel("Accuracy")
        axes.set_xlim(0.2, 1.02)
        axes.set_ylim(0.0, 1.05)
        axes.set_title(title, loc="right", fontsize=9.5)
    _legend(figure, panels[0])
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
    figure, panels = _panels(inputs, 2, 2)
    edges = np.linspace(0.0, 1.0, 41)
    for c, (axes, name) in enumerate(zip(panels, CLASS_NAMES, strict=True)):
        for k, (true, colour) in enumerate(CLASS_COLOURS.items()):
            own = found.probabilities[found.label == k, c]
            if len(own):
                axes.stairs(np.histogram(own, edges)[0] / len(own), edges, color=colour, label=f"true {true}")
        axes.set_yscale("log")
        axes.set_xlim(0.0, 1.0)
        axes.set_xlabel(f"Probability of {name}")
        axes.set_ylabel("Fraction / bin")
    _legend(figure, panels[0])
    return Figure("scores", title, f"Each true class normalised to one; {_sample_text(inputs)}.", figure)


def _panels(inputs: ReportInputs, rows: int, columns: int) -> tuple[MatplotlibFigure, list[Axes]]:
    figure = new_figure(4.1 * columns + 0.4, 3.5 * rows + 0.5)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    label(panels[0], data_label(inputs, shown_sample(inputs)))
    return figure, panels


def _legend(figure: MatplotlibFigure, axes: Axes) -> None:
    handles, texts = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, texts, loc="outside lower center", ncols=min(len(texts), 6))


def _sample_text(inputs: ReportInputs) -> str:
    sample = shown_sample(inputs)
    return f"{sample_title(sample)} sample, {metrics_of(inputs)[inputs.reference]['n_objects']} objects"
