"""Tables of the data, the models and the slides' single images."""

from __future__ import annotations

import numpy as np

from hitforge.provenance import read_json
from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.reporting.history import load_histories
from hitforge.studies.object_id.objects import CLASS_NAMES
from hitforge.studies.object_id.published import load_published
from hitforge.studies.object_id.report.object_data import load_objects
from hitforge.studies.object_id.report.predicted import predicted_objects
from hitforge.studies.object_id.report.view import SWEEP_PREFIX, cell, evaluation_samples, metrics_of, sample_title

SWEEP_BASE = "seed-cnn"


def image_scores(inputs: ReportInputs) -> Table:
    """Class scores of one test image of each class, as in the slides, beside the printed ones."""
    rows: list[tuple[Cell, ...]] = []
    found = predicted_objects(inputs)
    for c, name in enumerate(CLASS_NAMES):
        own = np.flatnonzero(found.label == c) if found is not None else np.zeros(0, np.int64)
        if found is not None and len(own):
            scores = (Measured(value=100.0 * float(p), decimals=4) for p in found.probabilities[own[0]])
            rows.append((f"{inputs.reference}, this run", name, *scores))
    published = load_published()
    rows += [
        ("slides, other data", name, *(Measured(value=value, decimals=4) for value in scores))
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
    models = [name for name in inputs.metrics if name.startswith(SWEEP_PREFIX)]
    rows: list[tuple[Cell, ...]] = []
    for model in [name for name in (SWEEP_BASE,) if models and name in inputs.metrics] + models:
        for history in load_histories(inputs.manifests[model], inputs.manifest_of[model]):
            entry = accuracy_rows(inputs, model, history.member)
            best = None if history.best is None else entry[history.best - 1]
            rows.append(
                (
                    model,
                    inputs.settings["models"].get(model, {}).get("description", ""),
                    inputs.manifest_of[model].get("n_parameters"),
                    len(history.step),
                    history.best,
                    Measured(value=None if best is None else 100.0 * best, reason=None if best is not None else "none"),
                    *(cell(metrics_of(inputs)[model]["classes"]["accuracy"], scale=100.0),),
                )
            )
    return Table(
        name="sweep",
        title="Variants of the seed's network",
        caption="Variants are chosen by the validation fold; the test sample is looked at once. One training each.",
        columns=(
            Column(key="model", label="Model", align="left"),
            Column(key="description", label="Variant", align="left", wide=True),
            Column(key="parameters", label="Parameters"),
            Column(key="epochs", label="Epochs"),
            Column(key="best_epoch", label="Best epoch"),
            Column(key="validation_accuracy", label="Validation accuracy", unit="%"),
            Column(key="test_accuracy", label="Test accuracy", unit="%"),
        ),
        rows=tuple(rows),
        empty=None if rows else "no variant was run; lay config/presets/object-id-sweep.yaml on top of a preset",
    )


def accuracy_rows(inputs: ReportInputs, model: str, member: int, key: str = "validation_accuracy") -> list[float]:
    """Return the accuracy of each epoch of a member."""
    file = inputs.manifests[model].parent / inputs.manifest_of[model]["members"][member]["file"]
    history = read_json(file.with_suffix(".json")).get("history", [])
    return [] if isinstance(history, dict) else [row[key] for row in history if key in row]


def class_counts(inputs: ReportInputs) -> Table:
    """Objects of each class in what was evaluated, and in the shards that the figures show."""
    rows: list[tuple[Cell, ...]] = []
    for name in inputs.shards:
        counts = np.bincount(load_objects(inputs, name).label, minlength=len(CLASS_NAMES))
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


def models(inputs: ReportInputs) -> Table:
    """What each reported model is."""
    rows = []
    for model in inputs.metrics:
        entry, manifest = inputs.settings["models"].get(model, {}), inputs.manifest_of[model]
        rows.append(
            (
                model,
                entry.get("kind", manifest.get("kind", "")),
                entry.get("description", ""),
                len(manifest.get("features", [])) or None,
                manifest.get("n_parameters"),
                len(manifest.get("members", [])) or None,
            )
        )
    return Table(
        name="models",
        title="Models",
        caption="Models of this report; the configuration has all their settings.",
        columns=(
            Column(key="model", label="Model", align="left"),
            Column(key="kind", label="Kind", align="left"),
            Column(key="description", label="Description", align="left", wide=True),
            Column(key="features", label="Features"),
            Column(key="parameters", label="Parameters"),
            Column(key="members", label="Members"),
        ),
        rows=tuple(rows),
    )
