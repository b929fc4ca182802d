"""Training histories as the figures and tables need them; the only place that knows the files' fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hitforge.provenance import read_json
from hitforge.reporting.chapter import ReportInputs


@dataclass(frozen=True)
class History:
    """How one member was trained."""

    member: int
    kind: str
    step: list[int]
    """Epoch (networks) or boosting round (trees) of each entry, counted from one."""
    train: list[float | None]
    """Loss, a running mean over the epoch for networks."""
    monitor: list[float | None]
    lr: list[float | None]
    """Learning rate, like the momentum at the end of each epoch; empty for trees."""
    beta1: list[float | None]
    best: int | None
    """Step whose weights were kept."""
    best_loss: float | None
    n_training: int | None
    n_monitoring: int | None
    stop_reason: str | None


def load_histories(manifest_path: Path, manifest: Mapping[str, Any]) -> list[History]:
    """Return the histories of a model's members; members without a history file are left out."""
    paths = [(manifest_path.parent / member["file"]).with_suffix(".json") for member in manifest.get("members", [])]
    return [_history(member, read_json(path)) for member, path in enumerate(paths) if path.is_file()]


def trained_histories(inputs: ReportInputs) -> dict[str, list[History]]:
    """Return the histories of each model that was trained in steps; a table is fitted at once."""
    found = {model: load_histories(inputs.manifests[model], manifest) for model, manifest in inputs.manifest_of.items()}
    return {model: steps for model, own in found.items() if (steps := [history for history in own if history.step])}


def _history(member: int, content: Mapping[str, Any]) -> History:
    history, best, best_loss = content.get("history", []), content.get("best_epoch"), content.get("best_loss")
    if trees := isinstance(history, Mapping):
        best, best_loss = history.get("best_round"), history.get("best_loss")
        curves = {key: list(history.get(key, [])) for key in ("train", "monitor")} | {"lr": [], "beta1": []}
        step = list(range(1, len(curves["monitor"]) + 1))
        if best_loss is None and best is not None and best < len(step):
            best_loss = curves["monitor"][best]
    else:
        names = {"train": "train_loss", "monitor": "validation_loss", "lr": "lr", "beta1": "beta1"}
        curves = {key: [row.get(name) for row in history] for key, name in names.items()}
        step = [int(row.get("epoch", i)) + 1 for i, row in enumerate(history)]
    return History(
        member=member,
        kind="trees" if trees else "network",
        step=step,
        **curves,
        best=None if best is None else int(best) + 1,
        best_loss=best_loss,
        n_training=content.get("n_training"),
        n_monitoring=content.get("n_monitoring"),
        stop_reason=content.get("stop_reason"),
    )
