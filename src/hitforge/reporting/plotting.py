"""What the figures of all chapters have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import wraps
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.ticker import Formatter, LogLocator, NullFormatter, ScalarFormatter
from numpy.typing import NDArray

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.metrics import metrics_of, shown_sample, values
from hitforge.reporting.model_looks import look_of
from hitforge.reporting.style import MARKERS, SEQUENTIAL, empty_figure, label, new_figure


def nothing(name: str, title: str, reason: str) -> Figure:
    """Return a figure without content, with the reason."""
    return Figure(name, title, "", empty_figure(reason), empty=reason)


def figure_of(
    title: str, load: Callable[[ReportInputs], Any], empty: str
) -> Callable[[Callable[[ReportInputs, Any], tuple[MatplotlibFigure, str]]], Callable[[ReportInputs], Figure]]:
    """Make of a function that draws what ``load`` returns the maker of a figure of the function's name.

    What is decorated takes the inputs and the data and returns a figure and its caption. The title may hold
    ``{reference}``. What ``load`` returns of the inputs is false or has no length where there is nothing to draw, and
    ``empty`` says why.
    """

    def decorate(draw: Callable[[ReportInputs, Any], tuple[MatplotlibFigure, str]]) -> Callable[[ReportInputs], Figure]:
        @wraps(draw)
        def make(inputs: ReportInputs) -> Figure:
            data, heading = load(inputs), title.format(reference=inputs.reference)
            if not data:
                return nothing(draw.__name__, heading, empty)
            figure, caption = draw(inputs, data)
            return Figure(draw.__name__, heading, caption, figure)

        return make

    return decorate


def data_label(inputs: ReportInputs, sample: str) -> str:
    """Return ``simulation`` for generated samples and nothing for the user's own."""
    return "simulation" if inputs.is_simulated(sample) else ""


