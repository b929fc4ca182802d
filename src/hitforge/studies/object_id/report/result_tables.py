"""Tables of the results: headline, aims, classes, areas, rejections, calibration."""

from __future__ import annotations

from typing import Any

from hitforge.reporting.aims import AIM, AIMED_MODEL, aim_table, measured_aims
from hitforge.reporting.chapter import MODEL, Measured, ReportInputs, Table, by_place, column, columns_by, make_table
from hitforge.reporting.metrics import axes_of, cell, evaluation_samples, metrics_of, sample_title, shown_sample
from hitforge.studies.object_id.data.objects import CLASS_NAMES

_HEADLINE = {
    "balanced_accuracy": ("Balanced accuracy", "%"),
    "matched": ("Matched", "%"),
    "accuracy": ("Accuracy", "%"),
    **{f"recall_{name}": (f"Recall {name}", "%") for name in CLASS_NAMES},
    "tau_jet_auc": ("AUC tau, jet", ""),
    "log_loss": ("Log loss", ""),
}
_QUOTED = ("electron vs jet", "electron vs tau", "1-prong tau vs jet", "3-prong tau vs jet")
"""Questions whose background rejections are shown."""


def headline_of(inputs: ReportInputs, model: str) -> dict[str, Measured]:
    """Return the headline numbers of a model on the shown sample; none if it was not evaluated there."""
    metrics = metrics_of(inputs).get(model)
    if metrics is None:
        return {}
    classes = metrics["classes"]
    return {
        "balanced_accuracy": cell(classes["macro_recall"], scale=100.0),
        "matched": cell(metrics["matched"]["macro_recall"], scale=100.0),
        "accuracy": cell(classes["accuracy"], scale=100.0),
        **{f"recall_{name}": cell(classes["recall"], c, scale=100.0) for c, name in enumerate(CLASS_NAMES)},
        "tau_jet_auc": cell(metrics["auc_pairs"]["auc"], axes_of(inputs)["pairs"].index("jet vs tau")),
        "log_loss": cell(metrics["calibration"]["log_loss"]),
    }


def headline(inputs: ReportInputs) -> Table:
    """One row for each model."""
    numbers, absent = {model: headline_of(inputs, model) for model in inputs.metrics}, Measured.of(None)
    return make_table(
        "headline",
        f"Results on the {sample_title(shown_sample(inputs))} objects",
        "Balanced accuracy is the mean of the four recalls; matched: with all classes weighted to the same "
        "distribution of pT and |η|. Errors are bootstrap errors; where they are 0, all or none of the n objects are "
        "right, and up to 3/n of the others may still be wrong (95 % confidence).",
        (MODEL, *columns_by(_HEADLINE, lambda model, key: numbers[model].get(key, absent))),
        inputs.metrics,
        highlight=lambda model: model == inputs.reference,
    )


def aims(inputs: ReportInputs) -> Table:
    """Which aims are met; an aim within two errors of its limit is neither met nor missed."""
    caption = (
        f"On the {sample_title(shown_sample(inputs))} objects of this run, the distance to the aim's limit with its "
        "bootstrap error; an aim is open within {sigmas} errors of the limit. The aims were set before any model was "
        "trained."
    )
    return aim_table(measured_aims(inputs, headline_of), caption, (AIM, AIMED_MODEL), "%")


