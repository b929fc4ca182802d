"""Figures of the trigger: turn-on curves, efficiency against eta and phi, rates at equal efficiency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.ticker import FormatStrFormatter
from numpy.typing import NDArray

from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.metrics import axes_of, shown_sample, values
from hitforge.reporting.numbers import measured
from hitforge.reporting.plotting import draw_curve, few_log_ticks, figure_of, legend_below, middles, right_title, shades
from hitforge.reporting.style import GREY, MARKERS
from hitforge.studies.csc_muon.evaluation.turn_on import turn_on_curve
from hitforge.studies.csc_muon.report import plotting
from hitforge.studies.csc_muon.report.view import headline_of

_NO_SCALING = "no model has a scaled pT: there were too few calibration muons"
_MISSED, _OVERLOOKED = 0.1, 0.02
"""Share of the points that a drawn fit may miss, and a distance in efficiency that is not seen."""
_FIT_LEGEND = "half the plateau at, plateau"
_FIT_CAPTION = (
    "Lines: error functions fitted to the points, from the first to the last of them; dotted lines join points that "
    "none follows, or that do not reach the plateau."
)


def _threshold(inputs: ReportInputs) -> tuple[float, int]:
    evaluation = inputs.settings["evaluation"]
    threshold = evaluation["rate_threshold_gev"]
    return threshold, list(evaluation["trigger_thresholds_gev"]).index(threshold)


def fit_follows(
    x: NDArray[np.float64], y: NDArray[np.float64], band: NDArray[np.float64], fit: Sequence[float], threshold: float
) -> bool:
    """Return whether a fitted turn-on may be drawn over its points.

    Without points above the threshold its plateau is a guess, and an error function is not the shape of every turn-on:
    it may miss no more than one point in ten, by two intervals and by more than the eye overlooks.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        True pT in GeV and efficiency of the points.
    band : ndarray, shape (2, n)
        Lower and upper end of the interval of each.
    fit : sequence of three numbers
        x50 and width in GeV, plateau.
    threshold : float
        On the scaled pT, GeV.
    """
    if not (np.all(np.isfinite(fit)) and len(x) and x[-1] > threshold):
        return False
    distance = turn_on_curve(x, *fit) - y
    interval = np.where(distance > 0, band[1] - y, y - band[0])
    missed = (np.abs(distance) > 2.0 * interval) & (np.abs(distance) > _OVERLOOKED)
    return bool(np.mean(missed) <= _MISSED)


def _efficiency(
    axes: Axes, edges: list[float], block: Any, place: tuple[int, int], threshold: float, look: tuple[str, int, str]
) -> None:
    """Draw efficiencies with their Clopper-Pearson bands and the fitted curve between the first and the last of them.

    ``place`` is the region and the index of the threshold in GeV, ``look`` colour, marker and words.
    """
    colour, which, text = look
    y = values(block["efficiency"])[place]
    drawn = np.isfinite(y)
    x, y = middles(edges)[drawn], y[drawn]
    band = np.stack([np.array(block["band"][key], dtype=np.float64)[place][drawn] for key in ("low", "high")])
    fit = [float(values(block[name])[place]) for name in ("x50", "width", "plateau")]
    follows = fit_follows(x, y, band, fit, threshold)
    if follows:
        text += f": {fit[0]:.1f} GeV, {100 * fit[2]:.0f} %"
        fine = np.linspace(x[0], x[-1], 400)
        axes.plot(fine, turn_on_curve(fine, *fit), color=colour, linewidth=1.2)
    axes.errorbar(
        x, y, yerr=(np.maximum(y - band[0], 0), np.maximum(band[1] - y, 0)), color=colour,
        marker=MARKERS[which % len(MARKERS)], markersize=3.5, linestyle="none" if follows else ":",
        linewidth=0.8, elinewidth=1.0, label=text,
    )  # fmt: skip


def _reference_turn_on(inputs: ReportInputs) -> Any:
    return plotting.overlay("turn_on")(inputs).get(inputs.reference, (0, "", None))[2]


def _finish(axes: Axes, high: float) -> None:
    axes.set(ylim=(0.0, 1.09), xlim=(0.0, high))
    axes.axhline(1.0, color=GREY, linewidth=0.7, linestyle=":")
    axes.set_xlabel(plotting.PT_LABEL)


@figure_of("Turn-on curves", plotting.overlay("turn_on"), _NO_SCALING)
def turn_on(inputs: ReportInputs, models: plotting.Overlaid) -> tuple[MatplotlibFigure, str]:
    """Turn-on of the reference model at all thresholds, and of all models at the headline threshold."""
    edges = axes_of(inputs)["turn_on_pt_edges_gev"]
    threshold, at = _threshold(inputs)
    own = inputs.reference if inputs.reference in models else next(iter(models))
    figure, (left, right) = plotting.panels(inputs, 2, 5.6, 5.0)
    thresholds = inputs.settings["evaluation"]["trigger_thresholds_gev"]
    for t, (value, colour) in enumerate(zip(thresholds, shades(len(thresholds)), strict=True)):
        _efficiency(left, edges, models[own][2], (0, t), value, (colour, t, f"> {value:g} GeV"))
    for model, (which, colour, block) in models.items():
        _efficiency(right, edges, block, (0, at), threshold, (colour, which, model))
    right.axvline(threshold, color=GREY, linewidth=0.9, linestyle="--")
    _finish(left, 60.0)
    _finish(right, 60.0)
    left.set_ylabel("Efficiency")
    right_title(left, f"{own}, all thresholds")
    right_title(right, f"scaled $p_T$ > {threshold:g} GeV, {plotting.sample_text(inputs)}")
    for axes in (left, right):
        axes.legend(loc="lower right", fontsize=9, title=_FIT_LEGEND, title_fontsize=9)
    return figure, (
        "Share of muons whose pT, scaled to 90 % of the plateau at threshold, passes it, in bins of true pT with "
        f"68 % Clopper–Pearson intervals. {_FIT_CAPTION}"
    )


@figure_of("Turn-on of {reference} in regions of |η|", _reference_turn_on, _NO_SCALING)
def turn_on_regions(inputs: ReportInputs, turn_on: Any) -> tuple[MatplotlibFigure, str]:
    """Turn-on of the reference model at the headline threshold in regions of |eta|."""
    edges = axes_of(inputs)["turn_on_pt_edges_gev"]
    threshold, at = _threshold(inputs)
    figure, (axes,) = plotting.panels(inputs, 1, 6.8)
    regions = inputs.settings["evaluation"]["eta_regions"]
    for r, ((low, high), colour) in enumerate(zip(regions, shades(len(regions)), strict=True)):
        _efficiency(axes, edges, turn_on, (r + 1, at), threshold, (colour, r, f"{low:g} < |η| < {high:g}"))
    axes.axvline(threshold, color=GREY, linewidth=0.9, linestyle="--")
    _finish(axes, 60.0)
    axes.set_ylabel("Efficiency")
    right_title(axes, f"{inputs.reference}, scaled $p_T$ > {threshold:g} GeV")
    axes.legend(loc="center right", fontsize=9, title=_FIT_LEGEND, title_fontsize=9)
    return figure, (
        "One scaling for all |η|, so that regions of poorer resolution turn on earlier and wider; bins with few muons "
        f"are left out. {_FIT_CAPTION}"
    )


@figure_of("Efficiency on the plateau", plotting.overlay("turn_on"), _NO_SCALING)
def efficiency_map(inputs: ReportInputs, models: plotting.Overlaid) -> tuple[MatplotlibFigure, str]:
    """Efficiency on the plateau against eta and phi."""
    threshold, _ = _threshold(inputs)
    figure, (left, right) = plotting.panels(inputs, 2, 5.3, 4.7)
    lowest = 100.0
    for model, (which, colour, block) in models.items():
        plotting.draw_binned(
            left, inputs.settings["evaluation"]["eta_edges"], block["against_eta"], which, colour, model, 100.0
        )
        phi = np.degrees(axes_of(inputs)["phi_edges"]).tolist()
        plotting.draw_binned(right, phi, block["against_phi"], which, colour, None, 100.0)
        lowest = min(lowest, 100.0 * float(np.nanmin(np.append(values(block["against_eta"]), 1.0))))
    for axes in (left, right):
        axes.set_ylim(max(0.0, lowest - 0.35 * (100.0 - lowest) - 0.5), 100.0 + 0.08 * (100.0 - lowest) + 0.05)
    left.set_xlabel(plotting.ETA_LABEL)
    right.set_xlabel("φ [deg]")
    left.set_ylabel("Efficiency [%]")
    right_title(right, f"scaled $p_T$ > {threshold:g} GeV, true $p_T$ > {1.5 * threshold:g} GeV")
    legend_below(figure, left)
    return figure, (
        "Of muons with a true pT of at least 1.5 thresholds, those that pass; bootstrap errors, none where all pass. "
        "Roads that the road finder lost are not in the sample and not counted."
    )


def _reductions(inputs: ReportInputs, model: str, along: str, **where: float) -> dict[str, list[float | None]]:
    """Return the rate reductions of a model along a restriction as an array of numbers; empty if there are none."""
    found = [
        row["difference"]
        for row in inputs.comparison_of.get(shown_sample(inputs), [])
        if (row["first"], row["quantity"]) == (model, "rate_reduction")
        and along in row["where"]
        and where.items() <= row["where"].items()
    ]
    return {key: [number[key] for number in found] for key in ("value", "error")} if found else {}


@figure_of("Trigger rate at equal efficiency", plotting.overlay("rates", "rate"), _NO_SCALING)
def rate(inputs: ReportInputs, models: plotting.Overlaid) -> tuple[MatplotlibFigure, str]:
    """Rate against threshold, and its reduction against the reference of the rates."""
    evaluation = inputs.settings["evaluation"]
    x = np.array(axes_of(inputs)["rate_thresholds_gev"])
    figure, (left, right) = plotting.panels(inputs, 2, 5.4, 5.0)
    against = evaluation["rate_reference"]
    for model, (_, colour, block) in models.items():
        bold = model == inputs.reference
        text = model if model == against else f"{model}: {measured(headline_of(inputs, model)['rate_reduction'])}"
        draw_curve(left, x, block, colour, text, 0, bold=bold)
        reduction = _reductions(inputs, model, "threshold_gev", exponent=evaluation["spectrum_exponents"][0])
        if reduction and model != against:
            draw_curve(right, x, reduction, colour, None, bold=bold)
    left.set(yscale="log", ylabel="Rate / rate without threshold")
    right.axhline(1.0, color=GREY, linewidth=0.9, linestyle="--")
    right.axvline(evaluation["rate_threshold_gev"], color=GREY, linewidth=0.9, linestyle=":")
    right.set_ylabel(f"Rate of {against} / rate")
    right.set_ylim(0.0, 1.15 * max(1.5, right.get_ylim()[1] if right.lines else 1.5))
    for axes in (left, right):
        axes.set(xlabel="Threshold on the scaled $p_T$ [GeV]", xlim=(0.0, x[-1]))
    right_title(left, f"$p_T^{{-{evaluation['spectrum_exponents'][0]:g}}}$ spectrum")
    right_title(right, plotting.sample_text(inputs))
    headline = f"rate of {against} / rate at {evaluation['rate_threshold_gev']:g} GeV (dotted)"
    legend_below(figure, left, title=headline)
    return figure, (
        "Muons reweighted to a falling spectrum; every model's pT is scaled to the same efficiency at threshold. Left: "
        f"share of the roads that pass. Right: reduction against {against}; above one is better. "
        "Bands: bootstrap errors, paired on the right."
    )


@figure_of("Trigger rate against |η|", plotting.overlay("rates", "rate_eta"), _NO_SCALING)
def rate_eta(inputs: ReportInputs, models: plotting.Overlaid) -> tuple[MatplotlibFigure, str]:
    """Rate at the headline threshold against |eta|."""
    figure, (left, right) = plotting.panels(inputs, 2, 5.4, 4.8)
    evaluation = inputs.settings["evaluation"]
    tops = [1.0]
    for model, (which, colour, block) in models.items():
        plotting.draw_binned(left, evaluation["eta_edges"], block, which, colour, model)
        reduction = _reductions(inputs, model, "abs_eta")
        if reduction and model != evaluation["rate_reference"]:
            plotting.draw_binned(right, evaluation["eta_edges"], reduction, which, colour, None)
            tops.append(float(np.nanmax(values(reduction))))
    left.set(yscale="log", ylabel="Rate / rate without threshold")
    few_log_ticks(left.yaxis, formatter=FormatStrFormatter("%g"))
    right.axhline(1.0, color=GREY, linewidth=0.9, linestyle="--")
    # one bin of a large error must not set the axis
    right.set(ylabel=f"Rate of {evaluation['rate_reference']} / rate", ylim=(0.0, 1.3 * max(tops)))
    for axes in (left, right):
        axes.set_xlabel(plotting.ETA_LABEL)
    right_title(right, f"scaled $p_T$ > {evaluation['rate_threshold_gev']:g} GeV")
    legend_below(figure, left)
    return figure, (
        "As the figure before, at one threshold in bins of |η|: left relative to all roads of the bin, right the "
        f"reduction against {evaluation['rate_reference']}. Bars: bootstrap errors, paired on the right."
    )
