"""What the figures of the chapter have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from hitforge.reporting import plotting
from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.metrics import metrics_of, sample_title, shown_sample
from hitforge.reporting.model_looks import shown_models
from hitforge.studies.csc_muon.report.view import main_models

PT_LABEL = "True $p_T$ [GeV]"
ETA_LABEL = "|η|"
NOT_EVALUATED = "no model was evaluated"

Overlaid = dict[str, tuple[int, str, Any]]
"""Place of the marker, colour and numbers by model."""


def overlay(*path: str) -> Callable[[ReportInputs], Overlaid]:
    """Return what loads the numbers at a path of the metrics for each shown model that has them."""

    def load(inputs: ReportInputs) -> Overlaid:
        return plotting.overlay(inputs, shown_models(inputs, main_models(inputs)), *path)

    return load


def panels(
    inputs: ReportInputs, n: int, width: float = 5.3, height: float = 4.4
) -> tuple[MatplotlibFigure, list[Axes]]:
    """Return a figure with panels side by side, the first with the data's label."""
    figure, axes = plotting.labelled_panels(inputs, 1, n, (max(width * n, 6.4), height))
    return figure, list(axes[0])


def sample_text(inputs: ReportInputs) -> str:
    """Return the sample and its number of muons for the right of a title."""
    metrics = metrics_of(inputs)
    n = metrics[inputs.reference]["n_muons"] if inputs.reference in metrics else 0
    return f"{sample_title(shown_sample(inputs))}, {n} muons"


draw_binned = partial(plotting.draw_binned, elinewidth=1.1)
"""Draw numbers in bins as points with errors."""


def log_pt(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis pT on a logarithmic scale with plain numbers."""
    axes.set(xscale="log", xlim=(low, high))
    ticks = [t for t in (2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if low <= t <= high]
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(PT_LABEL)


def against_pt_and_eta(
    inputs: ReportInputs, against_pt: Overlaid, against_eta: Overlaid, ylabel: str
) -> tuple[MatplotlibFigure, Axes, Axes]:
    """Draw numbers, in percent, in bins of true pT on the left and of |eta| on the right."""
    figure, (left, right) = panels(inputs, 2, 5.4, 4.9)
    edges, eta_edges = (inputs.settings["evaluation"][name] for name in ("pt_edges_gev", "eta_edges"))
    for model, (which, colour, number) in against_pt.items():
        draw_binned(left, edges, number, which, colour, model, 100.0, logarithmic=True)
        draw_binned(right, eta_edges, against_eta[model][2], which, colour, None, 100.0)
    log_pt(left, edges[0], edges[-1])
    right.set_xlabel(ETA_LABEL)
    left.set_ylabel(ylabel)
    plotting.right_title(right, sample_text(inputs))
    return figure, left, right
