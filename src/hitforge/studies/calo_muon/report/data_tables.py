"""Table of the high-level features."""

from __future__ import annotations

import numpy as np

from hitforge.provenance import read_json
from hitforge.reporting.chapter import Column, Measured, ReportInputs, Table
from hitforge.studies.calo_muon.features import FEATURE_MEANINGS, FEATURE_NAMES, FEATURE_UNITS
from hitforge.studies.calo_muon.report.muon_data import load_features


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
