"""Tables of the training: how members were trained, how the trees were tuned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hitforge.reporting.chapter import (
    MODEL,
    Cell,
    Column,
    Measured,
    ReportInputs,
    Table,
    column,
    make_table,
    text_column,
)
from hitforge.reporting.history import History, load_histories


def models(inputs: ReportInputs) -> Table:
    """What each reported model is."""

    def manifest(model: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = inputs.manifest_of.get(model, {})
        return found

    def setting(model: str, key: str) -> str:
        return str(inputs.settings["models"].get(model, {}).get(key, ""))

    return make_table(
        "models",
        "Models",
        "Models of this report; the configuration has all their settings.",
        (
            MODEL,
            text_column("kind", "Kind", lambda model: setting(model, "kind") or manifest(model).get("kind", "")),
            text_column("description", "Description", lambda model: setting(model, "description"), wide=True),
            column("features", "Features", lambda model: len(manifest(model).get("features", [])) or None),
            column("parameters", "Parameters", lambda model: manifest(model).get("n_parameters")),
            column("members", "Members", lambda model: len(manifest(model).get("members", [])) or None),
        ),
        inputs.metrics,
    )


def training(inputs: ReportInputs, unit: str, decimals: int | None = None) -> Table:
    """How each member was trained; ``unit`` and ``decimals`` are those of the loss."""

    def weight(row: tuple[str, History]) -> Cell:
        weights = inputs.manifest_of[row[0]].get("weights") or []
        return _number(weights[row[1].member], 3) if row[1].member < len(weights) else None

    return make_table(
        "training",
        "Training of each member",
        "Steps are epochs of networks and boosting rounds of trees. The best loss is that of the monitoring fold, "
        "another one for each member; the weight is that of the member in the ensemble.",
        (
            text_column("model", "Model", lambda row: row[0]),
            column("member", "Member", lambda row: row[1].member),
            column("n_training", "Training events", lambda row: row[1].n_training),
            column("n_monitoring", "Monitoring events", lambda row: row[1].n_monitoring),
            column("steps", "Steps", lambda row: len(row[1].step)),
            column("best_step", "Best step", lambda row: row[1].best),
            column("best_loss", "Best loss", lambda row: _number(row[1].best_loss, decimals), unit),
            column("weight", "Ensemble weight", weight),
            text_column("stop_reason", "Ended by", lambda row: row[1].stop_reason or ""),
        ),
        [
            (model, history)
            for model, manifest in inputs.manifest_of.items()
            for history in load_histories(inputs.manifests[model], manifest)
            if history.step  # a table is fitted at once
        ],
        empty="no training history was found beside the models' manifests",
    )


def _number(value: float | None, decimals: int | None = None) -> Cell:
    return None if value is None else Measured(value=float(value), decimals=decimals)


def tuning(inputs: ReportInputs, unit: str, decimals: int | None = None) -> Table:
    """Trials of the hyper-parameter search, best first; ``unit`` and ``decimals`` are those of the score."""
    trials = [
        (model, trial) for model, manifest in inputs.manifest_of.items() for trial in manifest.get("trials") or []
    ]
    trials.sort(key=lambda item: (item[0], item[1]["score"] is None, item[1]["score"], item[1]["number"]))
    best = dict(reversed(trials))

    def parameter(name: str) -> Column:
        return column(name, name, lambda row: _parameter(row[1].get("params", {}).get(name)))

    return make_table(
        "tuning",
        "Hyper-parameter search",
        "Trials of the search on the training folds, best first; the held-out folds are never looked at. A trial "
        "without score was ended early: its monitoring loss was above the median of those before.",
        (
            text_column("model", "Model", lambda row: row[0]),
            column("trial", "Trial", lambda row: int(row[1]["number"])),
            column("score", "Score (loss)", lambda row: _number(row[1]["score"], decimals), unit),
            *map(parameter, dict.fromkeys(name for _, trial in trials for name in trial.get("params", {}))),
        ),
        trials,
        empty="no tuned model is among the reported models",
        highlight=lambda row: row[1] is best[row[0]],
    )


def _parameter(value: Any) -> Cell:
    return Measured(value=float(value)) if isinstance(value, float) else value
