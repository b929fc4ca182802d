"""What the figures of the chapter share: what they are drawn from, panels, models in bins, densities."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.figure import FigureBase
from matplotlib.ticker import FormatStrFormatter
from numpy.typing import NDArray

from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.metrics import metrics_of
from hitforge.reporting.model_looks import look_of, shown_models
from hitforge.reporting.numbers import measured
from hitforge.reporting.plotting import draw_binned as draw_numbers
from hitforge.reporting.plotting import few_log_ticks, figure_of, labelled_panels, mark_beyond, right_title
from hitforge.reporting.style import SEQUENTIAL
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample
from hitforge.studies.scouting_egamma.report.view import (
    NO_CANDIDATES,
    NO_PREDICTIONS,
    load_candidates,
    percent,
    reference_sample,
)

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]
Drawn = tuple[MatplotlibFigure, str]
"""A figure and its caption."""

PT, ETA = "Generated $p_T$ [GeV]", "Generated |η|"
SIGMA = "$σ_{eff}$"
WIDTH, SCALE = f"{SIGMA} / median [%]", "Median − 1 [%]"
OUTLIER = 6.0
"""An axis of widths ends where its points are so many times their median."""

of_candidates = partial(figure_of, load=load_candidates, empty=NO_CANDIDATES)
"""Decorates what draws candidates of the train sample."""

of_reference = partial(figure_of, load=reference_sample, empty=NO_PREDICTIONS)
"""Decorates what draws the corrections of the reference model."""

panel_title = partial(right_title, size=10.5)


def train_panels(
    inputs: ReportInputs, rows: int, columns: int, size: tuple[float, float], **shared: Any
) -> tuple[MatplotlibFigure, NDArray[Any]]:
    """Return a figure of the train sample with its panels, shape (rows, columns)."""
    return labelled_panels(inputs, rows, columns, size, inputs.train_sample, **shared)


def category_panels(inputs: ReportInputs, x: str, y: str, sharex: bool = True) -> tuple[MatplotlibFigure, NDArray[Any]]:
    """Return a figure with a panel for each category, shape (2, 2), of the evaluated sample."""
    figure, grid = labelled_panels(inputs, 2, 2, (9.6, 7.4), sharex=sharex)
    for axes, category in zip(grid.flat, CATEGORIES, strict=True):
        panel_title(axes, category)
        axes.set_ylabel(y)
    for axes in grid[1] if sharex else grid.flat:
        axes.set_xlabel(x)
    return figure, grid


def region_rows(inputs: ReportInputs, grid: NDArray[Any], sample: EnergySample) -> list[tuple[Axes, Floats, Bools]]:
    """Return the response of each panel, shape (n,), and which candidates it shows: before and after, EB and EE."""
    found: list[tuple[Axes, Floats, Bools]] = []
    times = ((1 / sample.y_true, "before"), (sample.response, f"after {inputs.reference}"))
    barrel = np.isin(sample.category, [c for c, name in enumerate(CATEGORIES) if name.startswith("EB")])
    for row, (response, when) in zip(grid, times, strict=True):
        for axes, region, own in zip(row, ("EB", "EE"), (barrel, ~barrel), strict=True):
            panel_title(axes, f"{region}, {when}")
            found.append((axes, response, own))
    return found


def draw_binned(
    axes: Axes,
    inputs: ReportInputs,
    axis: str,
    key: str,
    edges: Sequence[float],
    *categories: int,
    numbers: bool = False,
    **look: Any,
) -> None:
    """Draw a quantity of the response of all shown models in bins, in percent; medians minus one.

    ``numbers`` adds the quantity in all bins together, of the first category, to the name of a model.
    """
    for model in curve_models(inputs):
        number, own = metrics_of(inputs)[model][f"response_{axis}"][key], look_of(inputs, model)
        for category in categories:
            text = f"{model}: {measured(percent(inputs, model, key, category))} %" if numbers else model
            draw_numbers(
                axes, edges, number, own.place, own.colour, text if category == categories[0] else None,
                scale=100.0, index=category, minus=float(key == "median"), **look,
            )  # fmt: skip


def end_before_outliers(axes: Axes) -> None:
    """End the vertical axis before points of :data:`OUTLIER` times the median, and say at its end where they are."""
    points = [container.lines[0] for container in axes.containers if isinstance(container, ErrorbarContainer)]
    x, y = (np.concatenate([np.asarray(line.get_data()[k], np.float64) for line in points]) for k in (0, 1))
    beyond = y > OUTLIER * np.median(y) if len(y) else np.zeros(0, np.bool_)
    if not beyond.any():
        return
    axes.set_ylim(top=1.25 * y[~beyond].max())
    mark_beyond(axes)
    ends = dict.fromkeys(f"{end(y[beyond]):.0f}" for end in (np.min, np.max))
    place = x[beyond].max(), axes.get_ylim()[1]
    look = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8}
    axes.annotate(f"{'–'.join(ends)} %", place, (6, -11), textcoords="offset points", fontsize=8.5, bbox=look)


def curve_models(inputs: ReportInputs) -> list[str]:
    """Return the models of the figures with a line for each: the calibrated 5 x 5 would set the axes."""
    about = inputs.settings["models"]
    usual = [
        model
        for model in metrics_of(inputs)
        if about[model]["kind"] != "table" or about[model]["table"]["content"] != "e5x5"
    ]
    return shown_models(inputs, usual)


def log_percent(axes: Axes) -> None:
    """Make the y axis logarithmic with few plain labels."""
    axes.set_yscale("log")
    few_log_ticks(axes.yaxis, (1.0, 1.5, 2.0, 3.0, 5.0, 7.0), FormatStrFormatter("%g"))


def density(axes: Axes, x: Floats, y: Floats, x_edges: Floats, y_edges: Floats) -> None:
    """Draw numbers of candidates in even bins, clipped to the axes, on a logarithmic colour scale."""
    x, y = (np.clip(v, edges[0], np.nextafter(edges[-1], 0)) for v, edges in ((x, x_edges), (y, y_edges)))
    counts = np.histogram2d(x, y, bins=(x_edges, y_edges))[0]
    axes.imshow(
        np.ma.masked_equal(counts, 0).T, norm=LogNorm(1, max(counts.max(), 2)), cmap=SEQUENTIAL, origin="lower",
        aspect="auto", extent=(x_edges[0], x_edges[-1], y_edges[0], y_edges[-1]), interpolation="none",
    )  # fmt: skip


def colour_bar(figure: FigureBase, grid: Sequence[Axes] | NDArray[Any]) -> None:
    """Give all densities of some panels one colour scale, and show it beside them."""
    images = [image for axes in np.ravel(np.asarray(grid)) for image in axes.images]
    norm = LogNorm(1, max(image.norm.vmax for image in images))
    for image in images:
        image.set_norm(norm)
    figure.colorbar(images[0], ax=grid, label="Candidates per bin", pad=0.015, aspect=40)
