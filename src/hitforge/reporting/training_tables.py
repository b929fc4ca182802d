"""Tables of the training: how members were trained, how the trees were tuned."""

from __future__ import annotations

from typing import Any

from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.reporting.history import load_histories


def models(inputs: ReportInputs) -> Table:
    """What each reported model is."""
    rows = []
    for model in inputs.metrics:
        entry, manifest = inputs.settings["models"].get(model, {}), inputs.manifest_of.get(model, {})
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


def training(inputs: ReportInputs, unit: str, decimals: int | None = None) -> Table:
    """How each member was trained; ``unit`` and ``decimals`` are those of the loss."""
    rows: list[tuple[Cell, ...]] = []
    for model, manifest in inputs.manifest_of.items():
        weights = manifest.get("weights") or []
        for history in load_histories(inputs.manifests[model], manifest):
            if not history.step:
                continue  # a table is fitted at once
            rows.append(
                (
                    model,
                    history.member,
                    history.n_training,
                    history.n_monitoring,
                    len(history.step),
                    history.best,
                    _number(history.best_loss, decimals),
                    _number(weights[history.member], 3) if history.member < len(weights) else None,
                    history.stop_reason or "",
                )
            )
    return Table(
        name="training",
        title="Training of each member",
        caption=(
            "Steps are epochs of networks and boosting rounds of trees. The best loss is that of the monitoring fold, "
            "another one for each member; the weight is that of the member in the ensemble."
        ),
        columns=(
            Column(key="model", label="Model", align="left"),
            Column(key="member", label="Member"),
            Column(key="n_training", label="Training events"),
            Column(key="n_monitoring", label="Monitoring events"),
            Column(key="steps", label="Steps"),
            Column(key="best_step", label="Best step"),
            Column(key="best_loss", label="Best loss", unit=unit),
            Column(key="weight", label="Ensemble weight"),
            Column(key="stop_reason", label="Ended by", align="left"),
        ),
        rows=tuple(rows),
        empty=None if rows else "no training history was found beside the models' manifests",
    )


def _number(value: float | None, decimals: int | None = None) -> Cell:
    return None if value is None else Measured(value=float(value), decimals=decimals)


def tuning(inputs: ReportInputs, unit: str, decimals: int | None = None) -> Table:
    """Trials of the hyper-parameter search, best first; ``unit`` and ``decimals`` are those of the score."""
    trials = [
        (model, trial) for model, manifest in inputs.manifest_of.items() for trial in manifest.get("trials") or []
    ]
    trials.sort(key=lambda item: (item[0], item[1]["score"] is None, item[1]["score"], item[1]["number"]))
    parameters = list(dict.fromkeys(name for _, trial in trials for name in trial.get("params", {})))
    rows = tuple(
        (
            model,
            int(trial["number"]),
            _number(trial["score"], decimals),
            *(_parameter(trial.get("params", {}).get(name)) for name in parameters),
        )
        for model, trial in trials
    )
    best = tuple(i for i, row in enumerate(rows) if i == 0 or rows[i - 1][0] != row[0])
    return Table(
        name="tuning",
        title="Hyper-parameter search",
        caption=(
            "Trials of the search on the training folds, best first; the held-out folds are never looked at. A trial "
            "without score was ended early: its monitoring loss was above the median of those before."
        ),
        columns=(
            Column(key="model", label="Model", align="left"),
            Column(key="trial", label="Trial"),
            Column(key="score", label="Score (loss)", unit=unit),
            *(Column(key=name, label=name) for name in parameters),
        ),
        rows=rows,
        empty=None if rows else "no tuned model is among the reported models",
        highlight=best,
    )


def _parameter(value: Any) -> Cell:
    return Measured(value=float(value)) if isinstance(value, float) else value
