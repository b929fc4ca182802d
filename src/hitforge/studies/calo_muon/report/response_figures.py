"""Figures of the response: its distribution, predicted against true energy, the fit of the bias correction."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray

from hitforge.predictions import PlannedPiece
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.metrics import sample_title
from hitforge.reporting.model_looks import colour_of, shown_models
from hitforge.reporting.plotting import data_label, draw_shares, few_log_ticks, legend_below, nothing, right_title
from hitforge.reporting.style import GREY, INK, RED, SEQUENTIAL, label, new_figure
from hitforge.studies.calo_muon.evaluation.bias import BiasCorrection
from hitforge.studies.calo_muon.evaluation.calibration import calibrated
from hitforge.studies.calo_muon.evaluation.sample import EvaluationSample
from hitforge.studies.calo_muon.report import view
from hitforge.studies.calo_muon.report.plotting import ENERGY_LABEL
from hitforge.studies.calo_muon.settings import EvaluationSettings
from hitforge.words import HELDOUT

_TITLE = "Predicted against true energy"


_RESPONSE_BINS_GEV = ((200.0, 500.0), (500.0, 1000.0), (1000.0, 2000.0), (2000.0, 4000.0))
_RESPONSE_EDGES = np.linspace(0.0, 2.5, 26)
_MOST_RESPONSES = 3
_FEWEST = 20
"""A bin with fewer muons has no distribution."""


def responses(inputs: ReportInputs) -> Figure:
    """Distribution of predicted over true energy in bins of energy, for a few models."""
    title, sample = "Predicted over true energy", view.ranking_sample(inputs)
    chosen = [model for model in shown_models(inputs) if sample in inputs.outputs.get(model, {})][:_MOST_RESPONSES]
    loaded = {model: _load(inputs, inputs.outputs[model][sample]) for model in chosen}
    bins = [
        (low, high)
        for low, high in _RESPONSE_BINS_GEV
        if all(np.count_nonzero(_between(found, low, high)) >= _FEWEST for found in loaded.values())
    ]
    if not loaded or not bins:
        reason = "no predictions were passed to the report" if not loaded else "too few muons in every bin of energy"
        return nothing("responses", title, reason)
    figure = new_figure(3.3 * len(bins) + 0.6, 3.9)
    panels = figure.subplots(1, len(bins), sharey=True, squeeze=False)[0]
    for axes, (low, high) in zip(panels, bins, strict=True):
        for index, (model, found) in enumerate(loaded.items()):
            inside = _between(found, low, high)
            response = np.asarray(found.ensemble.raw)[inside] / np.asarray(found.true_gev)[inside]
            _response(axes, response, colour_of(inputs, model), ("-", "--", ":")[index], model, index)
        axes.text(
            0.97, 0.96, "median, σ$_{68}$", color=INK, fontsize=9.5, ha="right", va="top", transform=axes.transAxes
        )
        axes.axvline(1.0, color=GREY, linewidth=0.9, zorder=0)
        right_title(axes, f"{low:.0f}–{high:.0f} GeV")
        axes.set_xlim(_RESPONSE_EDGES[0], _RESPONSE_EDGES[-1])
        axes.set_xlabel("Predicted / true energy")
    # the numbers stand above the distributions
    panels[0].set_ylim(0.0, (1.15 + 0.09 * len(loaded)) * panels[0].get_ylim()[1])
    panels[0].set_ylabel("Fraction of muons / 0.1")
    label(panels[0], data_label(inputs, sample))
    legend_below(figure, panels[0])
    return Figure(
        "responses",
        title,
        f"Predicted over true energy of {sample_title(sample)} muons, before the bias correction, in four bins of true "
        "energy; the last bin holds what lies above. Numbers: median and σ₆₈, the half width of the central "
        "68 %.",
        figure,
    )


def _between(sample: EvaluationSample, low: float, high: float) -> NDArray[np.bool_]:
    true = np.asarray(sample.true_gev)
    return np.asarray((true > low) & (true <= high), dtype=np.bool_)


def _response(axes: Axes, response: NDArray[np.floating], shade: str, line: str, model: str, index: int) -> None:
    draw_shares(axes, response, _RESPONSE_EDGES, shade, model, linestyle=line, linewidth=1.5)
    low, median, high = np.percentile(response, [15.865, 50.0, 84.135])
    axes.text(
        0.97, 0.885 - 0.075 * index, f"{median:.2f},  {0.5 * (high - low):.2f}", color=shade, fontsize=9.5,
        ha="right", va="top", transform=axes.transAxes,
    )  # fmt: skip


def linearity(inputs: ReportInputs) -> Figure:
    """Corrected prediction of the reference model against the true energy, muon by muon."""
    samples = {}
    for name in (view.ranking_sample(inputs), *view.further_samples(inputs)):
        if name in inputs.reference_outputs:
            sample = _load(inputs, inputs.reference_outputs[name])
            if sample.ensemble.corrected is not None and len(sample.true_gev):
                samples[name] = sample
    if not samples:
        reason = "no bias-corrected predictions of the reference model were passed to the report"
        return nothing("linearity", _TITLE, reason)
    edges = _edges(list(samples.values()))
    counts = {name: _counts(sample, edges) for name, sample in samples.items()}
    norm = LogNorm(1.0, max(2.0, *(float(grid.max()) for grid in counts.values())))
    figure = new_figure(4.7 * len(samples) + 1.0, 4.8)
    panels = figure.subplots(1, len(samples), squeeze=False, sharey=True)[0]
    for axes, (name, sample) in zip(panels, samples.items(), strict=True):
        mesh = axes.pcolormesh(
            edges, edges, np.ma.masked_equal(counts[name], 0).T, norm=norm, cmap=SEQUENTIAL, rasterized=True,
            alpha=0.85, linewidth=0,
        )  # fmt: skip
        axes.plot(edges[[0, -1]], edges[[0, -1]], color=GREY, linestyle="--", linewidth=1.1, label="prediction = truth")
        _profile(axes, sample, edges)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(edges[0], edges[-1])
        label(axes, data_label(inputs, name), f"{sample_title(name)}, {len(sample.true_gev)} muons")
        axes.set_xlabel(ENERGY_LABEL)
    panels[0].legend(loc="upper left")
    bar = figure.colorbar(mesh, ax=panels, label="Muons", pad=0.015)
    few_log_ticks(bar.ax.yaxis, formatter=StrMethodFormatter("{x:g}"))
    panels[0].set_ylabel(f"Corrected prediction of {inputs.reference} [GeV]")
    return Figure(
        "linearity",
        _TITLE,
        "Each muon once, after the bias correction; the colour counts muons on a logarithmic scale. Points: median and "
        "central 68 % in bins of true energy; the top row holds what lies above, the bottom row what lies below.",
        figure,
    )


def _load(inputs: ReportInputs, plan: Sequence[PlannedPiece]) -> EvaluationSample:
    pieces = [piece.read() for piece in plan]
    return calibrated(pieces, evaluation=EvaluationSettings.model_validate(inputs.settings["evaluation"]))


def _edges(samples: Sequence[EvaluationSample]) -> NDArray[np.float64]:
    """Return bins of both energies for all panels: a few muons each, never finer than a screen shows."""
    fewest = min(len(sample.true_gev) for sample in samples)
    top = 500.0 * np.ceil(max(float(np.max(sample.true_gev)) for sample in samples) / 500.0)
    return np.linspace(0.0, top, 1 + int(np.clip(np.sqrt(fewest) / 1.5, 20, 80)))


def _counts(sample: EvaluationSample, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    predicted = np.clip(np.asarray(sample.ensemble.corrected), edges[0], edges[-1])
    return np.asarray(np.histogram2d(np.asarray(sample.true_gev), predicted, bins=(edges, edges))[0], dtype=np.float64)


def _profile(axes: Axes, sample: EvaluationSample, edges: NDArray[np.float64]) -> None:
    coarse = np.linspace(edges[0], edges[-1], 17)
    index = np.digitize(sample.true_gev, coarse) - 1
    rows = [
        (0.5 * (low + high), *np.percentile(np.asarray(sample.ensemble.corrected)[index == i], [50.0, 15.865, 84.135]))
        for i, (low, high) in enumerate(pairwise(coarse))
        if np.count_nonzero(index == i) >= 5
    ]
    if rows:
        x, median, low, high = np.array(rows).T
        axes.errorbar(
            x, median, yerr=(median - low, high - median), color=RED, marker="o", markersize=4, linestyle="none",
            elinewidth=1.2, markeredgecolor="white", markeredgewidth=0.6, label="median, central 68 %",
        )  # fmt: skip


def calibration(inputs: ReportInputs) -> Figure:
    """Mean prediction against energy with the fitted bias, for the reference model's main fit."""
    title = f"Fit of the bias correction of {inputs.reference}"
    stored = inputs.calibration_of.get(inputs.reference, {}).get("ensemble")
    correction = None if stored is None else BiasCorrection.model_validate(stored)
    if correction is None or not correction.bins:
        return nothing(
            "calibration", title, "there is no bias correction" if correction is None else str(correction.reason)
        )
    figure = new_figure(7.0, 5.4)
    main, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.25))
    centre, mean, error = np.array([[p.centre_gev, p.mean_gev, p.error_gev] for p in correction.bins]).T
    half = np.array([0.5 * (p.high_gev - p.low_gev) for p in correction.bins])
    main.plot([0, correction.e_max_gev], [0, correction.e_max_gev], color=GREY, linestyle="--", label="no bias")
    shade = colour_of(inputs, inputs.reference)
    main.errorbar(
        centre, mean, yerr=error, xerr=half, color=shade, marker="o", linestyle="none", label="mean prediction"
    )
    if correction.ok:
        energy = np.linspace(correction.e_min_gev, correction.e_max_gev, 200)
        main.plot(energy, correction.predict(energy), color=INK, label=_formula(correction))
        pull = (mean - correction.predict(centre)) / error
        below.errorbar(centre, pull, yerr=1.0, color=shade, marker="o", linestyle="none", elinewidth=1.0)
        extent = max(3.0, 1.15 * float(np.max(np.abs(pull)) + 1.0))
        below.set_ylim(-extent, extent)
    else:
        main.plot([], [], linestyle="none", label=f"no fit: {correction.reason}")
    below.axhline(0.0, color=GREY, linewidth=0.9)
    main.set_xlim(0.0, correction.e_max_gev)
    main.set_ylabel("Mean prediction [GeV]")
    below.set_ylabel("(mean − fit) / σ")
    below.set_xlabel(ENERGY_LABEL)
    main.legend(loc="upper left")
    n_muons = sum(point.n for point in correction.bins)
    label(main, data_label(inputs, HELDOUT), f"held-out folds of the main fit, {n_muons} muons")
    return Figure(
        "calibration",
        title,
        "Mean raw prediction of the ensemble in bins of true energy (neighbours merged until each holds enough muons) "
        "and the weighted least-squares fit whose inverse is the correction.",
        figure,
    )


def _formula(correction: BiasCorrection) -> str:
    quality = f"χ²/ndf = {correction.chi2:.1f}/{correction.ndof}" if correction.chi2 is not None else ""
    errors = correction.errors
    if correction.kind == "linear":
        assert correction.a is not None and correction.b is not None
        a, b = errors.get("a", 0.0), errors.get("b", 0.0)
        sign = "+" if correction.b >= 0 else "−"
        return f"({correction.a:.3f} ± {a:.3f}) E {sign} ({abs(correction.b):.0f} ± {b:.0f}) GeV,  {quality}"
    return f"a E$^p$ + c with p = {correction.p:.3f} ± {errors.get('p', 0.0):.3f},  {quality}"
