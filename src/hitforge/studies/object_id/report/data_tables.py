"""Tables of the data, the sweep and the slides' single images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hitforge.provenance import read_json
from hitforge.published import load_published
from hitforge.reporting.chapter import MODEL, Measured, ReportInputs, Table, by_place, column, columns_by, make_table
from hitforge.reporting.history import load_histories
from hitforge.reporting.metrics import evaluation_samples, metrics_of, sample_title
from hitforge.studies.object_id.data.objects import CLASS_NAMES, N_CLASSES
from hitforge.studies.object_id.report.view import objects_of, predicted_objects, sweep_of


def image_scores(inputs: ReportInputs) -> Table:
    """Class scores of one test image of each class, as in the slides, beside the printed ones."""
    published, found = load_published(inputs.study), predicted_objects(inputs)
    rows: list[tuple[str, str, Sequence[float]]] = []
    for c, name in enumerate(CLASS_NAMES):
        own = np.flatnonzero(found.label == c) if found is not None else np.zeros(0, np.int64)
        if found is not None and len(own):
            rows.append((f"{inputs.reference}, this run", name, (100.0 * found.probabilities[own[0]]).tolist()))
    rows += [("slides, other data", name, scores) for name, scores in published.blocks["scores_percent"].items()]
    return make_table(
        "image_scores",
        "Scores of single images",
        "The first test image of each class, not a chosen one, beside what the slides print. Scores of single images "
        "say how sure a model is of them, not how often it is right; the class report does.",
        (
            *by_place({"source": "Scores of", "true": "True class"}),
            *columns_by(
                {name: (name, "%") for name in CLASS_NAMES},
                lambda row, name: Measured(value=row[2][CLASS_NAMES.index(name)], decimals=3),
            ),
        ),
        rows,
        notes=(f"{published.source}; {published.note}.",),
    )


def sweep(inputs: ReportInputs) -> Table:
    """Variants of the seed's network: what validation says, and the test sample once."""
    models, entries = sweep_of(inputs), inputs.settings["models"]
    histories = {model: load_histories(inputs.manifests[model], inputs.manifest_of[model]) for model in models}
    # the number of the best epoch of each training that has one, and the accuracy there
    best = {m: [(own.member, own.best) for own in histories[m] if own.best is not None] for m in models}

    def validation_accuracy(model: str) -> Measured:
        return _of_trainings([accuracy_by_epoch(inputs, model, k)[epoch - 1] for k, epoch in best[model]])

    return make_table(
        "sweep",
        "Variants of the seed's network",
        "Variants are chosen by the validation folds; the test sample is looked at once. Mean of the trainings, which "
        "differ in seed and validation fold, and their standard deviation; each network stands for itself, they are "
        "not averaged.",
        (
            MODEL,
            column(
                "description", "Variant", lambda m: entries.get(m, {}).get("description", ""), align="left", wide=True
            ),
            column("parameters", "Parameters", lambda m: inputs.manifest_of[m].get("n_parameters")),
            column("trainings", "Trainings", lambda m: len(histories[m])),
            column("epochs", "Epochs, at most", lambda m: max((len(own.step) for own in histories[m]), default=None)),
            column(
                "best_epoch",
                "Best epoch, mean",
                lambda m: float(np.mean([epoch for _, epoch in best[m]])) if best[m] else None,
            ),
            column("validation_accuracy", "Validation accuracy", validation_accuracy, "%"),
            column(
                "test_accuracy", "Test accuracy", lambda m: _of_trainings(metrics_of(inputs)[m]["member_accuracy"]), "%"
            ),
        ),
        models,
        empty="no variant was run; lay config/presets/object-id-sweep.yaml on top of a preset",
    )


def _of_trainings(accuracies: Sequence[float | None]) -> Measured:
    """Return mean and standard deviation of the trainings in percent; one training has no deviation."""
    known = [100.0 * accuracy for accuracy in accuracies if accuracy is not None]
    if not known:
        return Measured(value=None, reason="there is no training with an accuracy")
    spread = float(np.std(known, ddof=1)) if len(known) > 1 else None
    return Measured(value=float(np.mean(known)), error=spread, decimals=None if spread else 2)


def accuracy_by_epoch(inputs: ReportInputs, model: str, member: int, key: str = "validation_accuracy") -> list[float]:
    """Return the accuracy of each epoch of a member."""
    file = inputs.manifests[model].parent / inputs.manifest_of[model]["members"][member]["file"]
    history = read_json(file.with_suffix(".json")).get("history", [])
    return [] if isinstance(history, dict) else [row[key] for row in history if key in row]


def class_counts(inputs: ReportInputs) -> Table:
    """Objects of each class in what was evaluated, and in the shards that the figures show."""
    rows = [
        (f"{name}, shards shown", np.bincount(objects_of(inputs, name).label, minlength=N_CLASSES))
        for name in inputs.shards
    ] + [
        (f"{sample_title(name)}, evaluated", np.array(metrics_of(inputs, name)[inputs.reference]["counts"]).sum(axis=1))
        for name in evaluation_samples(inputs)
    ]
    return make_table(
        "class_counts",
        "Objects of each class",
        "After all cuts.",
        by_place({"sample": "Sample"}, {**dict(zip(CLASS_NAMES, CLASS_NAMES, strict=True)), "all": "All"}),
        [(name, *counts.tolist(), int(counts.sum())) for name, counts in rows],
    )
