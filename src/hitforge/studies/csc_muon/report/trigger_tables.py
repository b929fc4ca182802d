"""Tables of the trigger: turn-on fits, rates at equal efficiency, uncertainties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hitforge.reporting.chapter import MODEL, Cell, Measured, ReportInputs, Table, by_place, columns_by, make_table
from hitforge.reporting.metrics import axes_of, cell, difference, metrics_of, sample_title, shown_sample
from hitforge.studies.csc_muon.report.view import headline_of, main_models

_PULLS = {"pull_mean": ("Pull mean", ""), "pull_width": ("Pull width", ""), "pull_width68": ("Pull width 68", "")}
_FIT = {
    "x50": ("x50", "GeV"), "width": ("Width", "GeV"), "plateau": ("Plateau", "%"), "at_threshold": ("At threshold", "%")
}  # fmt: skip
_QUALITY = {"ece": ("ECE", "%"), "brier": ("Brier", ""), "log_loss": ("Log loss", "")}


def turn_on(inputs: ReportInputs) -> Table:
    """Fit of the turn-on of every model at every threshold, for all |eta|; the reference also in regions."""
    evaluation = inputs.settings["evaluation"]
    regions = ["all", *(f"{low:g}–{high:g}" for low, high in evaluation["eta_regions"])]
    rows: list[tuple[Cell, ...]] = []
    for model, metrics in metrics_of(inputs).items():
        if model not in main_models(inputs):
            continue
        shown = regions if model == inputs.reference else regions[:1]
        for r, region in enumerate(shown):
            for t, threshold in enumerate(evaluation["trigger_thresholds_gev"]):
                rows.append((model, region, threshold, *_fit(metrics, r, t)))
    return make_table(
        "turn_on",
        "Fits of the turn-on curves",
        "Fit of plateau/2·(1 + erf((pT − x50)/(√2·width))) to the efficiency on the "
        f"{sample_title(shown_sample(inputs))} muons after the pT scaling. "
        "At threshold: share of muons near it whose scaled pT is above their own pT, relative to the plateau, "
        f"{100.0 * evaluation['scaling_target']:g} % by construction on the muons of the scaling fit.",
        by_place({"model": "Model", "eta": "|η|"}, {"threshold": ("Threshold", "GeV"), **_FIT}),
        rows,
        empty="no model was evaluated",
    )


def _fit(metrics: Mapping[str, Any], region: int, threshold: int) -> list[Measured | None]:
    fit = metrics.get("turn_on")
    if fit is None:
        return [Measured(value=None, reason=metrics["absent"]["scaled_pt"]) for _ in range(4)]
    return [
        cell(fit["x50"], region, threshold),
        cell(fit["width"], region, threshold),
        cell(fit["plateau"], region, threshold, scale=100.0),
        cell(fit["at_threshold"], threshold, scale=100.0) if region == 0 else None,
    ]


def rates(inputs: ReportInputs) -> Table:
    """Rate of each model at the trigger thresholds, and its reduction against the reference, for each spectrum."""
    evaluation = inputs.settings["evaluation"]
    reference, thresholds = evaluation["rate_reference"], evaluation["trigger_thresholds_gev"]
    spectra: dict[str, dict[str, Any]] = {f"pT^−{n:g}": {"exponent": n} for n in evaluation["spectrum_exponents"]}
    if evaluation.get("spectrum_histogram"):
        spectra["own histogram"] = {"spectrum": "histogram"}
    rows: list[tuple[Cell, ...]] = []
    for model in metrics_of(inputs):
        reason = headline_of(inputs, model)["rate_reduction"].reason
        for title, spectrum in spectra.items():
            places = ({"threshold_gev": threshold, **spectrum} for threshold in thresholds)
            reductions = (
                difference(inputs, model, reference, "rate_reduction", place, absent=reason) for place in places
            )
            rows.append((model, title, *reductions))
    return make_table(
        "rates",
        f"Rate reduction against {reference}",
        "Rate of the reference divided by the model's, after both are scaled to the same efficiency at threshold; "
        "larger is better. Paired bootstrap errors with the scaling held fixed. The muons are reweighted "
        "from flat in 1/pT to the spectrum of the row.",
        by_place({"model": "Model", "spectrum": "Spectrum"}, {f"at_{t:g}": f"{t:g} GeV" for t in thresholds}),
        rows,
        empty="no model was evaluated",
    )


def uncertainty(inputs: ReportInputs) -> Table:
    """Coverage of quantiles, pulls and quality of class probabilities, for the models that give them."""
    metrics, intervals = metrics_of(inputs), {f"inside_{100 * x:g}": x for x in axes_of(inputs)["intervals"]}

    def number(model: str, block: str, name: str, needed: str, scale: float = 1.0, *index: int) -> Measured:
        absent = metrics[model]["absent"].get(needed, "not evaluated")
        return cell(metrics[model].get(block, {}).get(name), *index, scale=scale, absent=absent)

    def inside(model: str, key: str) -> Measured:
        return number(model, "coverage", "inside", "quantiles", 100.0, list(intervals).index(key))

    def pull(model: str, name: str) -> Measured:
        return number(model, "pulls", name.removeprefix("pull_"), "q_over_pt_sigma")

    def quality(model: str, name: str) -> Measured:
        return number(model, "class_calibration", name, "class_probabilities", 100.0 if name == "ece" else 1.0)

    return make_table(
        "uncertainty",
        "Pulls and coverage",
        "Share of muons inside central intervals of the predicted quantiles (nominal in the heading); pulls of "
        "q/pT with the predicted σ after its scale is fitted on the calibration muons (1 is right; width 68: half "
        "the smallest interval with 68.3 %); expected calibration error, Brier score and log loss of the classes.",
        (
            MODEL,
            *columns_by({key: (f"Inside {100 * x:g} %", "%") for key, x in intervals.items()}, inside),
            *columns_by(_PULLS, pull),
            *columns_by(_QUALITY, quality),
        ),
        [
            model
            for model, found in metrics.items()
            if not {"quantiles", "q_over_pt_sigma", "class_probabilities"} <= set(found["absent"])
        ],
        empty="no model gives quantiles, uncertainties or class probabilities",
    )
