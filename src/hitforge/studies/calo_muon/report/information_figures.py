"""Figures of the information: against cost, on other showers, against the number of training muons."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatterSciNotation

from hitforge.reporting.chapter import Figure, Measured, ReportInputs
from hitforge.reporting.evaluated import sample_title
from hitforge.reporting.numbers import fixed, measured
from hitforge.reporting.plotting import data_label, nothing
from hitforge.reporting.style import COLOURS, GREY, INK, MARKERS, label, new_figure
from hitforge.studies.calo_muon.report import view
from hitforge.studies.calo_muon.report.labels import Box, Named, around, place_names
from hitforge.studies.calo_muon.report.model_view import (
    INPUTS,
    colour,
    input_class,
    is_trees,
    n_operations,
    size_families,
)
from hitforge.studies.calo_muon.report.plotting import draw_number

_BITS = "Information about the energy [bit]"


def information(inputs: ReportInputs) -> Figure:
    """What every model knows, against what a muon costs it."""
    title = "What each model knows, and what it costs"
    sample, others = view.ranking_sample(inputs), view.further_samples(inputs)
    known = {model: view.number(inputs, model, sample, view.INFORMATION) for model in view.ranked(inputs)}
    known = {model: number for model, number in known.items() if number.value is not None}
    # what fewer muons teach is the learning curve's; here it would only crowd the picture
    smaller = {model for family in size_families(inputs) for n, model in family.items() if n != max(family)}
    cost = {model: c for model in known if model not in smaller and (c := n_operations(inputs, model)) is not None}
    if not cost:
        reason = "no model has a number in bits" if not known else "the models' manifests hold no number of operations"
        return nothing("information", title, reason)
    figure = new_figure(8.2, 5.6, layout="none")
    axes = figure.add_axes((0.095, 0.2, 0.885, 0.74))
    axes.set_xscale("log")
    place = _side_by_side(cost)
    drawn = {(model, sample): known[model] for model in cost}
    drawn |= {(m, name): view.number(inputs, m, name, view.INFORMATION) for m in cost for name in others}
    drawn = {key: number for key, number in drawn.items() if number.value is not None}
    bound = view.limit(inputs, sample)
    _limits(axes, list(place.values()), [*drawn.values(), bound])
    obstacles: list[Box] = []
    for (model, name), number in drawn.items():
        draw_number(
            axes, place[model], number, colour(inputs, model), "s" if is_trees(inputs, model) else "o",
            filled=name == sample,
        )  # fmt: skip
        assert number.value is not None
        error = number.error or 0.0
        obstacles.append(around(axes, place[model], number.value - error, number.value + error))
    obstacles += _limit_line(axes, bound)
    names = [
        Named(place[model], float(known[model].value or 0.0), model)
        for model in sorted(cost, key=lambda model: place[model])
    ]
    place_names(axes, names, obstacles)
    axes.set_xlabel("Operations a muon (multiplications with addition, or comparisons of trees)")
    axes.set_ylabel(_BITS)
    axes.xaxis.set_major_formatter(LogFormatterSciNotation())
    label(axes, data_label(inputs, sample), _samples_text(inputs, sample))
    _legends(inputs, figure, list(cost), sample, others)
    moved = any(not np.isclose(place[model], cost[model]) for model in cost)
    left_out = [model for model in inputs.metrics_of if model not in cost and model not in smaller]
    return Figure(
        "information",
        title,
        "Gain in log2 of the probability of the true energy over knowing the spectrum alone, bootstrap errors. "
        + (
            "The line is the limit: what the true radiated losses of each muon hold. "
            if bound.value is not None
            else ""
        )
        + ("Models of nearly equal cost stand side by side. " if moved else "")
        + ("Models trained on fewer muons stand in the learning curve. " if smaller else "")
        + (f"Without a number or a cost, so not drawn: {', '.join(left_out)}." if left_out else ""),
        figure,
    )


def _samples_text(inputs: ReportInputs, sample: str) -> str:
    n_muons = next((m["samples"][sample]["n_muons"] for m in inputs.metrics_of.values() if sample in m["samples"]), 0)
    return f"{sample_title(sample)}, {n_muons} muons"


def _side_by_side(cost: dict[str, float]) -> dict[str, float]:
    """Return where models stand on the logarithmic axis: those of nearly equal cost beside each other."""
    span = max(1.0, float(np.log10(max(cost.values()) / min(cost.values()))))
    step = 0.026 * span
    place: dict[str, float] = {}
    group: list[str] = []
    for model in [*sorted(cost, key=lambda name: (cost[name], name)), ""]:
        if group and (not model or np.log10(cost[model] / cost[group[-1]]) > step):
            centre = float(np.mean([np.log10(cost[name]) for name in group]))
            for i, name in enumerate(group):
                place[name] = float(10.0 ** (centre + step * (i - 0.5 * (len(group) - 1))))
            group = []
        group.append(model)
    return place


def _limits(axes: Axes, x: list[float], numbers: list[Measured]) -> None:
    """Fix the limits of the axes so that all points have room for their names."""
    known = [(n.value, n.error or 0.0) for n in numbers if n.value is not None]
    low, high = min(v - e for v, e in known), max(v + e for v, e in known)
    room = max(high - low, 0.05)
    axes.set_ylim(max(0.0, low - 0.12 * room) if low > 0 else low - 0.12 * room, high + 0.14 * room)
    left, right = np.log10(min(x)), np.log10(max(x))
    pad = max(0.14 * (right - left), 0.35)
    axes.set_xlim(10.0 ** (left - pad), 10.0 ** (right + pad))


def _limit_line(axes: Axes, bound: Measured) -> list[Box]:
    """Draw what an oracle knows; return what the line and its name cover."""
    if bound.value is None:
        return []
    error = bound.error or 0.0
    axes.axhspan(bound.value - error, bound.value + error, color=INK, alpha=0.12, linewidth=0)
    axes.axhline(bound.value, color=INK, linewidth=1.1)
    text = axes.annotate(
        f"limit, true losses known: {measured(bound)} bit", (0.015, bound.value + error),
        xycoords=("axes fraction", "data"), xytext=(0, 3), textcoords="offset points", fontsize=9.5,
    )  # fmt: skip
    frame = axes.get_window_extent()
    (_, low), (_, high) = axes.transData.transform([(1.0, bound.value - error), (1.0, bound.value + error)])
    return [(frame.x0, low - 1.0, frame.x1, high + 1.0), tuple(text.get_window_extent().extents)]


def _legends(inputs: ReportInputs, figure: MatplotlibFigure, models: list[str], sample: str, others: list[str]) -> None:
    """Write a line of colours for the inputs, and below it one of markers for kinds and samples."""

    def key(text: str, shade: str, marker: str, filled: bool = True) -> Line2D:
        face = shade if filled else "white"
        return Line2D(
            [], [], color=shade, marker=marker, markerfacecolor=face, linestyle="none", markersize=6, label=text
        )

    used = {input_class(inputs, model) for model in models}
    shades = [key(text, shade, "o") for name, (text, shade) in INPUTS.items() if name in used]
    markers = [key("network", INK, "o"), key("trees", INK, "s")]
    if others:
        markers += [key(f"{sample_title(sample)} (filled)", INK, "o"), key(" and ".join(others), INK, "o", False)]
    place: dict[str, Any] = {"loc": "lower center", "fontsize": 9.5, "borderaxespad": 0.0, "columnspacing": 1.3}
    figure.legend(handles=markers, bbox_to_anchor=(0.54, 0.005), ncols=len(markers), **place)
    figure.legend(handles=shades, bbox_to_anchor=(0.54, 0.052), ncols=min(5, len(shades)), **place)


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
    shades = dict(zip((sample, *others), (COLOURS[0], COLOURS[1], *COLOURS[3:]), strict=False))
    rows = np.linspace(-0.2, 0.2, 1 + len(others))
    for i, model in enumerate(models):
        for name, offset in zip((sample, *others), rows, strict=True):
            number = view.number(inputs, model, name, view.INFORMATION)
            draw_number(left, i + offset, number, shades[name], "o", name == sample, along="x")
        for name, offset in zip(others, rows[1:] if len(others) > 1 else (0.0,), strict=True):
            number = view.transferred(inputs, model, name, view.INFORMATION)
            draw_number(right, i + offset, number, shades[name], "o", False, along="x")
        if i % 2:
            for axes in (left, right):
                axes.axhspan(i - 0.5, i + 0.5, color="#f3f4f7", zorder=0, linewidth=0)
    right.axvline(0.0, color=GREY, linewidth=0.9)
    left.set_yticks(range(len(models)), models)
    left.set_ylim(len(models) - 0.5, -0.5)
    for axes in (left, right):
        axes.tick_params(axis="y", which="both", length=0)
        axes.margins(x=0.08)
    left.set_xlabel(_BITS)
    right.set_xlabel(f"Difference to {sample_title(sample)} [bit]")
    label(left, data_label(inputs, sample))
    keys = [
        Line2D([], [], color=shades[name], marker="o", markerfacecolor=shades[name] if name == sample else "white",
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
                shade, marker = colour(inputs, largest), MARKERS[index % len(MARKERS)]
                draw_number(axes, n, number, shade, marker, filled=name == sample)
            values = [number.value or 0.0 for number in points.values()]
            style = "-" if name == sample else "--"
            axes.plot(list(points), values, color=colour(inputs, largest), linestyle=style, linewidth=1.2, zorder=2)
            drawn += points.items()
            if points and name == sample:
                names.append(Named(max(points), values[-1], largest))
    bound = view.limit(inputs, sample)
    if not drawn:
        return nothing("learning_curve", title, "no model of a learning curve has a number in bits")
    _limits(axes, [n for n, _ in drawn], [*(number for _, number in drawn), bound])
    obstacles = [around(axes, n, (v.value or 0) - (v.error or 0), (v.value or 0) + (v.error or 0)) for n, v in drawn]
    obstacles += _limit_line(axes, bound)
    place_names(axes, names, obstacles)
    axes.set_xlabel("Training muons")
    axes.set_ylabel(_BITS)
    axes.minorticks_off()
    sizes = sorted({n for n, _ in drawn})
    axes.set_xticks(sizes, [fixed(n, 0) for n in sizes])
    label(axes, data_label(inputs, sample), _samples_text(inputs, sample))
    keys = [Line2D([], [], color=INK, label=sample_title(sample))]
    keys += [Line2D([], [], color=INK, linestyle="--", label=" and ".join(others))] if others else []
    figure.legend(handles=keys, loc="lower center", ncols=2)
    return Figure(
        "learning_curve",
        title,
        "Models of one line have the same settings but for the number of muons they train on.",
        figure,
    )
