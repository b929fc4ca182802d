"""Tables of the results: headline, aims, differences, regression errors, ablations, published values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from hitforge.published import PublishedResult, load_published
from hitforge.reporting import difference_table
from hitforge.reporting.aims import AIM, AIMED_MODEL, LIMIT, aim_table, measured_aims
from hitforge.reporting.chapter import (
    MODEL,
    Cell,
    Column,
    Measured,
    ReportInputs,
    Table,
    column,
    columns_by,
    make_table,
    text_column,
)
from hitforge.reporting.metrics import cell, difference, evaluation_samples, metrics_of, sample_title, shown_sample
from hitforge.studies.csc_muon.report.view import QUANTITIES, headline_of, published_cell

SPACES = {"inverse_pt": ("1/pT", "1/GeV"), "pt": ("pT", "GeV"), "q_over_pt": ("q/pT", "1/GeV")}
"""Quantities of the regression table: label and unit."""

OTHER_DATA = "Published values are for CMS simulation, another data set; they show the scale and are not a comparison."
_ERRORS = {
    "mae": ("MAE", ""),
    "mse": ("MSE", ""),
    "rmse": ("RMSE", ""),
    "median_ae": ("Median abs. error", ""),
    "explained_variance": ("Explained variance", ""),
    "r2": ("R²", ""),
    "variance": ("Var(truth)", ""),
}
_COMPARED = ("rmse_q_over_pt", "rmse_inverse_pt", "accuracy")


def _headline_column(inputs: ReportInputs, name: str, label: str = "") -> Column:
    title, unit, *_ = QUANTITIES[name]
    missing = Measured(value=None, reason="not evaluated")
    return column(
        name, label or title[0].upper() + title[1:], lambda model: headline_of(inputs, model).get(name, missing), unit
    )


def headline(inputs: ReportInputs) -> Table:
    """One row for each model: classes, errors of the regression, rate, charge, with published values beside."""
    printed, evaluation = load_published(inputs.study), inputs.settings["evaluation"]
    threshold = evaluation["rate_threshold_gev"]
    majority = next(iter(metrics_of(inputs).values()))["classes"]["majority"]

    def published_column(name: str) -> Column:
        title, unit, *_ = QUANTITIES[name]
        return column(
            f"published_{name}",
            f"Published {title.removesuffix(', 4 classes')}, other data",
            lambda model: published_cell(printed.find(name, model), percent=unit == "%"),
            unit,
        )

    return make_table(
        "headline",
        f"Results on the {sample_title(shown_sample(inputs))} muons",
        f"Accuracy of the four pT classes (guessing the largest class gives {100.0 * majority['value']:.1f} %), "
        f"errors of the regression, reduction of the trigger rate at {threshold:g} GeV against "
        f"{evaluation['rate_reference']} at equal efficiency on a spectrum "
        f"pT^-{evaluation['spectrum_exponents'][0]:g} (larger is better), charge misidentification, median relative "
        "error of pT at 20 GeV. Bootstrap errors of the evaluated muons.",
        (
            MODEL,
            column("parameters", "Parameters", lambda model: inputs.manifest_of.get(model, {}).get("n_parameters")),
            *(
                _headline_column(inputs, name, f"Rate reduction at {threshold:g} GeV" * (name == "rate_reduction"))
                for name in QUANTITIES
            ),
            *(published_column(name) for name in ("accuracy", "rmse_q_over_pt", "rmse_inverse_pt")),
        ),
        inputs.metrics,
        notes=(
            OTHER_DATA,
            "The fair comparison is between the rows: the seeds' models are trained here on the same roads as ours.",
        ),
        highlight=lambda model: model == inputs.reference,
    )


def aims(inputs: ReportInputs) -> Table:
    """Which aims are met; an aim within two errors of its limit is neither met nor missed."""
    return aim_table(
        measured_aims(inputs, headline_of),
        f"On the {sample_title(shown_sample(inputs))} muons of this run, the distance to the aim's limit with its "
        "bootstrap error; an aim is open within {sigmas} errors of the limit. The aims were set for a million "
        "generated roads and more, before any model was trained.",
        (AIM, LIMIT, AIMED_MODEL),
    )


def differences(inputs: ReportInputs) -> Table:
    """Paired differences of every model to the reference model on the shown sample."""
    return difference_table.differences(
        inputs,
        {name: (QUANTITIES[name].title, QUANTITIES[name].unit) for name in _COMPARED},
        note="Worse than the reference: a positive difference of an RMSE, a negative one of the accuracy.",
    )


def regression(inputs: ReportInputs) -> Table:
    """Single-number errors of every model in 1/pT, pT and q/pT."""
    metrics = metrics_of(inputs)

    def number(row: tuple[str, str], name: str) -> Measured:
        model, space = row
        if space in metrics[model]:
            return cell(metrics[model][space][name])
        return Measured(value=None, reason=metrics[model]["absent"][space])

    return make_table(
        "regression",
        "Errors of the regression",
        "All muons of the sample, pT of 2–7000 GeV. R² is 1 − MSE/Var(truth) of the same predictions; the report "
        "fails if they disagree. Errors in pT are dominated by a few muons beyond 120 GeV, whose curvature the "
        "chambers do not resolve: read them in bins.",
        (
            text_column("model", "Model", lambda row: row[0]),
            text_column("quantity", "Quantity", lambda row: SPACES[row[1]][0]),
            text_column("unit", "Unit", lambda row: SPACES[row[1]][1]),
            *columns_by(_ERRORS, number),
        ),
        [(model, space) for model in metrics for space in SPACES],
        empty="no model was evaluated",
    )


def ablations(inputs: ReportInputs) -> Table:
    """What each group of inputs is worth: a model and the same without it."""

    def description(model: str) -> Cell:
        return str(inputs.settings["models"].get(model, {}).get("description", ""))

    def minus_full(model: str, name: str) -> Measured:
        scale = 100.0 if QUANTITIES[name].unit == "%" else 1.0
        return difference(inputs, model, str(inputs.base_of(model)), name, scale=scale, absent="not compared")

    return make_table(
        "ablations",
        "What the inputs are worth",
        "Each model is trained anew without one group of inputs; differences to the full model are paired.",
        (
            MODEL,
            text_column("base", "Full model", inputs.base_of),
            text_column("description", "Description", description, wide=True),
            *(
                _headline_column(inputs, name, label)
                for name, label in (("rmse_inverse_pt", ""), ("accuracy", "Accuracy"), ("rate_reduction", ""))
            ),
            column("difference_rmse", "RMSE minus full", partial(minus_full, name="rmse_inverse_pt"), "1/GeV"),
            column("difference_accuracy", "Accuracy minus full", partial(minus_full, name="accuracy"), "pp"),
        ),
        [model for model in inputs.metrics if inputs.base_of(model) is not None],
        empty="no ablation is among the models that were run",
    )


def published(inputs: ReportInputs) -> Table:
    """All published single numbers, each beside that of this run's model of the same name."""
    printed = load_published(inputs.study)
    samples = " and ".join(sample_title(name) for name in evaluation_samples(inputs))
    return make_table(
        "published",
        "Published values",
        f"As printed, for {printed.note}, beside the same quantity of this run (samples: {samples}; shown: "
        f"{sample_title(shown_sample(inputs))}).",
        (
            text_column("source", "Source", lambda result: printed.sources[result.source], wide=True),
            text_column("model", "Model", lambda result: result.model),
            text_column("quantity", "Quantity", lambda result: result.text, wide=True),
            column("published", "Published, other data", published_cell),
            column("this_run", "This run", partial(_ours, inputs)),
        ),
        printed.results,
        notes=(OTHER_DATA, *printed.blocks["notes"]),
    )


def _ours(inputs: ReportInputs, result: PublishedResult) -> Cell:
    """Return this run's value in the units of the source; None where the model was not run."""
    metrics: Mapping[str, Any] | None = metrics_of(inputs).get(str(result.model))
    if metrics is None:
        return None
    if result.quantity == "rate_reduction":
        return Measured(value=None, reason="against another reference, see the table of rates")
    if result.quantity in metrics["classes"]:
        return cell(metrics["classes"][result.quantity])
    space = next(key for key in ("inverse_pt", "q_over_pt", "pt") if result.quantity.endswith(key))
    if space not in metrics:
        return Measured(value=None, reason=metrics["absent"][space])
    return cell(metrics[space][result.quantity.removesuffix(f"_{space}")])
