"""Tables of the results: headline, differences, regression errors, ablations, published values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.reporting.chapter_parts import significance
from hitforge.reporting.evaluated import cell, evaluation_samples, metrics_of, sample_title, shown_sample
from hitforge.studies.csc_muon.evaluation.metrics import headline_numbers
from hitforge.studies.csc_muon.published import load_published
from hitforge.studies.csc_muon.report.view import ablation_base, comparison_of, published_cell

SPACES = {"inverse_pt": ("1/pT", "1/GeV"), "pt": ("pT", "GeV"), "q_over_pt": ("q/pT", "1/GeV")}
"""Quantities of the regression table: label and unit."""

OTHER_DATA = "Published values are for CMS simulation, another data set; they show the scale and are not a comparison."


def headline_of(inputs: ReportInputs, model: str) -> dict[str, Measured]:
    """Return the headline numbers of a model on the shown sample."""
    metrics = metrics_of(inputs).get(model)
    if metrics is None:
        return {}
    numbers = headline_numbers(metrics, comparison_of(inputs), model)
    percent = {"accuracy", "charge_misid", "median_20gev"}
    return {name: cell(number, scale=100.0 if name in percent else 1.0) for name, number in numbers.items()}


def headline(inputs: ReportInputs) -> Table:
    """One row for each model: classes, errors of the regression, rate, charge, with published values beside."""
    published, evaluation = load_published(), inputs.settings["evaluation"]
    reference, threshold = evaluation["rate_reference"], evaluation["rate_threshold_gev"]
    rows: list[tuple[Cell, ...]] = []
    for model in inputs.metrics:
        numbers, manifest = headline_of(inputs, model), inputs.manifest_of.get(model, {})
        rows.append(
            (
                model,
                manifest.get("n_parameters"),
                *(numbers.get(name, Measured(value=None, reason="not evaluated")) for name in _HEADLINE),
                *(published_cell(published.find(model, name), percent=name == "accuracy") for name in _HEADLINE[:3]),
            )
        )
    majority = next(iter(metrics_of(inputs).values()))["classes"]["majority"]
    return Table(
        name="headline",
        title=f"Results on the {sample_title(shown_sample(inputs))} muons",
        caption=(
            f"Accuracy of the four pT classes (guessing the largest class gives {100.0 * majority['value']:.1f} %), "
            f"errors of the regression, reduction of the trigger rate at {threshold:g} GeV against {reference} at "
            f"equal efficiency on a spectrum pT^-{evaluation['spectrum_exponents'][0]:g} (larger is better), charge "
            "misidentification, median relative error of pT at 20 GeV. Bootstrap errors of the evaluated muons."
        ),
        columns=(
            Column(key="model", label="Model", align="left"),
            Column(key="parameters", label="Parameters"),
            Column(key="accuracy", label="Accuracy, 4 classes", unit="%"),
            Column(key="rmse_q_over_pt", label="RMSE q/pT", unit="1/GeV"),
            Column(key="rmse_inverse_pt", label="RMSE 1/pT", unit="1/GeV"),
            Column(key="rate_reduction", label=f"Rate reduction at {threshold:g} GeV"),
            Column(key="charge_misid", label="Wrong charge", unit="%"),
            Column(key="median_20gev", label="Median |ΔpT|/pT at 20 GeV", unit="%"),
            Column(key="published_accuracy", label="Published accuracy, other data", unit="%"),
            Column(key="published_rmse_q_over_pt", label="Published RMSE q/pT, other data", unit="1/GeV"),
            Column(key="published_rmse_inverse_pt", label="Published RMSE 1/pT, other data", unit="1/GeV"),
        ),
        rows=tuple(rows),
        notes=(
            OTHER_DATA,
            "The fair comparison is between the rows: the seeds' models are trained here on the same roads as ours.",
        ),
        highlight=(list(inputs.metrics).index(inputs.reference),),
    )


_HEADLINE = ("accuracy", "rmse_q_over_pt", "rmse_inverse_pt", "rate_reduction", "charge_misid", "median_20gev")

_QUANTITIES = {"rmse_q_over_pt": "RMSE q/pT", "rmse_inverse_pt": "RMSE 1/pT", "accuracy": "accuracy, 4 classes"}


def differences(inputs: ReportInputs) -> Table:
    """Paired differences of every model to the reference model on the shown sample."""
    reference, found = inputs.reference, paired_differences(comparison_of(inputs))
    rows = []
    for model in inputs.metrics:
        if model != reference:
            cells: list[Cell] = [model]
            for quantity in _QUANTITIES:
                number = found.get(
                    (model, reference, quantity), Measured(value=None, reason="one of the two has no such number")
                )
                cells += [number, significance(number)]
            rows.append(tuple(cells))
    columns = [Column(key="model", label="Model", align="left")]
    for quantity, label in _QUANTITIES.items():
        unit = "%" if quantity == "accuracy" else "1/GeV"
        columns += [
            Column(key=quantity, label=f"{label} minus that of {reference}", unit=unit),
            Column(key=f"{quantity}_sigma", label="Significance", unit="σ"),
        ]
    return Table(
        name="differences",
        title=f"Difference to {reference}",
        caption=(
            "Paired differences on the same bootstrap draws of the same muons. Worse than the reference: a positive "
            "difference of an RMSE, a negative one of the accuracy."
        ),
        columns=tuple(columns),
        rows=tuple(rows),
        empty=None if rows else "only one model was run",
    )


_REGRESSION = ("mae", "mse", "rmse", "median_ae", "explained_variance", "r2", "variance")


def regression(inputs: ReportInputs) -> Table:
    """Single-number errors of every model in 1/pT, pT and q/pT."""
    rows: list[tuple[Cell, ...]] = []
    for model, metrics in metrics_of(inputs).items():
        for space, (label, unit) in SPACES.items():
            if space in metrics:
                rows.append((model, label, unit, *(cell(metrics[space][name]) for name in _REGRESSION)))
            elif space == "q_over_pt":
                reason = metrics["absent"][space]
                rows.append((model, label, unit, *(Measured(value=None, reason=reason) for _ in _REGRESSION)))
    return Table(
        name="regression",
        title="Errors of the regression",
        caption=(
            "All muons of the sample, pT of 2–7000 GeV. R² is 1 − MSE/Var(truth) of the same predictions; the report "
            "fails if they disagree. Errors in pT are dominated by a few muons beyond 120 GeV, whose curvature the "
            "chambers do not resolve: read them in bins."
        ),
        columns=(
            Column(key="model", label="Model", align="left"),
            Column(key="quantity", label="Quantity", align="left"),
            Column(key="unit", label="Unit", align="left"),
            Column(key="mae", label="MAE"),
            Column(key="mse", label="MSE"),
            Column(key="rmse", label="RMSE"),
            Column(key="median_ae", label="Median abs. error"),
            Column(key="explained_variance", label="Explained variance"),
            Column(key="r2", label="R²"),
            Column(key="variance", label="Var(truth)"),
        ),
        rows=tuple(rows),
        empty=None if rows else "no model was evaluated",
    )


def ablations(inputs: ReportInputs) -> Table:
    """What each group of inputs is worth: a model and the same without it."""
    found = paired_differences(comparison_of(inputs))
    rows: list[tuple[Cell, ...]] = []
    for model in inputs.metrics:
        base = ablation_base(model, list(inputs.metrics))
        if base is not None:
            numbers = headline_of(inputs, model)
            description = inputs.settings["models"].get(model, {}).get("description", "")
            missing = Measured(value=None, reason="not compared")
            rows.append(
                (
                    model,
                    base,
                    description,
                    *(numbers.get(name, missing) for name in ("rmse_inverse_pt", "accuracy", "rate_reduction")),
                    found.get((model, base, "rmse_inverse_pt"), missing),
                    found.get((model, base, "accuracy"), missing),
                )
            )
    return Table(
        name="ablations",
        title="What the inputs are worth",
        caption="Each model is trained anew without one group of inputs; differences to the full model are paired.",
        columns=(
            Column(key="model", label="Model", align="left"),
            Column(key="base", label="Full model", align="left"),
            Column(key="description", label="Description", align="left", wide=True),
            Column(key="rmse_inverse_pt", label="RMSE 1/pT", unit="1/GeV"),
            Column(key="accuracy", label="Accuracy", unit="%"),
            Column(key="rate_reduction", label="Rate reduction"),
            Column(key="difference_rmse", label="RMSE minus full", unit="1/GeV"),
            Column(key="difference_accuracy", label="Accuracy minus full", unit="%"),
        ),
        rows=tuple(rows),
        empty=None if rows else "no ablation is among the models that were run",
    )


def paired_differences(comparison: Mapping[str, Any] | None) -> dict[tuple[str, str, str], Measured]:
    """Return the differences by (first, second, quantity), in both orders."""
    result = {}
    for row in [] if comparison is None else comparison["differences"]:
        scale = 100.0 if row["quantity"] == "accuracy" else 1.0
        result[row["first"], row["second"], row["quantity"]] = cell(row["difference"], scale=scale)
        result[row["second"], row["first"], row["quantity"]] = cell(row["difference"], scale=-scale)
    return result


def published(inputs: ReportInputs) -> Table:
    """All published single numbers, each beside that of this run's model of the same name."""
    source, metrics = load_published(), metrics_of(inputs)
    rows = [
        (
            source.sources[result.source],
            result.model,
            result.text,
            published_cell(result),
            _ours(metrics.get(result.model), result.quantity, headline_of(inputs, result.model)),
        )
        for result in source.results
    ]
    samples = " and ".join(sample_title(name) for name in evaluation_samples(inputs))
    return Table(
        name="published",
        title="Published values",
        caption=f"As printed, for {source.note}, beside the same quantity of this run (samples: {samples}; shown: "
        f"{sample_title(shown_sample(inputs))}).",
        columns=(
            Column(key="source", label="Source", align="left", wide=True),
            Column(key="model", label="Model", align="left"),
            Column(key="quantity", label="Quantity", align="left", wide=True),
            Column(key="published", label="Published, other data"),
            Column(key="this_run", label="This run"),
        ),
        rows=tuple(rows),
        notes=(
            OTHER_DATA,
            "The deck prints R² = 0.9999 beside an MSE that means 0.92 (or 0.98 for the signed target): both cannot "
            "belong to the same predictions.",
            "The two rate reductions are against the trigger's earlier assignment, of which this run's dphi-lut is "
            "the nearest relative; the reference of this run's rates is named in the headline table.",
        ),
    )


def _ours(metrics: Mapping[str, Any] | None, quantity: str, headline: Mapping[str, Measured]) -> Cell:
    """Return this run's value in the units of the source; None where the model was not run."""
    if metrics is None:
        return None
    if quantity == "rate_reduction":
        return Measured(value=None, reason="against another reference, see the table of rates")
    if quantity in ("accuracy", "weighted_f1", "macro_f1", "macro_precision", "macro_recall"):
        return cell(metrics["classes"][quantity])
    space = next(key for key in ("inverse_pt", "q_over_pt", "pt") if quantity.endswith(key))
    name = quantity.removesuffix(f"_{space}")
    if space not in metrics:
        return headline.get(quantity, Measured(value=None, reason=metrics["absent"].get(space, "not evaluated")))
    return cell(metrics[space][name])
