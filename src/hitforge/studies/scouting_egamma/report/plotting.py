"""What the figures of the chapter share: what they are drawn from, panels, models in bins, densities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.metrics import metrics_of, shown_sample, values
from hitforge.reporting.plotting import colour_among, data_label, nothing
from hitforge.reporting.style import MARKERS, SEQUENTIAL, label, new_figure
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample
from hitforge.studies.scouting_egamma.report.view import (
    NO_CANDIDATES,
    NO_PREDICTIONS,
    Candidates,
    load_candidates,
    reference_sample,
)

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]
Drawn = tuple[MatplotlibFigure, str]
"""A figure and its caption."""

PT, ETA = "Generated $p_T$ [GeV]", "Generated |η|"
WIDTH, SCALE = "σ_eff / median [%]", "Median − 1 [%]"


def of_candidates(title: str) -> Callable[[Callable[[ReportInputs, Candidates], Drawn]], Callable[..., Figure]]:
    """Make a figure of the function's name of the train sample's candidates, or say that there are none."""
    return _figure_of(title, load_candidates, NO_CANDIDATES)


def of_reference(title: str) -> Callable[[Callable[[ReportInputs, EnergySample], Drawn]], Callable[..., Figure]]:
    """Make a figure of the reference model's corrections; ``title`` may hold its name."""
    return _figure_of(title, reference_sample, NO_PREDICTIONS)


def _figure_of(
    title: str, load: Callable[[ReportInputs], Any], empty: str
) -> Callable[[Callable[[ReportInputs, Any], Drawn]], Callable[..., Figure]]:
    def decorate(draw: Callable[[ReportInputs, Any], Drawn]) -> Callable[..., Figure]:
        @wraps(draw)
        def make(inputs: ReportInputs) -> Figure:
            data, heading = load(inputs), title.format(reference=inputs.reference)
            if not data:
                return nothing(draw.__name__, heading, empty)
            figure, caption = draw(inputs, data)
            return Figure(draw.__name__, heading, caption, figure)

        return make

    return decorate


def label_train(axes: Axes, inputs: ReportInputs) -> None:
    """Say above the axes what the train sample is."""
    label(axes, data_label(inputs, inputs.samples_with_role("train")[0]))


def label_shown(axes: Axes, inputs: ReportInputs, right: str = "") -> None:
    """Say above the axes what the evaluated sample is."""
    label(axes, data_label(inputs, shown_sample(inputs)), right)


def panel_title(axes: Axes, text: str) -> None:
    """Say above the axes, on the right, what a panel shows."""
    axes.set_title(text, loc="right", fontsize=10.5, pad=5)


def category_panels(inputs: ReportInputs, x: str, y: str, sharex: bool = True) -> tuple[MatplotlibFigure, NDArray[Any]]:
    """Return a figure with a panel for each category, shape (2, 2), of the evaluated sample."""
    figure = new_figure(9.6, 7.4)
    grid: NDArray[Any] = figure.subplots(2, 2, sharex=sharex)
    for axes, category in zip(grid.flat, CATEGORIES, strict=True):
        panel_title(axes, category)
        axes.set_ylabel(y)
    for axes in grid[1] if sharex else grid.flat:
        axes.set_xlabel(x)
    label_shown(grid[0, 0], inputs)
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


def centres(edges: Sequence[float]) -> Floats:
    """Return the middle of each bin."""
    return 0.5 * (np.asarray(edges[1:], dtype=np.float64) + np.asarray(edges[:-1], dtype=np.float64))


def model_look(inputs: ReportInputs, model: str) -> dict[str, Any]:
    """Return colour and marker of a shown model, the same in every figure."""
    number = shown_models(inputs).index(model)
    return {"color": colour_of(inputs, model), "marker": MARKERS[number % len(MARKERS)]}


def draw_binned(
    axes: Axes, inputs: ReportInputs, axis: str, key: str, edges: Sequence[float], *categories: int, **look: Any
) -> None:
    """Draw a quantity of the response of all shown models in bins, in percent; medians minus one."""
    for model in shown_models(inputs):
        number = metrics_of(inputs)[model][f"response_{axis}"][key]
        y, error = 100 * (values(number) - (key == "median")), 100 * values(number, "error")
        for category in categories:
            drawn = np.isfinite(y[category])
            axes.errorbar(
                centres(edges)[drawn], y[category][drawn], yerr=np.nan_to_num(error[category][drawn]), linewidth=0.9,
                label=model if category == categories[0] else None, **model_look(inputs, model), **look,
            )  # fmt: skip


def colour_of(inputs: ReportInputs, model: str) -> str:
    """Return a model's colour, the same in every figure; the first is that of the reference."""
    return colour_among(list(inputs.metrics), inputs.reference, model)


def shown_models(inputs: ReportInputs) -> list[str]:
    """Return the models of the figures with a line for each: the calibrated 5 x 5 would set the axes."""
    about = inputs.settings["models"]
    return [
        model
        for model in metrics_of(inputs)
        if about[model]["kind"] != "table" or about[model]["table"]["content"] != "e5x5"
    ]


def log_percent(axes: Axes) -> None:
    """Make the y axis logarithmic with few plain labels."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def density(axes: Axes, x: Floats, y: Floats, x_edges: Floats, y_edges: Floats) -> None:
    """Draw numbers of candidates in even bins, clipped to the axes, on a logarithmic colour scale."""
    x, y = (np.clip(v, edges[0], np.nextafter(edges[-1], 0)) for v, edges in ((x, x_edges), (y, y_edges)))
    counts = np.histogram2d(x, y, bins=(x_edges, y_edges))[0]
    axes.imshow(
        np.ma.masked_equal(counts, 0).T, norm=LogNorm(1, max(counts.max(), 2)), cmap=SEQUENTIAL, origin="lower",
        aspect="auto", extent=(x_edges[0], x_edges[-1], y_edges[0], y_edges[-1]), interpolation="none",
    )  # fmt: skip
