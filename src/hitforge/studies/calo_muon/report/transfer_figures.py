"""Figures of what moves the numbers of a model: other showers, more training muons, another objective."""

from __future__ import annotations

import numpy as np
from matplotlib.lines import Line2D

from hitforge.reporting.chapter import Figure, Measured, ReportInputs
from hitforge.reporting.metrics import sample_title
from hitforge.reporting.model_looks import colour_of, look_of
from hitforge.reporting.numbers import fixed
from hitforge.reporting.plotting import data_label, legend_below, nothing
from hitforge.reporting.style import GREY, INK, MARKERS, label, new_figure
from hitforge.studies.calo_muon.report import view
from hitforge.studies.calo_muon.report.labels import Named, around, place_names
from hitforge.studies.calo_muon.report.model_view import objective_families, power_text, size_families
from hitforge.studies.calo_muon.report.plotting import (
    BITS_LABEL,
    draw_limits,
    draw_number,
    limits_of,
    room_for_names,
    sample_text,
)


def transfer(inputs: ReportInputs) -> Figure:
    """Information on the simulated test sample and on further samples, and the difference."""
    title = "The same models on other showers"
    sample, others = view.ranking_sample(inputs), view.further_samples(inputs)
    models = [m for m in view.ranked(inputs) if view.number(inputs, m, sample, view.INFORMATION).value is not None]
    if not others or not models:
        reason = "there is no second test sample with a spectrum" if not others else "no model has a number in bits"
        return nothing("transfer", title, reason)
    figure = new_figure(9.4, 1.75 + 0.34 * len(models))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.5, 1.0))
    markers = dict(zip((sample, *others), MARKERS, strict=False))
    rows = np.linspace(-0.2, 0.2, 1 + len(others))
    for i, model in enumerate(models):
        for name, offset in zip((sample, *others), rows, strict=True):
            number = view.number(inputs, model, name, view.INFORMATION)
            draw_number(left, i + offset, number, colour_of(inputs, model), markers[name], name == sample, along="x")
        for name, offset in zip(others, rows[1:] if len(others) > 1 else (0.0,), strict=True):
            number = view.transferred(inputs, model, name, view.INFORMATION)
            draw_number(right, i + offset, number, colour_of(inputs, model), markers[name], False, along="x")
        if i % 2:
            for axes in (left, right):
                axes.axhspan(i - 0.5, i + 0.5, color="#f3f4f7", zorder=0, linewidth=0)
    right.axvline(0.0, color=GREY, linewidth=0.9)
    left.set_yticks(range(len(models)), models)
    left.set_ylim(len(models) - 0.5, -0.5)
    for axes in (left, right):
        axes.tick_params(axis="y", which="both", length=0)
        axes.margins(x=0.08)
    left.set_xlabel(BITS_LABEL)
    right.set_xlabel(f"Difference to {sample_title(sample)} [bit]")
    label(left, data_label(inputs, sample))
    keys = [
        Line2D([], [], color=INK, marker=markers[name], markerfacecolor=INK if name == sample else "white",
               linestyle="none", markersize=6, label=sample_title(name))
        for name in (sample, *others)
    ]  # fmt: skip
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys))
    return Figure(
        "transfer",
        title,
        f"Left: information on the {sample_title(sample)} muons and on {' and '.join(others)}; no training sees muons "
        "of either. Right: the difference; the samples are independent, errors are added in quadrature.",
        figure,
    )