def grid_shape(n: int, columns: int) -> tuple[int, int]:
    """Return rows and columns of ``n`` panels, four as a square."""
    used = 2 if n == 4 else max(1, min(n, columns))
    return -(-n // used), used


def legend_below(figure: MatplotlibFigure, axes: Axes, columns: int | None = None, **options: Any) -> None:
    """Put the legend of one panel below the figure, in at most so many columns; nothing where it would be empty."""
    handles, texts = axes.get_legend_handles_labels()
    if handles:
        n_columns = len(texts) if columns is None else min(columns, len(texts))
        figure.legend(handles, texts, loc="outside lower center", ncols=n_columns, **options)


def right_title(axes: Axes, text: str, size: float = 10.0, pad: float | None = 5) -> None:
    """Write a remark above the axes on the right."""
    axes.set_title(text, loc="right", fontsize=size, pad=pad)


def labelled_panels(
    inputs: ReportInputs, rows: int, columns: int, size: tuple[float, float], sample: str | None = None, **shared: Any
) -> tuple[MatplotlibFigure, Any]:
    """Return a figure of a size in inches with its panels, shape (rows, columns); the first says what the data are.

    ``sample`` is that of the data, the shown one otherwise; ``shared`` says which axes panels share.
    """
    figure = new_figure(*size)
    panels = figure.subplots(rows, columns, squeeze=False, **shared)
    label(panels[0, 0], data_label(inputs, sample or shown_sample(inputs)))
    return figure, panels


def panels_for(
    names: Collection[str],
    most_columns: int,
    size: tuple[float, float],
    margin: tuple[float, float] = (0.0, 0.0),
    alone: float | None = None,
) -> tuple[MatplotlibFigure, Any]:
    """Return a figure and its panels, shape (rows, columns), one for each name; what is left of the grid stays empty.

    ``size`` is width and height of a panel, ``margin`` what the figure has beyond its panels, and ``alone`` the width
    of the figure where there is one column, all in inches.
    """
    rows, columns = grid_shape(len(names), most_columns)
    width = size[0] * columns + margin[0] if columns > 1 or alone is None else alone
    figure = new_figure(width, size[1] * rows + margin[1])
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat[len(names) :]:
        axes.set_axis_off()
    return figure, panels


def overlay(inputs: ReportInputs, models: Sequence[str], *path: str) -> dict[str, tuple[int, str, Any]]:
    """Return place, colour and the numbers at a path of the shown metrics for each of the models that has them.

    Place, which is that of its marker, and colour of a model are the same in every figure.
    """
    result = {}
    metrics = metrics_of(inputs)
    for model in models:
        found: Any = metrics.get(model)
        for key in path:
            found = None if found is None else found.get(key)
        if found is not None:
            look = look_of(inputs, model)
            result[model] = (look.place, look.colour, found)
    return result


def shades(n: int) -> list[str]:
    """Return colours for what is no model: thresholds, regions, cuts; no model has one of them."""
    return [to_hex(colormaps[SEQUENTIAL](x)) for x in np.linspace(0.0, 0.85, n)]


def middles(edges: Sequence[float] | NDArray[np.floating], logarithmic: bool = False) -> NDArray[np.float64]:
    """Return the middles of bins."""
    low, high = np.asarray(edges[:-1], np.float64), np.asarray(edges[1:], np.float64)
    return np.sqrt(low * high) if logarithmic else 0.5 * (low + high)


def draw_points(
    axes: Axes,
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    error: NDArray[np.floating],
    which: int,
    colour: str,
    text: str | None,
    **style: Any,
) -> None:
    """Draw numbers as points with errors, those that there are, joined by a thin line; ``which`` is the marker."""
    drawn = np.isfinite(y)
    look = {"marker": MARKERS[which % len(MARKERS)], "linewidth": 0.9, **style}
    axes.errorbar(x[drawn], y[drawn], yerr=np.nan_to_num(error[drawn]), color=colour, label=text, **look)


def mark_beyond(axes: Axes) -> None:
    """Mark each point that lies beyond the final limits of the vertical axis with a triangle at that limit."""
    low, high = axes.get_ylim()
    look: dict[str, Any] = {"linestyle": "none", "markersize": 6, "clip_on": False, "zorder": 5}
    for line in [container.lines[0] for container in axes.containers if isinstance(container, ErrorbarContainer)]:
        x, y = (np.asarray(data, dtype=np.float64) for data in line.get_data())
        for beyond, end, marker in ((y > high, 1.0, "^"), (y < low, 0.0, "v")):
            if beyond.any():
                # at the end of the axis, wherever that is: no values of the figure, and no matter of its layout
                place, ends = axes.get_xaxis_transform(), np.full(np.count_nonzero(beyond), end)
                (mark,) = axes.plot(x[beyond], ends, color=line.get_color(), marker=marker, transform=place, **look)
                mark.set_in_layout(False)


def draw_binned(
    axes: Axes,
    edges: Sequence[float] | NDArray[np.floating],
    number: Mapping[str, Any],
    which: int,
    colour: str,
    text: str | None,
    scale: float = 1.0,
    index: int | tuple[int, ...] = (),
    minus: float = 0.0,
    logarithmic: bool = False,
    **style: Any,
) -> None:
    """Draw one row of an array of the metrics, of numbers in bins, as points: ``scale`` times it less ``minus``."""
    y, error = scale * (values(number)[index] - minus), scale * values(number, "error")[index]
    draw_points(axes, middles(edges, logarithmic), y, error, which, colour, text, **style)


def draw_curve(
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
    """Draw one row of an array of the metrics as a line with an error band; null leaves a gap."""
    y, error = (scale * values(number, key)[index] for key in ("value", "error"))
    axes.plot(x, y, color=colour, linewidth=2.2 if bold else 1.3, label=text, zorder=3 + bold)
    error = np.nan_to_num(error)
    if band:
        axes.fill_between(x, y - error, y + error, color=colour, alpha=0.16, linewidth=0)


def draw_shares(
    axes: Axes,
    numbers: NDArray[np.floating],
    edges: NDArray[np.floating],
    colour: str,
    text: str | None = None,
    **style: Any,
) -> None:
    """Draw a histogram that adds up to one; the outermost bins hold what lies beyond. Nothing without numbers."""
    if len(numbers):
        clipped = np.clip(numbers, edges[0], np.nextafter(edges[-1], -np.inf))
        axes.stairs(np.histogram(clipped, edges)[0] / len(numbers), edges, color=colour, label=text, **style)


FINE_STEPS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
"""Of an axis that spans little more than a decade."""


def few_log_ticks(axis: Axis, steps: Sequence[float] = (1.0, 2.0, 5.0), formatter: Formatter | None = None) -> None:
    """Label a logarithmic axis with these multiples of powers of ten, as plain numbers."""
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(formatter or ScalarFormatter())
    axis.set_minor_formatter(NullFormatter())


def draw_confusion(
    axes: Axes, percent: NDArray[np.float64], names: Sequence[str], size: float, counts: NDArray[np.int64] | None = None
) -> None:
    """Draw a confusion matrix, rows in percent; ``size`` is that of the letters, ``counts`` stand below the shares."""
    axes.imshow(np.nan_to_num(percent), cmap="Blues", vmin=0.0, vmax=100.0, aspect="auto")
    for (i, j), value in np.ndenumerate(percent):
        text = "–" if np.isnan(value) else f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
        if counts is not None and np.isfinite(value):
            text = f"{value:.1f} %\n{counts[i, j]}"
        axes.text(j, i, text, ha="center", va="center", fontsize=size, color="white" if value > 55 else "#1f2430")
    axes.set_xticks(range(len(names)), names, fontsize=9)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.tick_params(which="both", length=0)
    axes.minorticks_off()


def confusion_panels(
    percent: Mapping[str, NDArray[np.float64]],
    names: Sequence[str],
    columns: int,
    unit: str = "",
    counts: Mapping[str, NDArray[np.int64]] | None = None,
) -> MatplotlibFigure:
    """Return a figure with the confusion matrix of each model, rows in percent."""
    figure, grid = panels_for(percent, columns, (3.4, 3.35), (0.8, 0.35))
    for axes, (model, matrix) in zip(grid.flat, percent.items(), strict=False):
        draw_confusion(axes, matrix, names, 8.5, None if counts is None else counts[model])
        axes.set_title(model, loc="left", fontweight="bold", fontsize=10.5)
    for row in grid:
        row[0].set_ylabel(f"True class {unit}".rstrip())
    for axes in grid.flat[max(0, len(percent) - grid.shape[1]) : len(percent)]:
        axes.set_xlabel(f"Predicted class {unit}".rstrip())
    return figure
