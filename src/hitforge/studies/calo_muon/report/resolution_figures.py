"""Figures of the results: mean improvement, resolution and bias against energy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.lines import Line2D

from hitforge.reporting.chapter import Figure, Measured, ReportInputs
from hitforge.reporting.evaluated import HELDOUT, evaluation_samples, sample_title
from hitforge.reporting.plotting import data_label, nothing
from hitforge.reporting.style import BLUE, GREY, ORANGE, RED, label, new_figure
from hitforge.studies.calo_muon.report.plotting import (
    ENERGY_LABEL,
    bands,
    column,
    energies,
    points,
)
from hitforge.studies.calo_muon.report.tables import percent, published_for, published_number

MAX_BIAS = 45.0
"""Largest bias that the panels show in percent; the lowest energies can lie far beyond."""

MAX_BANDS = 4
"""With more models only the reference has an error band."""

MAX_OVERLAID = 8
"""More models than this in one panel cannot be told apart; the tables have them all."""


def _panels(inputs: ReportInputs, height: float = 4.3) -> tuple[MatplotlibFigure, dict[str, Axes]]:
    """Return a figure with one panel for each evaluation sample, energies in common."""
    samples = evaluation_samples(inputs)
    figure = new_figure(5.2 * len(samples), height)
    axes = figure.subplots(1, len(samples), sharey=True, squeeze=False)[0]
    for panel, sample in zip(axes, samples, strict=True):
        n_muons = inputs.metrics_of[inputs.reference]["samples"].get(sample, {}).get("n_in_bins", 0)
        label(panel, data_label(inputs, sample), f"{sample_title(sample)}, {n_muons} muons")
        panel.set_xlabel(ENERGY_LABEL)
    return figure, dict(zip(samples, axes, strict=True))


def _tracker(inputs: ReportInputs, axes: Axes) -> None:
    settings = inputs.settings["evaluation"]
    energy = np.array([0.0, settings["e_max_gev"] * 1.05])
    axes.plot(
        energy, 100.0 * settings["tracker_per_gev"] * energy, color=GREY, linestyle="--", label="tracker (assumed)"
    )
    axes.set_xlim(0.0, energy[-1])


def resolution(inputs: ReportInputs) -> Figure:
    """Calorimeter, tracker and combined resolution of the reference model."""
    model = inputs.reference
    figure, panels = _panels(inputs)
    top = 0.0
    for sample, axes in panels.items():
        _tracker(inputs, axes)
        rows = inputs.metrics_of[model]["samples"].get(sample, {}).get("bins", [])
        points(axes, rows, "resolution", BLUE, "s", f"calorimeter ({model})")
        points(axes, rows, "combined", RED, "o", "combined")
        known = [row["resolution"]["value"] for row in rows if row["resolution"]["value"] is not None]
        # a few poor bins at low energy must not squeeze everything else
        top = max([top, *(100.0 * min(value, 0.9) for value in known)])
    first = next(iter(panels.values()))
    first.set_ylim(0.0, max(1.2 * top, 45.0))
    first.set_ylabel("Relative resolution [%]")
    handles, texts = first.get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=3)
    return Figure(
        "resolution",
        f"Resolution of {model}",
        "Relative energy resolution after the bias correction (width and residual bias in quadrature) of the "
        "calorimeter, of the assumed tracker, and of both combined with inverse-variance weights. Bars: bootstrap "
        "errors; horizontal bars: bins of true energy.",
        figure,
    )


def combined_resolution(inputs: ReportInputs) -> Figure:
    """Combined resolution of all models in one panel for each sample."""
    models = _overlaid(inputs)
    figure, panels = _panels(inputs, 4.8)
    for sample, axes in panels.items():
        _tracker(inputs, axes)
        for index, model in enumerate(models):
            rows = inputs.metrics_of[model]["samples"].get(sample, {}).get("bins", [])
            main = model == inputs.reference
            bands(axes, rows, "combined", index, model, bold=main, band=main or len(models) <= MAX_BANDS)
    known = [
        100.0 * row["combined"]["value"]
        for model in models
        for sample in panels
        for row in inputs.metrics_of[model]["samples"].get(sample, {}).get("bins", [])
        if row["combined"]["value"] is not None
    ]
    first = next(iter(panels.values()))
    first.set_ylim(0.0, 1.35 * max([20.0, *known]))
    first.set_ylabel("Combined resolution [%]")
    handles, texts = first.get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=min(5, len(texts)))
    dropped = len(inputs.metrics_of) - len(models)
    more = f" {dropped} more models stand in the tables only." if dropped else ""
    return Figure(
        "combined_resolution",
        "Combined resolution of all models",
        f"Calorimeter and tracker combined, for each model; bands are bootstrap errors. The distance to the "
        f"dashed line is what the calorimeter adds.{more}",
        figure,
    )


def _overlaid(inputs: ReportInputs) -> list[str]:
    """Return the models of an overlay: the reference and the first others, in the order of the configuration."""
    models = list(inputs.metrics_of)
    if len(models) > MAX_OVERLAID:
        others = [model for model in models if model != inputs.reference][: MAX_OVERLAID - 1]
        models = [model for model in models if model in {*others, inputs.reference}]
    return models


def bias(inputs: ReportInputs) -> Figure:
    """Bias of the reference model before and after the correction."""
    model = inputs.reference
    figure, panels = _panels(inputs)
    lowest, highest = -10.0, 10.0
    for sample, axes in panels.items():
        rows = inputs.metrics_of[model]["samples"].get(sample, {}).get("bins", [])
        axes.axhline(0.0, color=GREY, linewidth=0.9)
        points(axes, rows, "bias_uncorrected", ORANGE, "o", "before correction", markerfacecolor="white")
        points(axes, rows, "bias", BLUE, "s", "after correction")
        for key in ("bias_uncorrected", "bias"):
            value, error = column(rows, key)
            lowest = min([lowest, *(value - error)[np.isfinite(value)]])
            highest = max([highest, *(value + error)[np.isfinite(value)]])
        if rows:
            x, half = energies(rows)
            axes.set_xlim(0.0, 1.03 * (x[-1] + half[-1]))
    first = next(iter(panels.values()))
    limits = (max(1.15 * lowest, -MAX_BIAS), min(1.15 * highest, MAX_BIAS))
    first.set_ylim(*limits)
    for sample, axes in panels.items():
        rows = inputs.metrics_of[model]["samples"].get(sample, {}).get("bins", [])
        _mark_off_scale(axes, rows, "bias_uncorrected", ORANGE, limits)
        _mark_off_scale(axes, rows, "bias", BLUE, limits)
    first.set_ylabel("(median prediction − true) / true [%]")
    handles, texts = first.get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=2)
    return Figure(
        "bias",
        f"Bias of {model}",
        "Relative bias of the median prediction before and after the correction that is fitted on held-out muons and "
        "frozen; a test muon never enters the fit. Triangles with a number are points off the scale.",
        figure,
    )


def _mark_off_scale(
    axes: Axes, rows: Sequence[Mapping[str, Any]], key: str, colour: str, limits: tuple[float, float]
) -> None:
    """Put a triangle with its value at the edge for each point beyond it: nothing disappears in silence."""
    margin = 0.04 * (limits[1] - limits[0])
    x, _ = energies(rows)
    for energy, value in zip(x, column(rows, key)[0], strict=True):
        if np.isfinite(value) and not limits[0] <= value <= limits[1]:
            edge, marker = (limits[1] - margin, "^") if value > 0 else (limits[0] + margin, "v")
            axes.plot(energy, edge, color=colour, marker=marker, markersize=7, linestyle="none")
            axes.annotate(
                f"{value:.0f} %", (energy, edge), xytext=(7, 0), textcoords="offset points", va="center", fontsize=9.5
            )


def mean_improvement(inputs: ReportInputs) -> Figure:
    """Mean improvement of every model, beside the published values."""
    models = list(inputs.metrics_of)
    samples = evaluation_samples(inputs)
    if not any(
        metrics["samples"].get(name, {}).get("mean_improvement", {}).get("value") is not None
        for metrics in inputs.metrics_of.values()
        for name in samples
    ):
        return nothing("mean_improvement", "Mean improvement of each model", "no model has a mean improvement")
    figure = new_figure(8.0, 1.7 + 0.62 * len(models))
    axes = figure.subplots()
    for i, model in enumerate(models):
        metrics = inputs.metrics_of[model]["samples"]
        rows: list[tuple[Measured, str, str, bool]] = []
        for name in samples:
            if name in metrics:
                colour, marker = (BLUE, "s") if name == HELDOUT else (RED, "D")
                rows.append((percent(metrics[name]["mean_improvement"]), colour, marker, True))
        if HELDOUT in metrics:
            rows.insert(0, (percent(metrics[HELDOUT]["singles"]["mean_improvement"]), BLUE, "o", False))
        for result, marker in zip(published_for(model), ("o", "s"), strict=True):
            if result is not None:
                rows.append((published_number(result), GREY, marker, False))
        offsets = np.linspace(-0.26, 0.26, len(rows)) if len(rows) > 1 else np.zeros(1)
        for offset, (number, colour, marker, filled) in zip(offsets, rows, strict=True):
            if number.value is not None:
                axes.errorbar(
                    number.value, i + offset, xerr=number.error, color=colour, marker=marker, linestyle="none",
                    markerfacecolor=colour if filled else "white", markersize=6, elinewidth=1.3,
                )  # fmt: skip
        if i % 2:
            axes.axhspan(i - 0.5, i + 0.5, color="#f3f4f7", zorder=0, linewidth=0)
    axes.set_yticks(range(len(models)), models)
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.tick_params(axis="y", which="both", length=0)
    axes.minorticks_on()
    axes.tick_params(axis="y", which="minor", length=0)
    axes.set_xlabel("Mean improvement [%]")
    axes.margins(x=0.06)
    label(axes, data_label(inputs, HELDOUT), "larger is better")
    figure.legend(handles=_keys(samples), loc="outside right upper", fontsize=9.5)
    return Figure(
        "mean_improvement",
        "Mean improvement, compared",
        "Tracker minus combined resolution, averaged over energy bins. Grey: values published in "
        "arXiv:2107.02119, which come from another data set (Geant4, 862k muons) and are shown for orientation only. "
        "Bars: bootstrap errors, for singles the spread of the members / √M.",
        figure,
    )


def _keys(samples: list[str]) -> list[Line2D]:
    def key(text: str, colour: str, marker: str, filled: bool) -> Line2D:
        face = colour if filled else "white"
        return Line2D(
            [], [], color=colour, marker=marker, markerfacecolor=face, markersize=6, linestyle="none", label=text
        )

    keys = [key("held-out, singles", BLUE, "o", False), key("held-out, ensemble", BLUE, "s", True)]
    if any(name != HELDOUT for name in samples):
        keys.append(key("test, ensemble", RED, "D", True))
    return [
        *keys,
        key("published singles\n(other data)", GREY, "o", False),
        key("published ensemble\n(other data)", GREY, "s", False),
    ]