def learning_curve(inputs: ReportInputs) -> Figure:
    """Information against the number of training muons, for models that differ in nothing else."""
    title, families = "What more training muons teach", size_families(inputs)
    sample, others = view.ranking_sample(inputs), view.further_samples(inputs)
    if not families:
        reason = "no two models differ in their number of training muons alone (training.max_events)"
        return nothing("learning_curve", title, reason)
    figure = new_figure(7.4, 5.0, layout="none")
    axes = figure.add_axes((0.105, 0.165, 0.87, 0.765))
    axes.set_xscale("log")
    drawn: list[tuple[float, Measured]] = []
    names: list[Named] = []
    for index, family in enumerate(families):
        largest = family[max(family)]
        for name in (sample, *others):
            points = {n: view.number(inputs, model, name, view.INFORMATION) for n, model in family.items()}
            points = {n: number for n, number in points.items() if number.value is not None}
            for n, number in points.items():
                shade, marker = colour_of(inputs, largest), MARKERS[index % len(MARKERS)]
                draw_number(axes, n, number, shade, marker, filled=name == sample)
            values = [number.value or 0.0 for number in points.values()]
            style = "-" if name == sample else "--"
            axes.plot(list(points), values, color=colour_of(inputs, largest), linestyle=style, linewidth=1.2, zorder=2)
            drawn += points.items()
            if points and name == sample:
                names.append(Named(max(points), values[-1], largest))
    bounds = limits_of(inputs, sample)
    if not drawn:
        return nothing("learning_curve", title, "no model of a learning curve has a number in bits")
    room_for_names(axes, [n for n, _ in drawn], [*(number for _, number in drawn), *bounds.values()])
    obstacles = [around(axes, n, (v.value or 0) - (v.error or 0), (v.value or 0) + (v.error or 0)) for n, v in drawn]
    obstacles += draw_limits(axes, bounds, obstacles)
    place_names(axes, names, obstacles)
    axes.set_xlabel("Training muons")
    axes.set_ylabel(BITS_LABEL)
    axes.minorticks_off()
    sizes = sorted({n for n, _ in drawn})
    axes.set_xticks(sizes, [fixed(n, 0) for n in sizes])
    label(axes, data_label(inputs, sample), sample_text(inputs, sample))
    keys = [Line2D([], [], color=INK, label=sample_title(sample))]
    keys += [Line2D([], [], color=INK, linestyle="--", label=" and ".join(others))] if others else []
    figure.legend(handles=keys, loc="lower center", ncols=2)
    return Figure(
        "learning_curve",
        title,
        "Models of one line have the same settings but for the number of muons they train on.",
        figure,
    )


_PANELS = ((view.MI, "MI, the published metric"), (view.INFORMATION, "Information"), (view.GAIN, "Measured gain"))


def objectives(inputs: ReportInputs) -> Figure:
    """MI, information and measured gain against the power of E in the objective."""
    title, families = "What the objective moves", objective_families(inputs)
    if not families:
        return nothing("objectives", title, "no two models differ in the power of E in their objective alone")
    sample = view.ranking_sample(inputs)
    figure = new_figure(10.4, 4.1)
    panels = figure.subplots(1, 3)
    powers = sorted({power for family in families for power in family})
    shifts = np.linspace(-0.09, 0.09, len(families)) if len(families) > 1 else np.zeros(1)
    span = 0.0
    for axes, (key, text) in zip(panels, _PANELS, strict=True):
        for family, shift in zip(families, shifts, strict=True):
            named = next(iter(family.values()))
            look = look_of(inputs, named)
            points = {powers.index(k) + shift: view.number(inputs, m, sample, key) for k, m in family.items()}
            points = {x: number for x, number in points.items() if number.value is not None}
            for x, number in points.items():
                draw_number(axes, x, number, look.colour, look.marker)
            axes.plot(
                list(points), [n.value or 0.0 for n in points.values()], color=look.colour, linewidth=1.2,
                linestyle=look.line, marker=look.marker, label=named,
            )  # fmt: skip
        axes.set_xticks(range(len(powers)), [power_text(power) for power in powers])
        axes.tick_params(axis="x", which="minor", length=0)
        axes.set_xlim(-0.5, len(powers) - 0.5)
        axes.set_xlabel("Weight of the squared error")
        axes.set_ylabel(f"{text} [{view.UNIT[key]}]")
        if key != view.INFORMATION:
            span = max(span, float(np.ptp(axes.get_ylim())))
    # percentage points are as long in one panel as in the other; bits get no less than a quarter
    for axes, (key, _) in zip(panels, _PANELS, strict=True):
        low, high = axes.get_ylim()
        height = 1.15 * span if key != view.INFORMATION else max(high - low, 0.25)
        axes.set_ylim(0.5 * (low + high - height), 0.5 * (low + high + height))
    label(panels[0], data_label(inputs, sample), f"{sample_title(sample)} muons")
    legend_below(figure, panels[0], 5)
    return Figure(
        "objectives",
        title,
        "Models of one line have the same settings but for the power of E in the weight W·E^k of the squared error "
        "(the paper's is W/E); a line is named after its first model. Percentage points have the same length left and "
        "right. Bootstrap errors of each model alone: the table of differences has the paired ones.",
        figure,
    )
