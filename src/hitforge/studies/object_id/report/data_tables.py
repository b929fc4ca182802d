"""Tables of the data, the models and the slides' single images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hitforge.provenance import read_json
from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.reporting.history import load_histories
from hitforge.reporting.metrics import evaluation_samples, metrics_of, sample_title
from hitforge.studies.object_id.data.objects import CLASS_NAMES
from hitforge.studies.object_id.published import load_published
from hitforge.studies.object_id.report.view import objects_of, predicted_objects, sweep_of


def image_scores(inputs: ReportInputs) -> Table:
    """Class scores of one test image of each class, as in the slides, beside the printed ones."""
    rows: list[tuple[Cell, ...]] = []
    found = predicted_objects(inputs)
    for c, name in enumerate(CLASS_NAMES):
        own = np.flatnonzero(found.label == c) if found is not None else np.zeros(0, np.int64)
        if found is not None and len(own):
            scores = (Measured(value=100.0 * float(p), decimals=5) for p in found.probabilities[own[0]])
            rows.append((f"{inputs.reference}, this run", name, *scores))
    published = load_published()
    rows += [
        ("slides, other data", name, *(Measured(value=value, decimals=5) for value in scores))
        for name, scores in published.scores_percent.items()
    ]
    return Table(
        name="image_scores",
        title="Scores of single images",
        caption="The first test image of each class, not a chosen one, beside what the slides print. Scores of single "
        "images say how sure a model is of them, not how often it is right; the class report does.",
        columns=(
            Column(key="source", label="Scores of", align="left"),
            Column(key="true", label="True class", align="left"),
            *(Column(key=name, label=name, unit="%") for name in CLASS_NAMES),
        ),
        rows=tuple(rows),
        notes=(f"{published.source}; {published.note}.",),
    )


def sweep(inputs: ReportInputs) -> Table:
    """Variants of the seed's network: what validation says, and the test sample once."""
    rows: list[tuple[Cell, ...]] = []
    for model in sweep_of(inputs):
        histories = load_histories(inputs.manifests[model], inputs.manifest_of[model])
        best = [history.best for history in histories if history.best is not None]
        curves = [accuracy_rows(inputs, model, history.member) for history in histories if history.best is not None]
        rows.append(
            (
                model,
                inputs.settings["models"].get(model, {}).get("description", ""),
                inputs.manifest_of[model].get("n_parameters"),
                len(histories),
                max((len(history.step) for history in histories), default=None),
                float(np.mean(best)) if best else None,
                _of_trainings([curve[epoch - 1] for curve, epoch in zip(curves, best, strict=True)]),
                _of_trainings(metrics_of(inputs)[model]["member_accuracy"]),
            )
        )
    return Table(
        name="sweep",
        title="Variants of the seed's network",
        caption="Variants are chosen by the validation folds; the test sample is looked at once. Mean of the "
        "trainings, which differ in seed and validation fold, and their standard deviation; each network stands for "
        "itself, they are not averaged.",
        columns=(
            Column(key="model", label="Model", align="left"),
            Column(key="description", label="Variant", align="left", wide=True),
            Column(key="parameters", label="Parameters"),
            Column(key="trainings", label="Trainings"),
            Column(key="epochs", label="Epochs, at most"),
            Column(key="best_epoch", label="Best epoch, mean"),
            Column(key="validation_accuracy", label="Validation accuracy", unit="%"),
            Column(key="test_accuracy", label="Test accuracy", unit="%"),
        ),
        rows=tuple(rows),
        empty=None if rows else "no variant was run; lay config/presets/object-id-sweep.yaml on top of a preset",
    )


def _of_trainings(accuracies: Sequence[float | None]) -> Measured:
    """Return mean and standard deviation of the trainings in percent; one training has no deviation."""
    known = [100.0 * accuracy for accuracy in accuracies if accuracy is not None]
    if not known:
        return Measured(value=None, reason="there is no training with an accuracy")
    spread = float(np.std(known, ddof=1)) if len(known) > 1 else None
    return Measured(value=float(np.mean(known)), error=spread, decimals=None if spread else 2)


def accuracy_rows(inputs: ReportInputs, model: str, member: int, key: str = "validation_accuracy") -> list[float]:
    """Return the accuracy of each epoch of a member."""
    file = inputs.manifests[model].parent / inputs.manifest_of[model]["members"][member]["file"]
    history = read_json(file.with_suffix(".json")).get("history", [])
    return [] if isinstance(history, dict) else [row[key] for row in history if key in row]


def class_counts(inputs: ReportInputs) -> Table:
    """Objects of each class in what was evaluated, and in the shards that the figures show."""
    rows: list[tuple[Cell, ...]] = []
    for name in inputs.shards:
        counts = np.bincount(objects_of(inputs, name).label, minlength=len(CLASS_NAMES))
        rows.append((f"{name}, shards shown", *(int(n) for n in counts), int(counts.sum())))
    for sample in evaluation_samples(inputs):
        metrics = metrics_of(inputs, sample)[inputs.reference]
        counts = np.array(metrics["counts"]).sum(axis=1)
        rows.append((f"{sample_title(sample)}, evaluated", *(int(n) for n in counts), int(counts.sum())))
    return Table(
        name="class_counts",
        title="Objects of each class",
        caption="After all cuts.",
        columns=(
            Column(key="sample", label="Sample", align="left"),
            *(Column(key=name, label=name) for name in CLASS_NAMES),
            Column(key="all", label="All"),
        ),
        rows=tuple(rows),
    )
