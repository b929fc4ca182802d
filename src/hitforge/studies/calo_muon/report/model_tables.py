"""Table of the models: what each is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hitforge.reporting.chapter import Cell, Column, ReportInputs, Table


def models(inputs: ReportInputs) -> Table:
    """What each reported model is."""
    rows: list[tuple[Cell, ...]] = []
    for model in inputs.metrics:
        entry, manifest = inputs.settings["models"].get(model, {}), inputs.manifest_of.get(model, {})
        network = entry.get("kind") == "network"
        rows.append(
            (
                model,
                entry.get("description", ""),
                len(manifest.get("features", [])) or None,
                _training_text(entry["training"]) if network else _trees_text(entry.get("trees", {})),
            )
        )
    return Table(
        name="models",
        title="Models",
        caption="Models of this report with the settings that matter most; the configuration has all of them.",
        columns=(
            Column(key="model", label="Model", align="left"),
            Column(key="description", label="Description", align="left", wide=True),
            Column(key="features", label="Features"),
            Column(key="training", label="Training", align="left", wide=True),
        ),
        rows=tuple(rows),
    )


def _training_text(training: Mapping[str, Any]) -> str:
    loss, schedule = training["loss"], training["schedule"]
    kind = "fractional squared error" if loss["kind"] == "mfse" else "squared error"
    huber = "no Huberisation" if loss["huber"] == "off" else f"{loss['huber']} Huber thresholds"
    cycle = schedule["warmup_epochs"] + schedule["decay_epochs"]
    rate = (
        f"constant rate {schedule['lr_peak']:g}"
        if schedule["constant"]
        else f"one cycle of {cycle} epochs to rate {schedule['lr_peak']:g}"
    )
    if not schedule["constant"] and schedule["step_epochs"]:
        rate += f", then at most {schedule['step_epochs']} of step decay"
    weights = "" if loss["weighted"] else ", unweighted"
    return f"{kind}{weights}, {huber}; batch {training['batch_size']}; {rate}; fold scheme {training['folds']}"


def _trees_text(trees: Mapping[str, Any]) -> str:
    if not trees:
        return ""
    return (
        f"objective {trees.get('objective', '?')}; at most {trees.get('rounds', '?')} rounds, stopped after "
        f"{trees.get('early_stopping_rounds', '?')} without improvement"
    )