def class_report(inputs: ReportInputs) -> Table:
    """Precision, recall and F1 of each class and their means, unweighted and matched, on every sample."""
    rows = [
        (sample_title(sample), model, metrics, c)
        for sample in evaluation_samples(inputs)
        for model, metrics in metrics_of(inputs, sample).items()
        for c in (*range(len(CLASS_NAMES)), None)
    ]

    def score(row: tuple[str, str, Any, int | None], key: str) -> Measured:
        report, score = row[2]["matched" if key.startswith("matched") else "classes"], key.removeprefix("matched_")
        if row[3] is None:
            return cell(report[f"macro_{score}"], scale=100.0)
        return cell(report[score], row[3], scale=100.0)

    def support(row: tuple[str, str, Any, int | None]) -> int:
        return int(row[2]["n_objects"] if row[3] is None else sum(row[2]["counts"][row[3]]))

    titles = {"precision": "Precision", "recall": "Recall", "f1": "F1", "matched_recall": "Matched recall"}
    return make_table(
        "class_report",
        "Class report",
        "By the most probable class. Matched: with all classes weighted to the same pT and |η|.",
        (
            *by_place({"sample": "Sample", "model": "Model"}),
            column("class", "Class", lambda row: "macro mean" if row[3] is None else CLASS_NAMES[row[3]], align="left"),
            *columns_by({key: (title, "%") for key, title in titles.items()}, score),
            column("support", "Objects", support),
        ),
        rows,
    )


def auc(inputs: ReportInputs) -> Table:
    """Areas under the ROC curves: each class against the rest, and each against each."""
    metrics, pairs = metrics_of(inputs), axes_of(inputs)["pairs"]
    places = {f"{name}_rest": (f"{name} vs rest", "auc_rest", c) for c, name in enumerate(CLASS_NAMES)}
    places |= {name.replace(" ", "_"): (name, "auc_pairs", k) for k, name in enumerate(pairs)}

    def area(model: str, key: str) -> Measured:
        _, block, index = places[key]
        # beyond four digits there is nothing to read
        return cell(metrics[model][block]["auc"], index).model_copy(update={"decimals": 4})

    return make_table(
        "auc",
        "Areas under the ROC curves",
        "A class against the rest, and one against another by the ratio of their probabilities; "
        f"{sample_title(shown_sample(inputs))} objects.",
        (MODEL, *columns_by({key: (name, "") for key, (name, _, _) in places.items()}, area)),
        metrics,
    )


def rejections(inputs: ReportInputs) -> Table:
    """Background rejection of the questions that matter at fixed signal efficiencies."""
    axes = axes_of(inputs)
    rows = [
        (model, name, metrics[block]["rejection"], k)
        for model, metrics in metrics_of(inputs).items()
        for block, names in (("working_pairs", axes["pairs"]), ("working_prong", axes["prongs"]))
        for k, name in enumerate(names)
        if name in _QUOTED
    ]
    quoted = [f"{100 * e:g}" for e in axes["efficiencies"]]
    return make_table(
        "rejections",
        "Background rejection at fixed signal efficiency",
        "One over the share of the background (named second) that passes where the given share of the signal (named "
        "first) does.",
        (
            *by_place({"model": "Model", "question": "Signal vs background"}),
            *columns_by(
                {f"at_{e}": (f"signal efficiency {e} %", "") for e in quoted},
                lambda row, key: cell(row[2], row[3], quoted.index(key.removeprefix("at_"))),
            ),
        ),
        rows,
    )


def calibration(inputs: ReportInputs) -> Table:
    """Log loss, Brier score and calibration error before and after the temperature."""
    metrics = metrics_of(inputs)
    places = {
        f"{score}_{when}": (f"{title} {when}", block, score)
        for score, title in (("log_loss", "Log loss"), ("brier", "Brier"), ("ece", "ECE"))
        for when, block in (("before", "calibration_raw"), ("after", "calibration"))
    }

    def temperature(model: str) -> Measured:
        fitted = inputs.calibration_of[model]
        return Measured(value=fitted["temperature"], reason=fitted["reason"])

    return make_table(
        "calibration",
        "Calibration of the probabilities",
        "Before and after temperature scaling, which is fitted on the held-out objects of the training sample.",
        (
            MODEL,
            column("temperature", "Temperature", temperature),
            *columns_by(
                {key: (title, "") for key, (title, _, _) in places.items()},
                lambda model, key: cell(metrics[model][places[key][1]][places[key][2]]),
            ),
        ),
        metrics,
    )
