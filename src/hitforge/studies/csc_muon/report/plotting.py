"""What the figures of the chapter have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.ticker import NullFormatter, ScalarFormatter
from numpy.typing import NDArray

from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.metrics import metrics_of, sample_title, shown_sample, values
from hitforge.reporting.plotting import colour_among, data_label, overlaid
from hitforge.reporting.style import MARKERS, label, new_figure
from hitforge.studies.csc_muon.report.view import main_models

PT_LABEL = "True $p_T$ [GeV]"
ETA_LABEL = "|η|"
MAX_OVERLAID = 10
"""More models than this in one panel cannot be told apart; the tables have them all."""


def drawn_models(inputs: ReportInputs) -> list[str]:
    """Return the models that figures overlay, always with the reference."""
    return overlaid(main_models(inputs), inputs.reference, MAX_OVERLAID)


def colour_of(inputs: ReportInputs, model: str) -> str:
    """Return a model's colour, the same in every figure; the first is that of the reference."""
    return colour_among(drawn_models(inputs), inputs.reference, model)


def panels(
    inputs: ReportInputs, n: int, width: float = 5.3, height: float = 4.4
) -> tuple[MatplotlibFigure, list[Axes]]:
    """Return a figure with panels side by side, the first with the data's label."""
    figure = new_figure(max(width * n, 6.4), height)
    axes = list(figure.subplots(1, n, squeeze=False)[0])
    label(axes[0], data_label(inputs, shown_sample(inputs)))
    return figure, axes


def sample_text(inputs: ReportInputs, model: str | None = None) -> str:
    """Return the sample and its number of muons for the right of a title."""
    metrics = metrics_of(inputs)
    n = metrics[model or inputs.reference]["n_muons"] if (model or inputs.reference) in metrics else 0
    return f"{sample_title(shown_sample(inputs))}, {n} muons"


def right_title(axes: Axes, text: str) -> None:
    """Write a remark above the axes on the right."""
    axes.set_title(text, loc="right", fontsize=10, pad=5)


def curve(
    axes: Axes,
    x: NDArray[np.float64],
    number: Mapping[str, Any],
    colour: str,
    text: str | None,
    index: int | tuple[int, ...] = (),
    scale: float = 1.0,
    bold: bool = False,
    band: bool = True,
) -> None:
    """Draw one row of an array of numbers as a line with an error band; null leaves a gap."""
    y, error = (scale * values(number, key)[index] for key in ("value", "error"))
    axes.plot(x, y, color=colour, linewidth=2.2 if bold else 1.3, label=text, zorder=3 + bold)
    error = np.nan_to_num(error)
    if band:
        axes.fill_between(x, y - error, y + error, color=colour, alpha=0.16, linewidth=0)


def points(
    axes: Axes,
    edges: Sequence[float],
    number: Mapping[str, Any],
    which: int,
    colour: str,
    text: str | None,
    scale: float = 1.0,
    index: int | tuple[int, ...] = (),
    logarithmic: bool = False,
) -> None:
    """Draw one row of an array of numbers in bins as points with errors, joined by a thin line."""
    low, high = np.asarray(edges[:-1], np.float64), np.asarray(edges[1:], np.float64)
    centre = np.sqrt(low * high) if logarithmic else 0.5 * (low + high)
    y, error = (scale * values(number, key)[index] for key in ("value", "error"))
    drawn = np.isfinite(y)
    axes.errorbar(
        centre[drawn], y[drawn], yerr=np.nan_to_num(error[drawn]), color=colour, marker=MARKERS[which % len(MARKERS)],
        linewidth=0.9, elinewidth=1.1, label=text,
    )  # fmt: skip


def overlay(inputs: ReportInputs, *path: str) -> dict[str, tuple[int, str, Any]]:
    """Return index, colour and the numbers at a path of the metrics for each drawn model that has them."""
    result = {}
    metrics = metrics_of(inputs)
    for index, model in enumerate(drawn_models(inputs)):
        found: Any = metrics.get(model)
        for key in path:
            found = None if found is None else found.get(key)
        if found is not None:
            result[model] = (index, colour_of(inputs, model), found)
    return result


def common_legend(figure: MatplotlibFigure, axes: Axes, columns: int = 5) -> None:
    """Put the legend of one panel below the figure."""
    handles, texts = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, texts, loc="outside lower center", ncols=min(columns, len(texts)))


def log_pt(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis pT on a logarithmic scale with plain numbers."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = [t for t in (2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if low <= t <= high]
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(PT_LABEL)
