"""Training histories as the figures and tables need them; the only place that knows the files' fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hitforge.provenance import read_json


@dataclass(frozen=True)
class History:
    """How one member was trained.

    Attributes
    ----------
    step : list of int
        Epoch (networks) or boosting round (trees) of each entry, counted from one.
    train, monitor : list of float or None
        Losses; the training loss is a running mean over the epoch for networks.
    lr, beta1 : list of float or None
        Learning rate and momentum at the end of each epoch; empty for trees.
    best : int or None
        Step whose weights were kept.
    """

    member: int
    kind: str
    step: list[int]
    train: list[float | None]
    monitor: list[float | None]
    lr: list[float | None]
    beta1: list[float | None]
    best: int | None
    best_loss: float | None
    n_training: int | None
    n_monitoring: int | None
    stop_reason: str | None


def load_histories(manifest_path: Path, manifest: Mapping[str, Any]) -> list[History]:
    """Return the histories of a model's members; members without a history file are left out."""
    histories = []
    for index, member in enumerate(manifest.get("members", [])):
        path = (manifest_path.parent / member["file"]).with_suffix(".json")
        if path.is_file():
            content = read_json(path)
            trees = isinstance(content.get("history"), Mapping)
            histories.append(
                History(
                    member=index,
                    n_training=content.get("n_training"),
                    n_monitoring=content.get("n_monitoring"),
                    stop_reason=content.get("stop_reason"),
                    **(_of_trees(content["history"]) if trees else _of_network(content)),
                )
            )
    return histories


def _of_network(content: Mapping[str, Any]) -> dict[str, Any]:
    rows, best = content.get("history", []), content.get("best_epoch")
    return {
        "kind": "network",
        "step": [int(row.get("epoch", i)) + 1 for i, row in enumerate(rows)],
        "train": [row.get("train_loss") for row in rows],
        "monitor": [row.get("validation_loss") for row in rows],
        "lr": [row.get("lr") for row in rows],
        "beta1": [row.get("beta1") for row in rows],
        "best": None if best is None else int(best) + 1,
        "best_loss": content.get("best_loss"),
    }


def _of_trees(history: Mapping[str, Any]) -> dict[str, Any]:
    monitor, best, best_loss = list(history.get("monitor", [])), history.get("best_round"), history.get("best_loss")
    if best_loss is None and best is not None and best < len(monitor):
        best_loss = monitor[best]
    return {
        "kind": "trees",
        "step": list(range(1, len(monitor) + 1)),
        "train": list(history.get("train", [])),
        "monitor": monitor,
        "lr": [],
        "beta1": [],
        "best": None if best is None else int(best) + 1,
        "best_loss": best_loss,
    }
