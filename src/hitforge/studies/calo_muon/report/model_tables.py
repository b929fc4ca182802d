"""Tables of what models and features are, and of what was published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hitforge.provenance import read_json
from hitforge.published import PublishedResult, load_published
from hitforge.reporting.chapter import MODEL, Measured, ReportInputs, Table, column, make_table, text_column
from hitforge.studies.calo_muon.features import FEATURE_MEANINGS, FEATURE_NAMES, FEATURE_UNITS
from hitforge.studies.calo_muon.report import view
from hitforge.studies.calo_muon.report.model_view import (
    INPUTS,
    input_class,
    is_trees,
    n_operations,
    objective_text,
    settings_of,
)
from hitforge.studies.calo_muon.report.muon_data import load_features
from hitforge.words import HELDOUT


def models(inputs: ReportInputs) -> Table:
    """What each reported model is."""

    def description(model: str) -> str:
        return str(settings_of(inputs, model).get("description", ""))

    def operations(model: str) -> int | None:
        found = n_operations(inputs, model)
        return None if found is None else round(found)

    def training(model: str) -> str:
        entry = settings_of(inputs, model)
        words = _trees_text(entry) if is_trees(inputs, model) else _training_text(entry)
        return "; ".join(text for text in (objective_text(inputs, model), *words) if text)

    return make_table(
        "models",
        "Models",
        "Models of this report with the settings that matter most; the configuration has all of them. Operations: "
        "multiplications with addition of a network, comparisons of trees, all members together.",
        (
            MODEL,
            text_column(
                "description", "Description", lambda m: settings_of(inputs, m).get("description", ""), wide=True
            ),
            text_column("inputs", "Inputs", lambda model: INPUTS[input_class(inputs, model)]),
            column("operations", "Operations a muon", operations),
            text_column("training", "Objective and training", training, wide=True),
        ),
        inputs.metrics,
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


def features(inputs: ReportInputs) -> Table:
    """The 28 high-level features with mean and standard deviation."""
    if inputs.scaling is not None and inputs.scaling.is_file():
        scaling = read_json(inputs.scaling)
        base = f"the {scaling['n_events']} training muons that fixed the scaling"
        mean, std = (dict(zip(scaling["names"], scaling[key], strict=True)) for key in ("mean", "std"))
    else:
        values = load_features(inputs)[0].astype(np.float64)
        base = f"{len(values)} muons of the train sample"
        moments = (values.mean(axis=0), values.std(axis=0)) if len(values) else ((), ())
        mean, std = (dict(zip(FEATURE_NAMES, moment, strict=False)) for moment in moments)

    def cell(found: Mapping[str, float], name: str) -> Measured | None:
        return Measured(value=float(found[name])) if name in found else None

    return make_table(
        "features",
        "The 28 features",
        f"Names and order are those of the published files; mean and standard deviation of {base}, with |emeas| "
        "clipped at 10 TeV as models see it.",
        (
            column("index", "#", FEATURE_NAMES.index),
            text_column("name", "Name", str),
            text_column("unit", "Unit", lambda name: FEATURE_UNITS[name].replace("^2", "²")),
            text_column("meaning", "Meaning", FEATURE_MEANINGS.__getitem__, wide=True),
            column("mean", "Mean", lambda name: cell(mean, name)),
            column("std", "Std. dev.", lambda name: cell(std, name)),
        ),
        FEATURE_NAMES,
    )


def published(inputs: ReportInputs) -> Table:
    """All published values, each beside the model of this run that repeats it."""
    known = load_published(inputs.study)

    def ours(result: PublishedResult) -> Measured | None:
        model = result.model
        if model is None or HELDOUT not in inputs.metrics_of.get(model, {}).get("samples", {}):
            return None
        if result.about["of"] == "ensemble":
            return view.number(inputs, model, HELDOUT, view.MI)
        singles = inputs.metrics_of[model]["samples"][HELDOUT]["singles"]
        return Measured.of(singles["mean_improvement"], view.SCALE[view.MI])

    def printed(result: PublishedResult) -> Measured:
        return Measured(value=result.value, error=result.error, decimals=result.decimals)

    return make_table(
        "published",
        "Published mean improvements",
        f"Held-out mean improvement as printed in {known.source}, and that of this run where it has one.",
        (
            text_column("table", "Published table", lambda result: result.about["table"]),
            text_column("variant", "Variant", lambda result: result.text),
            column("muons", "Muons", lambda result: result.about["muons"]),
            column("published", "MI published", printed, "pp"),
            column("this_run", "MI this run (other data)", ours, "pp"),
        ),
        known.results,
        notes=(
            "The published muons come from Geant4 and are another data set: agreement is not expected of other data or "
            "fewer muons, and a larger number is no better result.",
            "Ablations and singles are means over members; ensembles are printed without an error.",
        ),
    )
