"""What models are, by settings and manifests: inputs, objective, cost, families that differ in one thing."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.history import load_histories

INPUTS: Mapping[str, str] = {
    "sums": "energy sums",
    "features": "28 features",
    "filtered": "19 features",
    "summaries": "features + layer summaries",
    "layers": "features + layers",
    "cells": "features + cells",
    "cells_only": "cells",
}
"""Classes of inputs, in words."""

_FEATURES = {"esum": "sums", "default": "features", "filtered": "filtered", "layers": "summaries"}
_WEIGHTS = {-2.0: "W/E²", -1.0: "W/E", 0.0: "W", 1.0: "W·E"}
_OTHER = {"density": "density of E", "log": "log E, W"}


def settings_of(inputs: ReportInputs, model: str) -> Mapping[str, Any]:
    """Return a model's settings, empty where it is no longer configured."""
    entry: Mapping[str, Any] = inputs.settings["models"].get(model, {})
    return entry


def input_class(inputs: ReportInputs, model: str) -> str:
    """Return the key of :data:`INPUTS` that a model belongs to."""
    entry = settings_of(inputs, model)
    features, network = entry.get("features", "default"), not is_trees(inputs, model)
    if network and entry.get("layer_network") is not None:
        return "layers"
    if network and _block(entry, "network").get("cnn"):
        return "cells_only" if features == "none" else "cells"
    return _FEATURES.get(features, "features")


def is_trees(inputs: ReportInputs, model: str) -> bool:
    """Whether a model is a sum of trees."""
    kind = settings_of(inputs, model).get("kind", inputs.manifest_of.get(model, {}).get("kind"))
    return bool(kind == "trees")


def target_power(inputs: ReportInputs, model: str) -> float | None:
    """Return the k of the squared error with weight W·E^k that a model minimises; None for another objective."""
    objective = _objective(settings_of(inputs, model))
    return float(objective["target_power"]) if _kind(objective) in ("squared", "huberised") else None


def objective_text(inputs: ReportInputs, model: str) -> str:
    """Return the weight of the squared error in the symbols of the text, or the name of another objective."""
    objective, power = _objective(settings_of(inputs, model)), target_power(inputs, model)
    if power is None:
        return _OTHER.get(_kind(objective), _kind(objective))
    text = power_text(power)
    return text if objective.get("weighted", True) else text.replace("W·", "").replace("W", "1")


def power_text(power: float) -> str:
    """Return the weight W·E^k of the squared error as a word."""
    return _WEIGHTS.get(power, f"W·E^{power:g}")


def _objective(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return _block(entry, "trees") if entry.get("kind") == "trees" else _block(entry, "training", "loss")


def _kind(objective: Mapping[str, Any]) -> str:
    """Return the kind of a loss or the objective of trees."""
    return str(objective.get("kind", objective.get("objective", "")))


def _block(entry: Mapping[str, Any], *path: str) -> dict[str, Any]:
    """Return a block of a model's settings, empty where there is none."""
    found: Any = entry
    for key in path:
        found = found.get(key, {})
    assert isinstance(found, dict)
    return found


def n_training(inputs: ReportInputs, model: str) -> int | None:
    """Return the number of muons that a member was trained on."""
    manifest = inputs.manifest_of.get(model, {})
    if manifest.get("n_training") is not None:
        return int(manifest["n_training"])
    histories = load_histories(inputs.manifests[model], manifest) if model in inputs.manifests else []
    return max((item.n_training for item in histories if item.n_training is not None), default=None)


def n_operations(inputs: ReportInputs, model: str) -> float | None:
    """Return multiplications and additions of a network, or comparisons of trees, for one muon, of all members."""
    found = inputs.manifest_of.get(model, {}).get("n_operations")
    return None if not found else float(found)


def objective_families(inputs: ReportInputs) -> list[dict[float, str]]:
    """Return groups of models whose settings differ in the objective alone: power of E to model."""
    groups: dict[str, dict[float, str]] = {}
    for model in inputs.metrics_of:
        power = target_power(inputs, model)
        if power is not None and settings_of(inputs, model):
            groups.setdefault(_without_objective(settings_of(inputs, model)), {}).setdefault(power, model)
    return [dict(sorted(group.items())) for group in groups.values() if len(group) > 1]


def size_families(inputs: ReportInputs) -> list[dict[int, str]]:
    """Return groups of models whose settings differ in the number of training muons alone: number to model."""
    groups: dict[str, dict[int, str]] = {}
    for model in inputs.metrics_of:
        n_muons = n_training(inputs, model)
        if n_muons is not None and settings_of(inputs, model):
            groups.setdefault(_without_size(settings_of(inputs, model)), {}).setdefault(n_muons, model)
    return [dict(sorted(group.items())) for group in groups.values() if len(group) > 1]


def _relevant(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a model's settings without its words and what its kind does not read."""
    unread = {"training", "network", "layer_network"} if entry.get("kind") == "trees" else {"trees"}
    return copy.deepcopy({key: value for key, value in entry.items() if key not in {"description", "base", *unread}})


def _without_objective(entry: Mapping[str, Any]) -> str:
    own = _relevant(entry)
    for block in (_block(own, "trees"), _block(own, "training", "loss")):
        block.pop("target_power", None)
    return json.dumps(own, sort_keys=True)


def _without_size(entry: Mapping[str, Any]) -> str:
    own = _relevant(entry)
    for block in (_block(own, "training"), _block(own, "trees")):
        block.pop("max_events", None)
    return json.dumps(own, sort_keys=True)
