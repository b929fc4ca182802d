"""Tables of the data: cut flow, bad parts, features."""

from __future__ import annotations

import numpy as np

from hitforge.provenance import read_json
from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.studies.calo_muon.feature_table import FEATURE_MEANINGS, FEATURE_NAMES, FEATURE_UNITS
from hitforge.studies.calo_muon.report.muon_data import load_features


def cut_flow(inputs: ReportInputs) -> Table:
    """Parts and muons of each sample, from what was found to what was used."""
    rows: list[tuple[Cell, ...]] = []
    for name, inventory in inputs.inventory_of.items():
        sample = inputs.settings["samples"].get(name, {})
        status = [entry.status for entry in inventory.parts.values()]
        found = sum(entry.n_events for entry in inventory.parts.values())
        rows.append(
            (
                name,
                sample.get("role", ""),
                source_text(sample.get("source", "")),
                len(status),
                status.count("bad"),
                status.count("duplicate"),
                status.count("good"),
                found,
                inventory.n_events,
            )
        )
    return Table(
        name="cut_flow",
        title="Samples and parts",
        caption="Parts found, left out and used. Muons found counts all that could be read, in left-out parts too.",
        columns=(
            Column(key="sample", label="Sample", align="left"),
            Column(key="role", label="Role", align="left"),
            Column(key="source", label="Source", align="left", wide=True),
            Column(key="parts_found", label="Parts found"),
            Column(key="parts_bad", label="Bad"),
            Column(key="parts_duplicate", label="Duplicate"),
            Column(key="parts_used", label="Used"),
            Column(key="muons_found", label="Muons found"),
            Column(key="muons_used", label="Muons used"),
        ),
        rows=tuple(rows),
    )


def source_text(source: str | list[str] | tuple[str, ...]) -> str:
    """Return a sample's source as text."""
    return source if isinstance(source, str) else ", ".join(source)


def bad_parts(inputs: ReportInputs) -> Table:
    """Every part that is not used, with the reason and the fix."""
    rows = [
        (name, part, entry.status, "; ".join(entry.reasons), entry.source)
        for name, inventory in inputs.inventory_of.items()
        for part, entry in inventory.parts.items()
        if entry.status != "good"
    ]
    return Table(
        name="bad_parts",
        title="Parts left out",
        caption="Quarantined and duplicate parts: none of their muons is used anywhere.",
        columns=(
            Column(key="sample", label="Sample", align="left"),
            Column(key="part", label="Part", align="left"),
            Column(key="status", label="Status", align="left"),
            Column(key="reason", label="Reason and fix", align="left", wide=True),
            Column(key="source", label="Source", align="left", wide=True),
        ),
        rows=tuple(rows),
        empty=None if rows else "every part is good: nothing was left out",
    )


def features(inputs: ReportInputs) -> Table:
    """The 28 high-level features with mean and standard deviation."""
    if inputs.scaling is not None and inputs.scaling.is_file():
        scaling = read_json(inputs.scaling)
        n_muons, names, mean, std = scaling["n_events"], scaling["names"], scaling["mean"], scaling["std"]
        base = f"the {n_muons} training muons that fixed the scaling"
    else:
        values = load_features(inputs).features.astype(np.float64)
        names = list(FEATURE_NAMES)
        mean, std = (values.mean(axis=0), values.std(axis=0)) if len(values) else (None, None)
        base = f"{len(values)} muons of the train sample"
    by_name: dict[str, tuple[float, float]] = {}
    if mean is not None and std is not None:
        by_name = {name: (float(m), float(s)) for name, m, s in zip(names, mean, std, strict=True)}
    rows = [
        (
            i,
            name,
            FEATURE_UNITS[name].replace("^2", "²"),
            FEATURE_MEANINGS[name],
            *(Measured(value=v) for v in by_name.get(name, ())),
            *([None, None] if name not in by_name else []),
        )
        for i, name in enumerate(FEATURE_NAMES)
    ]
    return Table(
        name="features",
        title="The 28 features",
        caption=(
            f"Names and order are those of the published files; mean and standard deviation of {base}, with |emeas| "
            "clipped at 10 TeV as models see it."
        ),
        columns=(
            Column(key="index", label="#"),
            Column(key="name", label="Name", align="left"),
            Column(key="unit", label="Unit", align="left"),
            Column(key="meaning", label="Meaning", align="left", wide=True),
            Column(key="mean", label="Mean"),
            Column(key="std", label="Std. dev."),
        ),
        rows=tuple(rows),
    )
