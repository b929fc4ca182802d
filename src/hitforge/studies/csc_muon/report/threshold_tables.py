"""Tables of thresholds and classes: the deck's table, class report, areas under ROC curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hitforge.published import load_published
from hitforge.reporting.chapter import Cell, Measured, ReportInputs, Table, by_place, make_table
from hitforge.reporting.metrics import all_samples, axes_of, cell, metrics_of, sample_title, shown_sample
from hitforge.studies.csc_muon.evaluation.sample import CLASS_NAMES
from hitforge.studies.csc_muon.report.view import main_models

_METRICS = {"r2": "R²", "mse": "MSE [GeV²]", "mae": "MAE [GeV]"}
_SCORES = {"precision": "Precision", "recall": "Recall", "f1": "F1"}
_PUBLISHED, _AVERAGE = "published, other data", " average"
_RANGES = ("pT ≥ b", "pT < next b", "b ≤ pT < next b")


def deck_thresholds(inputs: ReportInputs) -> Table:
    """R2, MSE and MAE in pT at the deck's thresholds, under three conventions of what a threshold selects."""
    thresholds = axes_of(inputs)["deck_gev"]
    published = load_published(inputs.study).blocks["deck_thresholds"]
    rows: list[tuple[Cell, ...]] = []
    for sample in all_samples(inputs):
        for model, metrics in metrics_of(inputs, sample).items():
            if model in main_models(inputs) and (model in published or model == inputs.reference):
                head, deck = (model, sample_title(sample)), metrics["deck"]
                rows += [
                    (*head, name, label, *(cell(deck[key], i, k) for k in range(len(thresholds))))
                    for i, name in enumerate(_RANGES)
                    for key, label in _METRICS.items()
                ]
    for model, numbers in published.items():
        if model in inputs.metrics:
            for key, values in numbers.items():
                printed = (Measured(value=value, decimals=3 if abs(value) < 10 else 2) for value in values)
                rows.append((model, _PUBLISHED, "unclear", _METRICS[key], *printed))
    return make_table(
        "deck_thresholds",
        "Errors in pT against threshold",
        "At thresholds b of 2–100 GeV, under all three readings of which muons a threshold selects. One model for "
        "all columns. R² = 1 − MSE/Var(truth); ranges end at 7000 GeV where they have no other end.",
        by_place(
            {"model": "Model", "sample": "Sample", "range": "Range", "metric": "Metric"},
            {f"b_{edge:g}": f"{edge:g} GeV" for edge in thresholds},
        ),
        rows,
        notes=(
            "The deck's columns are headed pT ≥ b, but errors that grow so slowly fit only muons below the next "
            "threshold, and its R² do not follow from its MSE; both are shown as printed.",
        ),
        highlight=lambda row: row[1] == _PUBLISHED,
        empty="none of the deck's models was run",
    )


def class_report(inputs: ReportInputs) -> Table:
    """Precision, recall, F1 and support of each class with averages, on every evaluation sample."""
    published = load_published(inputs.study).blocks["class_report"]
    rows: list[tuple[Cell, ...]] = []
    for sample in all_samples(inputs):
        for model, metrics in metrics_of(inputs, sample).items():
            if model not in main_models(inputs):
                continue
            report, printed = metrics["classes"], published.get(model)
            head = (model, sample_title(sample))
            for c, name in enumerate(CLASS_NAMES):
                ours = (cell(report[key], c) for key in _SCORES)
                theirs = (None if printed is None else Measured(value=printed[key][c], decimals=2) for key in _SCORES)
                rows.append((*head, f"{name} GeV", *ours, metrics["classes_present"][c], *theirs))
            for average in ("macro", "weighted"):
                ours = (cell(report[f"{average}_{key}"]) for key in _SCORES)
                rows.append((*head, average + _AVERAGE, *ours, metrics["n_muons"], *[None] * len(_SCORES)))
    printed_scores = {f"published_{key}": f"{name}, {_PUBLISHED}" for key, name in _SCORES.items()}
    return make_table(
        "class_report",
        "Class report",
        "Four pT classes, from class probabilities where a model gives them, otherwise from its pT. "
        "Macro averages count every class once, weighted ones every muon once. No model was trained on any of "
        "the muons, but for the rows called “trained on”, which show what a model knows by heart.",
        by_place(
            {"model": "Model", "sample": "Sample", "class": "Class"}, {**_SCORES, "support": "Muons", **printed_scores}
        ),
        rows,
        highlight=lambda row: row[2].endswith(_AVERAGE),
        empty="no model was evaluated",
    )


def auc(inputs: ReportInputs) -> Table:
    """Areas under the ROC curves: one class against the rest, and the trigger questions."""
    questions = axes_of(inputs)["trigger_auc_gev"]
    rows: list[tuple[Cell, ...]] = []
    for model, metrics in metrics_of(inputs).items():
        trigger = [cell(metrics["trigger_auc"]["auc"], i) for i in range(len(questions))]
        rows.append((model, "all roads", *_class_areas(metrics, metrics["absent"]), *trigger))
        if "class_auc" in metrics.get("four_csc", {}):
            few = metrics["four_csc"]
            rows.append((model, "four CSC hits", *_class_areas(few, metrics["absent"]), *[None] * len(questions)))
    for name, areas in load_published(inputs.study).blocks["benchmark"]["auc"].items():
        printed = [Measured(value=value, decimals=3) for value in areas]
        rows.append((f"{name}, published", "four CSC hits, other data", *printed, *[None] * len(questions)))
    classes = {f"class_{c}": f"{name} GeV" for c, name in enumerate(CLASS_NAMES)}
    return make_table(
        "auc",
        "Areas under the ROC curves",
        f"On the {sample_title(shown_sample(inputs))} muons, by ranks. Classes: probability of the class against "
        "the rest. Trigger questions: the predicted 1/pT as the score.",
        by_place(
            {"model": "Model", "roads": "Roads"}, classes | {f"above_{x:g}": f"pT > {x:g} GeV" for x in questions}
        ),
        rows,
        notes=("Published areas are those of the GSoC 2021 benchmark, another data set.",),
    )


def _class_areas(metrics: Mapping[str, Any], absent: Mapping[str, str]) -> list[Measured]:
    if "class_auc" not in metrics:
        return [Measured(value=None, reason=absent["class_probabilities"]) for _ in CLASS_NAMES]
    return [cell(metrics["class_auc"]["auc"], c) for c in range(len(CLASS_NAMES))]
