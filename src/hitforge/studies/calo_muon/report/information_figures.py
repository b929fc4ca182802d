"""The headline figure: what every model knows, against what it costs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatterSciNotation

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.metrics import sample_title
from hitforge.reporting.model_looks import colour_of
from hitforge.reporting.plotting import data_label, nothing
from hitforge.reporting.style import INK, MARKERS, label, new_figure
from hitforge.studies.calo_muon.report import view
from hitforge.studies.calo_muon.report.labels import Box, Named, around, place_names
from hitforge.studies.calo_muon.report.model_view import (
    INPUTS,
    input_class,
    is_trees,
    n_operations,
    n_training,
    size_families,
)
from hitforge.studies.calo_muon.report.plotting import (
    BITS_LABEL,
    draw_limits,
    draw_number,
    limits_of,
    room_for_names,
    sample_text,
)

_CLASSES = [f"{name}, {kind}" for name in INPUTS.values() for kind in ("trees", "network")]
_EQUAL = 0.9
"""Numbers of training muons within this factor count as equal."""


def information(inputs: ReportInputs) -> Figure:
    """What every model knows, against what a muon costs it."""
    title = "What each model knows, and what it costs"
    sample, others = view.ranking_sample(inputs), view.further_samples(inputs)
    known = {model: view.number(inputs, model, sample, view.INFORMATION) for model in view.ranked(inputs)}
    known = {model: number for model, number in known.items() if number.value is not None}
    crowding = _left_to_the_learning_curve(inputs)
    cost = {model: c for model in known if model not in crowding and (c := n_operations(inputs, model)) is not None}
    if not cost:
        reason = "no model has a number in bits" if not known else "the models' manifests hold no number of operations"
        return nothing("information", title, reason)
    figure = new_figure(8.2, 5.6, layout="none")
    axes = figure.add_axes((0.095, 0.225, 0.885, 0.715))
    axes.set_xscale("log")
    place = _side_by_side(cost)
    drawn = {(model, sample): known[model] for model in cost}
    drawn |= {(m, name): view.number(inputs, m, name, view.INFORMATION) for m in cost for name in others}
    drawn = {key: number for key, number in drawn.items() if number.value is not None}
    bounds = limits_of(inputs, sample)
    room_for_names(axes, list(place.values()), [*drawn.values(), *bounds.values()])
    used = {_class(inputs, model) for model in cost}
    marker = dict(zip([name for name in _CLASSES if name in used], MARKERS, strict=False))
    obstacles: list[Box] = []
    for (model, name), number in drawn.items():
        draw_number(
            axes, place[model], number, colour_of(inputs, model), marker[_class(inputs, model)], filled=name == sample,
        )  # fmt: skip
        assert number.value is not None
        error = number.error or 0.0
        obstacles.append(around(axes, place[model], number.value - error, number.value + error))
    obstacles += draw_limits(axes, bounds, obstacles)
    names = [
        Named(place[model], float(known[model].value or 0.0), _name(inputs, model))
        for model in sorted(cost, key=lambda model: place[model])
    ]
    place_names(axes, names, obstacles)
    axes.set_xlabel("Operations a muon (multiplications with addition, or comparisons of trees)")
    axes.set_ylabel(BITS_LABEL)
    axes.xaxis.set_major_formatter(LogFormatterSciNotation())
    label(axes, data_label(inputs, sample), sample_text(inputs, sample))
    _legends(figure, marker, sample, others)
    moved = any(not np.isclose(place[model], cost[model]) for model in cost)
    left_out = [model for model in inputs.metrics_of if model not in cost and model not in crowding]
    return Figure(
        "information",
        title,
        "Gain in log2 of the probability of the true energy over knowing the spectrum alone, bootstrap errors; in "
        "brackets the training muons of a model that had fewer than others. "
        + ("Lines: what the true radiated losses of each muon hold, without and with its track. " if bounds else "")
        + ("Models of nearly equal cost stand side by side. " if moved else "")
        + ("More models trained on fewer muons stand in the learning curve. " if crowding else "")
        + (f"Without a number or a cost, so not drawn: {', '.join(left_out)}." if left_out else ""),
        figure,
    )


def _class(inputs: ReportInputs, model: str) -> str:
    """Return what a model is: its inputs and its kind."""
    return f"{INPUTS[input_class(inputs, model)]}, {'trees' if is_trees(inputs, model) else 'network'}"


def _of_fewer_muons(inputs: ReportInputs) -> dict[str, int]:
    """Return the models that were trained on fewer muons than others, with the number."""
    sizes = {model: n for model in inputs.metrics_of if (n := n_training(inputs, model)) is not None}
    return {model: n for model, n in sizes.items() if n < _EQUAL * max(sizes.values())}


def _left_to_the_learning_curve(inputs: ReportInputs) -> set[str]:
    """Return the smaller models of families, but for those that a model outside is to be compared with: equal data."""
    families, fewer = size_families(inputs), _of_fewer_muons(inputs)
    inside = {model for family in families for model in family.values()}
    compared = [n for model, n in fewer.items() if model not in inside]
    return {
        model
        for family in families
        for n, model in family.items()
        if n != max(family) and not any(_EQUAL * n < other < n / _EQUAL for other in compared)
    }


def _name(inputs: ReportInputs, model: str) -> str:
    """Return a model's name, with its number of training muons where others had more."""
    fewer = _of_fewer_muons(inputs).get(model)
    return model if fewer is None else f"{model} ({fewer / 1000.0:.3g}k muons)"


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


def _legends(figure: MatplotlibFigure, marker: Mapping[str, str], sample: str, others: list[str]) -> None:
    """Write lines of markers for inputs and kinds, and below them what is filled for which sample."""

    def key(text: str, shape: str, filled: bool = True) -> Line2D:
        face = INK if filled else "white"
        return Line2D([], [], color=INK, marker=shape, markerfacecolor=face, linestyle="none", markersize=6, label=text)

    keys = [key(text, shape) for text, shape in marker.items()]
    if others:
        keys += [key(f"{sample_title(sample)} (filled)", "o"), key(f"{' and '.join(others)} (open)", "o", False)]
    figure.legend(
        handles=keys, loc="lower center", bbox_to_anchor=(0.54, 0.005), ncols=min(3, len(keys)), fontsize=9.5,
        borderaxespad=0.0, columnspacing=1.3,
    )  # fmt: skip
