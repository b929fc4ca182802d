"""What the figures of all chapters have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from numpy.typing import NDArray

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.style import COLOURS, empty_figure, new_figure


def overlaid(models: Sequence[str], reference: str, most: int) -> list[str]:
    """Return at most so many models, as can be told apart in one panel, always with the reference; tables have all."""
    first = [model for model in models if model != reference][: most - 1]
    return [model for model in models if model in {*first, reference}]


def colour_among(models: Sequence[str], reference: str, model: str) -> str:
    """Return a model's colour, the same in every figure with these models; the first is that of the reference."""
    others = [name for name in models if name != reference]
    return COLOURS[0 if model == reference else (1 + others.index(model)) % len(COLOURS)]


def nothing(name: str, title: str, reason: str) -> Figure:
    """Return a figure without content, with the reason."""
    return Figure(name, title, "", empty_figure(reason), empty=reason)


def data_label(inputs: ReportInputs, sample: str) -> str:
    """Return ``simulation`` for generated samples and nothing for the user's own."""
    settings = (
        inputs.settings["samples"].get(sample) or inputs.settings["samples"][inputs.samples_with_role("train")[0]]
    )
    return "simulation" if settings["source"] == "simulate" else ""


def grid_shape(n: int, columns: int) -> tuple[int, int]:
    """Return rows and columns of ``n`` panels, four as a square."""
    used = 2 if n == 4 else max(1, min(n, columns))
    return -(-n // used), used


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
    rows, columns = grid_shape(len(percent), columns)
    figure = new_figure(3.4 * columns + 0.8, 3.35 * rows + 0.35)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, (model, matrix) in zip(grid.flat, percent.items(), strict=False):
        draw_confusion(axes, matrix, names, 8.5, None if counts is None else counts[model])
        axes.set_title(model, loc="left", fontweight="bold", fontsize=10.5)
    for axes in grid.flat[len(percent) :]:
        axes.set_axis_off()
    for row in grid:
        row[0].set_ylabel(f"True class {unit}".rstrip())
    for axes in grid.flat[max(0, len(percent) - columns) : len(percent)]:
        axes.set_xlabel(f"Predicted class {unit}".rstrip())
    return figure
