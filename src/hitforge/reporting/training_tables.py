"""Tables of the training: how members were trained, how the trees were tuned."""

from __future__ import annotations

from typing import Any

from hitforge.reporting.chapter import MODEL, Measured, ReportInputs, Table, column, columns_by, make_table, text_column
from hitforge.reporting.history import History, trained_histories


def models(inputs: ReportInputs) -> Table:
    """What each reported model is."""

    def manifest(model: str, key: str) -> Any:
        return inputs.manifest_of.get(model, {}).get(key)

    def setting(model: str, key: str) -> str:
        return str(inputs.settings["models"].get(model, {}).get(key, ""))

    return make_table(
        "models",
        "Models",
        "Models of this report; the configuration has all their settings.",
        (
            MODEL,
            text_column("kind", "Kind", lambda model: setting(model, "kind") or manifest(model, "kind") or ""),
            text_column("description", "Description", lambda model: setting(model, "description"), wide=True),
            column("features", "Features", lambda model: len(manifest(model, "features") or ()) or None),
            column("parameters", "Parameters", lambda model: manifest(model, "n_parameters")),
            column("members", "Members", lambda model: len(manifest(model, "members") or ()) or None),
        ),
        inputs.metrics,
    )


def training(inputs: ReportInputs, unit: str, decimals: int | None = None) -> Table:
    """How each member was trained; ``unit`` and ``decimals`` are those of the loss."""

    def weight(row: tuple[str, History]) -> Measured | None:
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
        [(model, history) for model, histories in trained_histories(inputs).items() for history in histories],
        empty="no training history was found beside the models' manifests",
    )


def _number(value: float | None, decimals: int | None = None) -> Measured | None:
    return None if value is None else Measured(value=float(value), decimals=decimals)


def tuning(inputs: ReportInputs, unit: str, decimals: int | None = None) -> Table:
    """Trials of the hyper-parameter search, best first; ``unit`` and ``decimals`` are those of the score."""
    trials = [
        (model, trial) for model, manifest in inputs.manifest_of.items() for trial in manifest.get("trials") or []
    ]
    trials.sort(key=lambda item: (item[0], item[1]["score"] is None, item[1]["score"], item[1]["number"]))
    best = dict(reversed(trials))
    parameters = {name: (name.replace("_", " "), "") for _, trial in trials for name in trial.get("params", {})}
    return make_table(
        "tuning",
        "Hyper-parameter search",
        "Trials of the search on the training folds, best first; the held-out folds are never looked at. A trial "
        "without score was ended early: its monitoring loss was above the median of those before.",
        (
            text_column("model", "Model", lambda row: row[0]),
            column("trial", "Trial", lambda row: int(row[1]["number"])),
            column("score", "Score (loss)", lambda row: _number(row[1]["score"], decimals), unit),
            *columns_by(parameters, lambda row, name: _parameter(row[1].get("params", {}).get(name))),
        ),
        trials,
        empty="no tuned model is among the reported models",
        highlight=lambda row: row[1] is best[row[0]],
    )


def _parameter(value: Any) -> Any:
    return Measured(value=float(value)) if isinstance(value, float) else value
