"""Table of the models: what each is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hitforge.reporting.chapter import Cell, Column, ReportInputs, Table
from hitforge.studies.calo_muon.report.model_view import (
    INPUTS,
    input_class,
    is_trees,
    n_operations,
    objective_text,
    settings_of,
)


def models(inputs: ReportInputs) -> Table:
    """What each reported model is."""
    rows: list[tuple[Cell, ...]] = []
    for model in inputs.metrics:
        entry, operations = settings_of(inputs, model), n_operations(inputs, model)
        training = _trees_text(entry) if is_trees(inputs, model) else _training_text(entry)
        rows.append(
            (
                model,
                entry.get("description", ""),
                INPUTS[input_class(inputs, model)][0],
                None if operations is None else round(operations),
                "; ".join(words for words in (objective_text(inputs, model), *training) if words),
            )
        )
    return Table(
        name="models",
        title="Models",
        caption=(
            "Models of this report with the settings that matter most; the configuration has all of them. Operations: "
            "multiplications with addition of a network, comparisons of trees, all members together."
        ),
        columns=(
            Column(key="model", label="Model", align="left"),
            Column(key="description", label="Description", align="left", wide=True),
            Column(key="inputs", label="Inputs", align="left"),
            Column(key="operations", label="Operations a muon"),
            Column(key="training", label="Objective and training", align="left", wide=True),
        ),
        rows=tuple(rows),
    )


def _training_text(entry: Mapping[str, Any]) -> list[str]:
    training = entry.get("training")
    if not training:
        return []
    loss, schedule = training["loss"], training["schedule"]
    cycle = schedule["warmup_epochs"] + schedule["decay_epochs"]
    rate = (
        f"constant rate {schedule['lr_peak']:g}"
        if schedule["constant"]
        else f"one cycle of {cycle} epochs to rate {schedule['lr_peak']:g}"
    )
    if not schedule["constant"] and schedule["step_epochs"]:
        rate += f", then at most {schedule['step_epochs']} of step decay"
    return [
        "" if loss["huber"] == "off" else f"{loss['huber']} Huber thresholds",
        f"batch {training['batch_size']}",
        rate,
        f"fold scheme {training['folds']}",
    ]


def _trees_text(entry: Mapping[str, Any]) -> list[str]:
    trees = entry.get("trees")
    if not trees:
        return []
    return [f"at most {trees['rounds']} rounds, stopped after {trees['early_stopping_rounds']} without improvement"]
