"""Figures of the regression: resolution, bias, charge, predicted against true."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.evaluated import sample_title, shown_sample
from hitforge.reporting.plotting import nothing
from hitforge.reporting.style import GREY, RED, SEQUENTIAL
from hitforge.studies.csc_muon.evaluation.sample import pt_of
from hitforge.studies.csc_muon.report.plotting import (
    ETA_LABEL,
    common_legend,
    log_pt,
    overlay,
    panels,
    points,
    right_title,
    sample_text,
)


def _binned(inputs: ReportInputs, name: str, title: str, quantity: str, ylabel: str, caption: str) -> Figure:
    """Draw a quantity of the relative 1/pT error against pT and |eta|."""
    against_pt, against_eta = (overlay(inputs, f"resolution_{axis}", quantity) for axis in ("pt", "eta"))
    if not against_pt:
        return nothing(name, title, "no model was evaluated")
    figure, (left, right) = panels(inputs, 2, 5.4, 4.9)
    evaluation = inputs.settings["evaluation"]
    edges = evaluation["pt_edges_gev"]
    for model, (which, colour, number) in against_pt.items():
        points(left, edges, number, which, colour, model, 100.0, logarithmic=True)
        points(right, evaluation["eta_edges"], against_eta[model][2], which, colour, None, 100.0)
    log_pt(left, edges[0], edges[-1])
    right.set_xlabel(ETA_LABEL)
    left.set_ylabel(ylabel)
    right_title(right, sample_text(inputs))
    if quantity == "bias":
        for axes in (left, right):
            axes.axhline(0.0, color=GREY, linewidth=0.9)
            low, high = axes.get_ylim()
            axes.set_ylim(max(low, -100.0), min(high, 100.0))
    else:
        left.set_ylim(0.0, min(left.get_ylim()[1], 200.0))
        right.set_ylim(bottom=0.0)
    common_legend(figure, left)
    return Figure(name, title, caption, figure)


def resolution(inputs: ReportInputs) -> Figure:
    """Effective width of the relative 1/pT error."""
    return _binned(
        inputs,
        "resolution",
        "Resolution",
        "sigma_eff",
        "Effective width of Δ(1/$p_T$) · $p_T$ [%]",
        "Half of the smallest interval with 68.3 % of (1/p − 1/t)/(1/t), before the pT scaling, against true pT (left; "
        "cut at 200 %) and |η| (right; most of these muons have low pT). Bars: bootstrap errors.",
    )


def bias(inputs: ReportInputs) -> Figure:
    """Median of the relative 1/pT error."""
    return _binned(
        inputs,
        "bias",
        "Bias",
        "bias",
        "Median of Δ(1/$p_T$) · $p_T$ [%]",
        "Median of (1/p − 1/t)/(1/t), before the pT scaling; axes end at ±100 %. A regression pulls muons of "
        "unresolved curvature towards the middle of the spectrum, so a bias beyond 120 GeV is expected. "
        "Bars: bootstrap errors.",
    )


def charge(inputs: ReportInputs) -> Figure:
    """Charge misidentification against pT and |eta|."""
    against_pt, against_eta = (overlay(inputs, "charge", axis) for axis in ("pt", "eta"))
    if not against_pt:
        return nothing("charge", "Wrong charge", "no model predicts the charge")
    evaluation = inputs.settings["evaluation"]
    edges = evaluation["pt_edges_gev"]
    figure, (left, right) = panels(inputs, 2, 5.4, 4.9)
    for model, (which, colour, number) in against_pt.items():
        points(left, edges, number, which, colour, model, 100.0, logarithmic=True)
        points(right, evaluation["eta_edges"], against_eta[model][2], which, colour, None, 100.0)
    left.axhline(50.0, color=GREY, linewidth=0.9, linestyle="--")
    log_pt(left, edges[0], edges[-1])
    left.set_ylim(0.0, 56.0)
    right.set_ylim(bottom=0.0)
    right.set_xlabel(ETA_LABEL)
    left.set_ylabel("Wrong charge [%]")
    right_title(right, sample_text(inputs))
    common_legend(figure, left)
    return Figure(
        "charge",
        "Charge misidentification",
        "Share of muons with the wrong sign against true pT (50 %, dashed, is a coin) and |η|; bootstrap errors.",
        figure,
    )


def predictions(inputs: ReportInputs) -> Figure:
    """Predicted against true 1/pT and pT of the reference model, muon by muon."""
    title = f"Predicted against true momentum, {inputs.reference}"
    sample = shown_sample(inputs)
    loaded = [piece.read().predictions for piece in inputs.outputs.get(sample, ())]
    if not sum(len(events) for events in loaded):
        return nothing("predictions", title, "no predictions of the reference model were passed to the report")
    true = np.concatenate([np.abs(events.target) for events in loaded]).astype(np.float64)
    found = np.concatenate([events.ensemble["inverse_pt"] for events in loaded]).astype(np.float64)
    figure, (left, right) = panels(inputs, 2, 5.6, 4.6)
    edges = np.linspace(0.0, 0.6, 76)
    _density(left, true, found, edges, edges)
    left.set_xlabel("True 1/$p_T$ [1/GeV]")
    left.set_ylabel("Predicted 1/$p_T$ [1/GeV]")
    left.set_xlim(0.0, 0.5)
    log_edges = np.geomspace(2.0, 2000.0, 76)
    _density(right, 1.0 / true, pt_of(found), log_edges, log_edges)
    log_pt(right, 2.0, 2000.0)
    right.set_yscale("log")
    right.set_ylabel("Predicted $p_T$ [GeV]")
    right_title(right, f"{sample_title(sample)}, {len(true)} muons")
    left.legend(loc="upper left")
    return Figure(
        "predictions",
        title,
        "Each muon once, before the pT scaling; the colour counts muons on a logarithmic scale, the outermost bins "
        "hold what lies beyond. Points: median of the prediction.",
        figure,
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
