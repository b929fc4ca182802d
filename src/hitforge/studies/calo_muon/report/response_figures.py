"""Figures of the response: predicted against true energy, and the fit of the bias correction."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from hitforge.evaluation.calibration import BiasCorrection
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.evaluated import HELDOUT, sample_title
from hitforge.reporting.plotting import data_label, nothing
from hitforge.reporting.style import BLUE, GREY, RED, SEQUENTIAL, label, new_figure
from hitforge.studies.calo_muon.evaluation.corrections import as_sample
from hitforge.studies.calo_muon.evaluation.improvement import energy_bins
from hitforge.studies.calo_muon.evaluation.metrics import EvaluationSample
from hitforge.studies.calo_muon.report.plotting import ENERGY_LABEL
from hitforge.studies.calo_muon.settings import EvaluationSettings

_TITLE = "Predicted against true energy"


def linearity(inputs: ReportInputs) -> Figure:
    """Corrected prediction of the reference model against the true energy, muon by muon."""
    samples = {}
    for name in sorted(inputs.outputs, key=lambda name: name != HELDOUT):
        sample = _load(inputs, name)
        if sample.ensemble.corrected is not None and len(sample.true_gev):
            samples[name] = sample
    if not samples:
        reason = "no bias-corrected predictions of the reference model were passed to the report"
        return nothing("linearity", _TITLE, reason)
    figure = new_figure(5.6 * len(samples), 4.6)
    panels = figure.subplots(1, len(samples), squeeze=False)[0]
    settings = EvaluationSettings.model_validate(inputs.settings["evaluation"])
    for axes, (name, sample) in zip(panels, samples.items(), strict=True):
        _histogram(axes, sample, settings)
        label(axes, data_label(inputs, name), f"{sample_title(name)}, {len(sample.true_gev)} muons")
        axes.set_xlabel(ENERGY_LABEL)
        axes.legend(loc="upper left")
    panels[0].set_ylabel(f"Corrected prediction of {inputs.reference} [GeV]")
    return Figure(
        "linearity",
        _TITLE,
        "Each muon once, after the bias correction; the colour counts muons on a logarithmic scale. Points: median and "
        "central 68 % in bins of true energy; the top row holds what lies above.",
        figure,
    )


def _load(inputs: ReportInputs, name: str) -> EvaluationSample:
    pieces = [piece.read() for piece in inputs.outputs[name]]
    return as_sample(pieces, EvaluationSettings.model_validate(inputs.settings["evaluation"]))


def _histogram(axes: Axes, sample: EvaluationSample, settings: EvaluationSettings) -> None:
    true, predicted = np.asarray(sample.true_gev), np.asarray(sample.ensemble.corrected)
    if sample.discrete:
        energies = np.array(settings.test_energies_gev)
        step = float(np.min(np.diff(energies))) if len(energies) > 1 else 100.0
        x_edges = np.append(energies - step / 2, energies[-1] + step / 2)
        top = 1.6 * energies[-1]
    else:
        top = 1.15 * float(true.max())
        x_edges = np.linspace(0.0, float(true.max()), 1 + _n_bins(len(true)))
    y_edges = np.linspace(0.0, top, 1 + (60 if sample.discrete else _n_bins(len(true))))
    counts = np.histogram2d(true, np.clip(predicted, 0.0, top), bins=(x_edges, y_edges))[0]
    mesh = axes.pcolormesh(
        x_edges, y_edges, np.ma.masked_equal(counts, 0).T, norm=LogNorm(1, max(counts.max(), 2)), cmap=SEQUENTIAL,
        rasterized=True, alpha=0.85, linewidth=0,
    )  # fmt: skip
    axes.figure.colorbar(mesh, ax=axes, label="Muons", pad=0.02)
    axes.plot([0, top], [0, top], color=GREY, linestyle="--", linewidth=1.1, label="prediction = truth")
    bins = energy_bins(settings, sample.discrete)
    if not sample.discrete:
        # the profile goes on above the bins that count, to show what the down-weighting does
        width = bins.high_gev[0] - bins.low_gev[0]
        extra = np.arange(bins.high_gev[-1], float(true.max()), 2 * width)
        edges = np.concatenate([bins.low_gev, extra, [float(true.max())]])
        index = np.digitize(true, edges) - 1
        centre = 0.5 * (edges[1:] + edges[:-1])
    else:
        index, centre = bins.index(true), bins.centre_gev
    _profile(axes, index, centre, predicted)
    axes.set_xlim(x_edges[0] if sample.discrete else 0.0, x_edges[-1])
    axes.set_ylim(0.0, top)


def _n_bins(n: int) -> int:
    # bins of a few muons each where the spectrum is flat, never finer than a screen shows
    return int(np.clip(np.sqrt(n) / 1.5, 20, 80))


def _profile(
    axes: Axes, index: NDArray[np.integer], centre: NDArray[np.float64], predicted: NDArray[np.floating]
) -> None:
    rows = [
        (centre[i], *np.percentile(predicted[index == i], [50.0, 15.865, 84.135]))
        for i in range(len(centre))
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
    main.errorbar(
        centre, mean, yerr=error, xerr=half, color=BLUE, marker="o", linestyle="none", label="mean prediction"
    )
    if correction.ok:
        energy = np.linspace(correction.e_min_gev, correction.e_max_gev, 200)
        main.plot(energy, correction.predict(energy), color=RED, label=_formula(correction))
        pull = (mean - correction.predict(centre)) / error
        below.errorbar(centre, pull, yerr=1.0, color=BLUE, marker="o", linestyle="none", elinewidth=1.0)
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
