"""Tables of the results: headline, differences, classes, areas, rejections, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hitforge.provenance import read_json
from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.reporting.metrics import axes_of, cell, evaluation_samples, metrics_of, sample_title, shown_sample
from hitforge.studies.object_id.data.objects import CLASS_NAMES

_MODEL = Column(key="model", label="Model", align="left")


def headline_of(inputs: ReportInputs, model: str) -> dict[str, Measured]:
    """Return the headline numbers of a model on the shown sample."""
    metrics = metrics_of(inputs).get(model)
    if metrics is None:
        return {}
    classes = metrics["classes"]
    recalls = {f"recall_{name}": cell(classes["recall"], c, scale=100.0) for c, name in enumerate(CLASS_NAMES)}
    return {
        "balanced_accuracy": cell(classes["macro_recall"], scale=100.0),
        "matched": cell(metrics["matched"]["macro_recall"], scale=100.0),
        "accuracy": cell(classes["accuracy"], scale=100.0),
        **recalls,
        "tau_jet_auc": cell(metrics["auc_pairs"]["auc"], axes_of(inputs)["pairs"].index("jet vs tau")),
        "log_loss": cell(metrics["calibration"]["log_loss"]),
    }


def _rows(inputs: ReportInputs) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_json(inputs.comparison)["samples"][shown_sample(inputs)]
    return rows


def difference(inputs: ReportInputs, first: str, second: str, quantity: str = "balanced_accuracy") -> Measured:
    """Return first minus second of two models in points, with the error of the paired difference."""
    for row in _rows(inputs):
        if row["quantity"] == quantity and {row["first"], row["second"]} == {first, second}:
            return cell(row["difference"], scale=100.0 if row["first"] == first else -100.0)
    absent = [model for model in (first, second) if model not in inputs.metrics]
    return Measured(value=None, reason=f"{' and '.join(absent)} was not run" if absent else "not compared")


def headline(inputs: ReportInputs) -> Table:
    """One row for each model."""
    rows: list[tuple[Cell, ...]] = []
    for model in inputs.metrics:
        numbers = headline_of(inputs, model).values() or [Measured(value=None, reason="not evaluated")] * 9
        rows.append((model, *numbers))
    sample = shown_sample(inputs)
    return Table(
        name="headline",
        title=f"Results on the {sample_title(sample)} objects",
        caption=(
            "Balanced accuracy is the mean of the four recalls; matched: with all classes weighted to the same "
            "distribution of pT and |η|. Errors are bootstrap errors; where they are 0, all or none of the n objects "
            "are right, and up to 3/n of the others may still be wrong (95 % confidence)."
        ),
        columns=(
            _MODEL,
            Column(key="balanced_accuracy", label="Balanced accuracy", unit="%"),
            Column(key="matched", label="Matched", unit="%"),
            Column(key="accuracy", label="Accuracy", unit="%"),
            *(Column(key=f"recall_{name}", label=f"Recall {name}", unit="%") for name in CLASS_NAMES),
            Column(key="tau_jet_auc", label="AUC tau, jet"),
            Column(key="log_loss", label="Log loss"),
        ),
        rows=tuple(rows),
        highlight=tuple(i for i, model in enumerate(inputs.metrics) if model == inputs.reference),
    )


def differences(inputs: ReportInputs) -> Table:
    """Every pair of models with the reference in it, on the same objects and draws."""
    rows = []
    for row in _rows(inputs):
        if inputs.reference not in (row["first"], row["second"]):
            continue
        sign = 1.0 if row["first"] == inputs.reference else -1.0
        other = row["second"] if sign > 0 else row["first"]
        rows.append(
            (inputs.reference, other, row["quantity"].replace("_", " "), cell(row["difference"], scale=100 * sign))
        )
    return Table(
        name="differences",
        title=f"Differences to {inputs.reference}",
        caption=f"First minus second on the same {sample_title(shown_sample(inputs))} objects and bootstrap draws.",
        columns=(
            Column(key="first", label="First", align="left"),
            Column(key="second", label="Second", align="left"),
            Column(key="quantity", label="Quantity", align="left"),
            Column(key="difference", label="Difference", unit="%"),
        ),
        rows=tuple(rows),
        empty=None if rows else "there is one model only",
    )


def class_report(inputs: ReportInputs) -> Table:
    """Precision, recall and F1 of each class, unweighted and matched, on every sample."""
    rows: list[tuple[Cell, ...]] = []
    for sample in evaluation_samples(inputs):
        for model, metrics in metrics_of(inputs, sample).items():
            report, matched = metrics["classes"], metrics["matched"]
            for c, name in enumerate(CLASS_NAMES):
                scores = [cell(report[key], c, scale=100.0) for key in ("precision", "recall", "f1")]
                support = sum(metrics["counts"][c])
                rows.append(
                    (sample_title(sample), model, name, *scores, cell(matched["recall"], c, scale=100.0), support)
                )
            macro = [cell(report[f"macro_{key}"], scale=100.0) for key in ("precision", "recall", "f1")]
            last = cell(matched["macro_recall"], scale=100.0)
            rows.append((sample_title(sample), model, "macro mean", *macro, last, metrics["n_objects"]))
    return Table(
        name="class_report",
        title="Class report",
        caption="By the most probable class. Matched: with all classes weighted to the same pT and |η|.",
        columns=(
            Column(key="sample", label="Sample", align="left"),
            _MODEL,
            Column(key="class", label="Class", align="left"),
            Column(key="precision", label="Precision", unit="%"),
            Column(key="recall", label="Recall", unit="%"),
            Column(key="f1", label="F1", unit="%"),
            Column(key="matched_recall", label="Matched recall", unit="%"),
            Column(key="support", label="Objects"),
        ),
        rows=tuple(rows),
    )


def auc(inputs: ReportInputs) -> Table:
    """Areas under the ROC curves: each class against the rest, and each against each."""
    pairs = axes_of(inputs)["pairs"]
    rows = tuple(
        (
            model,
            *(_area(metrics["auc_rest"], c) for c in range(len(CLASS_NAMES))),
            *(_area(metrics["auc_pairs"], k) for k in range(len(pairs))),
        )
        for model, metrics in metrics_of(inputs).items()
    )
    return Table(
        name="auc",
        title="Areas under the ROC curves",
        caption=f"A class against the rest, and one against another by the ratio of their probabilities; "
        f"{sample_title(shown_sample(inputs))} objects.",
        columns=(
            _MODEL,
            *(Column(key=f"{name}_rest", label=f"{name} vs rest") for name in CLASS_NAMES),
            *(Column(key=name.replace(" ", "_"), label=name) for name in pairs),
        ),
        rows=rows,
    )


def _area(block: Mapping[str, Any], index: int) -> Measured:
    # beyond four digits there is nothing to read
    return cell(block["auc"], index).model_copy(update={"decimals": 4})


def rejections(inputs: ReportInputs) -> Table:
    """Background rejection of the questions that matter at fixed signal efficiencies."""
    axes = axes_of(inputs)
    rows: list[tuple[Cell, ...]] = []
    for model, metrics in metrics_of(inputs).items():
        for block, names in (("working_pairs", axes["pairs"]), ("working_prong", axes["prongs"])):
            for k, name in enumerate(names):
                if name not in _QUOTED:
                    continue
                number = metrics[block]["rejection"]
                rows.append((model, name, *(cell(number, k, e) for e in range(len(axes["efficiencies"])))))
    return Table(
        name="rejections",
        title="Background rejection",
        caption="One over the share of the background (named second) that passes where the given share of the signal "
        "(named first) does.",
        columns=(
            _MODEL,
            Column(key="question", label="Signal vs background", align="left"),
            *(Column(key=f"at_{100 * e:g}", label=f"at {100 * e:g} %") for e in axes["efficiencies"]),
        ),
        rows=tuple(rows),
    )


_QUOTED: Sequence[str] = ("electron vs jet", "electron vs tau", "1-prong tau vs jet", "3-prong tau vs jet")


def calibration(inputs: ReportInputs) -> Table:
    """Log loss, Brier score and calibration error before and after the temperature."""
    rows: list[tuple[Cell, ...]] = []
    for model, metrics in metrics_of(inputs).items():
        fitted = inputs.calibration_of[model]
        temperature = Measured(value=fitted["temperature"], reason=fitted["reason"])
        before, after = metrics["calibration_raw"], metrics["calibration"]
        numbers = [cell(block[key]) for key in ("log_loss", "brier", "ece") for block in (before, after)]
        rows.append((model, temperature, *numbers))
    return Table(
        name="calibration",
        title="Calibration of the probabilities",
        caption="Before and after temperature scaling, which is fitted on the held-out objects of the training sample.",
        columns=(
            _MODEL,
            Column(key="temperature", label="Temperature"),
            *(
                Column(key=f"{key}_{when}", label=f"{label} {when}")
                for key, label in (("log_loss", "Log loss"), ("brier", "Brier"), ("ece", "ECE"))
                for when in ("before", "after")
            ),
        ),
        rows=tuple(rows),
    )
