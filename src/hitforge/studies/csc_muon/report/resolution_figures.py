"""Figures of the regression: resolution, bias, charge, predicted against true."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.ticker import ScalarFormatter
from numpy.typing import NDArray

from hitforge.predictions import Predictions
from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.metrics import sample_title, shown_sample
from hitforge.reporting.numbers import measured
from hitforge.reporting.plotting import few_log_ticks, figure_of, legend_below, mark_beyond, right_title
from hitforge.reporting.style import GREY, RED, SEQUENTIAL
from hitforge.studies.csc_muon.evaluation.sample import pt_of
from hitforge.studies.csc_muon.report import plotting
from hitforge.studies.csc_muon.report.view import headline_of

_MOST_BIAS = 100.0
"""Percent at which the axes of the bias end: beyond 200 GeV it says nothing but that the curvature is not resolved."""


@figure_of("Resolution", plotting.overlay("resolution_pt", "sigma_eff"), plotting.NOT_EVALUATED)
def resolution(inputs: ReportInputs, models: plotting.Overlaid) -> tuple[MatplotlibFigure, str]:
    """Effective width of the relative 1/pT error."""
    against_eta = plotting.overlay("resolution_eta", "sigma_eff")(inputs)
    ylabel = "Effective width of Δ(1/$p_T$) · $p_T$ [%]"
    figure, left, right = plotting.against_pt_and_eta(inputs, models, against_eta, ylabel)
    left.set_yscale("log")
    few_log_ticks(left.yaxis)
    right.set_ylim(bottom=0.0)
    legend_below(figure, left)
    return figure, (
        "Half of the smallest interval with 68.3 % of (1/p − 1/t)/(1/t), p predicted and t true, before the pT "
        "scaling, against true pT (left, logarithmic) and |η| (right; most of these muons have low pT). Bars: "
        "bootstrap errors."
    )


@figure_of("Bias", plotting.overlay("resolution_pt", "bias"), plotting.NOT_EVALUATED)
def bias(inputs: ReportInputs, models: plotting.Overlaid) -> tuple[MatplotlibFigure, str]:
    """Median of the relative 1/pT error."""
    against_eta = plotting.overlay("resolution_eta", "bias")(inputs)
    figure, left, right = plotting.against_pt_and_eta(inputs, models, against_eta, "Median of Δ(1/$p_T$) · $p_T$ [%]")
    for axes in (left, right):
        axes.axhline(0.0, color=GREY, linewidth=0.9)
        axes.margins(y=0.0)
        low, high = axes.get_ylim()
        axes.set_ylim(max(low - 2.0, -_MOST_BIAS), min(high + 2.0, _MOST_BIAS))
        mark_beyond(axes)
    legend_below(figure, left)
    return figure, (
        "Median of (1/p − 1/t)/(1/t), p predicted and t true, before the pT scaling; triangles: points beyond "
        f"±{_MOST_BIAS:g} %. A regression pulls muons of unresolved curvature towards the middle of the spectrum, so a "
        "bias beyond 120 GeV is expected. Bars: bootstrap errors."
    )


@figure_of("Charge misidentification", plotting.overlay("charge"), "no model predicts the charge")
def charge(inputs: ReportInputs, models: plotting.Overlaid) -> tuple[MatplotlibFigure, str]:
    """Charge misidentification against pT and |eta|; models that take the sign from the same bend are one curve."""
    same: dict[str, list[str]] = {}
    for model, (_, _, block) in models.items():
        same.setdefault(str(block["pt"]["value"]), []).append(model)
    against: tuple[plotting.Overlaid, plotting.Overlaid] = ({}, {})
    for names in same.values():
        which, colour, block = models[names[0]]
        text = f"{', '.join(names)}: {measured(headline_of(inputs, names[0])['charge_misid'])} %"
        for found, axis in zip(against, ("pt", "eta"), strict=True):
            found[text] = (which, colour, block[axis])
    figure, left, right = plotting.against_pt_and_eta(inputs, *against, "Wrong charge [%]")
    left.axhline(50.0, color=GREY, linewidth=0.9, linestyle="--")
    left.set_ylim(0.0, 56.0)
    right.set_ylim(bottom=0.0)
    mark_beyond(left)
    legend_below(figure, left)
    return figure, (
        "Share of muons with the wrong sign against true pT (50 %, dashed, is a coin) and |η|, and of all muons; "
        "bootstrap errors."
    )


@figure_of(
    "Predicted against true momentum, {reference}",
    lambda inputs: [
        events
        for piece in inputs.reference_outputs.get(shown_sample(inputs), ())
        if len(events := piece.read().predictions)
    ],
    "no predictions of the reference model were passed to the report",
)
def predictions(inputs: ReportInputs, loaded: list[Predictions]) -> tuple[MatplotlibFigure, str]:
    """Predicted against true 1/pT and pT of the reference model, muon by muon."""
    true = np.concatenate([np.abs(events.target) for events in loaded]).astype(np.float64)
    found = np.concatenate([events.ensemble["inverse_pt"] for events in loaded]).astype(np.float64)
    figure, (left, right) = plotting.panels(inputs, 2, 5.6, 4.6)
    edges = np.linspace(0.0, 0.6, 76)
    _density(left, true, found, edges, edges)
    left.set(xlabel="True 1/$p_T$ [1/GeV]", ylabel="Predicted 1/$p_T$ [1/GeV]", xlim=(0.0, 0.5))
    log_edges = np.geomspace(2.0, 2000.0, 76)
    _density(right, 1.0 / true, pt_of(found), log_edges, log_edges)
    plotting.log_pt(right, 2.0, 2000.0)
    right.set(yscale="log", ylabel="Predicted $p_T$ [GeV]")
    right.yaxis.set_major_formatter(ScalarFormatter())
    rmse = measured(headline_of(inputs, inputs.reference)["rmse_inverse_pt"])
    right_title(left, f"{inputs.reference}, RMSE {rmse} / GeV")
    right_title(right, f"{sample_title(shown_sample(inputs))}, {len(true)} muons")
    left.legend(loc="upper left")
    return figure, (
        "Each muon once, before the pT scaling; the colour counts muons on a logarithmic scale, the outermost bins "
        "hold what lies beyond. Points: median of the prediction."
    )


def _density(
    axes: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    x_edges: NDArray[np.float64],
    y_edges: NDArray[np.float64],
) -> None:
    clipped = [np.clip(v, edges[0], np.nextafter(edges[-1], 0.0)) for v, edges in ((x, x_edges), (y, y_edges))]
    counts = np.histogram2d(clipped[0], clipped[1], bins=(x_edges, y_edges))[0]
    mesh = axes.pcolormesh(
        x_edges, y_edges, np.ma.masked_equal(counts, 0).T, norm=LogNorm(1, max(counts.max(), 2)), cmap=SEQUENTIAL,
        rasterized=True, alpha=0.85, linewidth=0,
    )  # fmt: skip
    axes.figure.colorbar(mesh, ax=axes, label="Muons", pad=0.02)
    ends = [x_edges[0], x_edges[-1]]
    axes.plot(ends, ends, color=GREY, linestyle="--", linewidth=1.1, label="prediction = truth")
    coarse = x_edges[::5]
    index = np.digitize(clipped[0], coarse) - 1
    medians = [
        (np.median(x[index == i]), np.median(y[index == i]))
        for i in range(len(coarse) - 1)
        if np.count_nonzero(index == i) >= 10
    ]
    if medians:
        axes.plot(
            *np.array(medians).T, color=RED, marker="o", markersize=4, linestyle="none", markeredgecolor="white",
            markeredgewidth=0.6, label="median",
        )  # fmt: skip
