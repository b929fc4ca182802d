"""Tables of the data: missing hits, class shares, the models' inputs, the deck's search log."""

from __future__ import annotations

import math

import numpy as np

from hitforge.folds import fold_of
from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.studies.csc_muon.data.planes import PLANES
from hitforge.studies.csc_muon.evaluation.sample import CLASS_NAMES, pt_class
from hitforge.studies.csc_muon.published import load_published
from hitforge.studies.csc_muon.report.road_data import RoadTable, load_roads, train_sample

_TYPES = {"CSC": "cathode strip", "RPC": "resistive plate", "GEM": "gas electron multiplier"}


def missing_percent(roads: RoadTable) -> dict[str, float]:
    """Return the share of roads without a hit for each plane, in percent, by chamber name."""
    return {
        plane.chamber: 100.0 * float(np.mean(roads.column(f"mask_{plane.name}") != 0)) if len(roads) else np.nan
        for plane in PLANES
    }


def missing_values(inputs: ReportInputs) -> Table:
    """Share of roads without a hit, plane by plane."""
    roads = load_roads(inputs, train_sample(inputs))
    rows = [
        (plane.chamber, _TYPES[plane.type], plane.station, Measured(value=share, decimals=1))
        for plane, share in zip(PLANES, missing_percent(roads).values(), strict=True)
        if len(roads)
    ]
    return Table(
        name="missing_values",
        title="Missing hits of each plane",
        caption=(
            f"Share of {len(roads)} roads of the train sample without a hit in the plane; all columns of a plane are "
            "missing together. ME1/1 and ME1/2 are alternatives in η, so most of their missing hits are geometry and "
            "not inefficiency."
        ),
        columns=(
            Column(key="chamber", label="Chambers", align="left"),
            Column(key="type", label="Type", align="left"),
            Column(key="station", label="Station"),
            Column(key="missing", label="Missing", unit="%"),
        ),
        rows=tuple(rows),
        empty=None if rows else "the shards of the train sample hold no roads",
    )


def class_share_rows(inputs: ReportInputs) -> list[tuple[str, int, list[float]]]:
    """Return name, number of roads and class shares in percent: trained on, held out, and each test sample."""
    folds, train = inputs.settings["folds"], train_sample(inputs)
    roads = load_roads(inputs, train)
    parts: list[tuple[str, np.ndarray]] = []
    if len(roads):
        held = np.isin(fold_of(roads.bucket, folds["count"]), folds["held_out"])
        parts += [("all of the train sample", roads.pt), ("trained on", roads.pt[~held]), ("held out", roads.pt[held])]
    parts += [(name, load_roads(inputs, name).pt) for name in inputs.samples_with_role("test")]
    return [
        (name, len(pt), (100.0 * np.bincount(pt_class(pt), minlength=4) / len(pt)).tolist())
        for name, pt in parts
        if len(pt)
    ]


def class_shares(inputs: ReportInputs) -> Table:
    """Shares of the four pT classes in what is trained on, held out and tested."""
    rows: list[tuple[Cell, ...]] = [
        (name, n, *(Measured(value=share, decimals=2) for share in shares))
        for name, n, shares in class_share_rows(inputs)
    ]
    empty = None if rows else "the shards hold no roads"
    printed = load_published().class_shares_percent
    rows.append(("published, other data", None, *(Measured(value=share, decimals=3) for share in printed)))
    return Table(
        name="class_shares",
        title="Class shares in numbers",
        caption="Shares of the four pT classes: those of muons flat in 1/pT, which is no physical spectrum.",
        columns=(
            Column(key="sample", label="Roads of", align="left"),
            Column(key="n", label="Roads read"),
            *(Column(key=f"class_{c}", label=f"{name} GeV", unit="%") for c, name in enumerate(CLASS_NAMES)),
        ),
        rows=tuple(rows),
        empty=empty,
    )


SEARCHED = "seed-bdt"


def bayesian_search(inputs: ReportInputs) -> Table:
    """The search of the deck's trees trial by trial, in the order of the trials."""
    trials = inputs.manifest_of.get(SEARCHED, {}).get("trials") or []
    names = list(dict.fromkeys(name for trial in trials for name in trial.get("params", {})))
    best = min((t["score"] for t in trials if t["score"] is not None), default=None)
    rows = tuple(
        (
            int(trial["number"]) + 1,
            Measured(value=math.sqrt(trial["score"])) if trial["score"] is not None else None,
            *(_parameter(trial.get("params", {}).get(name)) for name in names),
        )
        for trial in sorted(trials, key=lambda trial: int(trial["number"]))
    )
    return Table(
        name="bayesian_search",
        title=f"Search of {SEARCHED}, trial by trial",
        caption=(
            "RMSE of 1/pT on training roads that a trial leaves out; the first trials are random. The deck's "
            "best of 23 trials is 0.1004 per GeV on other data."
        ),
        columns=(
            Column(key="iteration", label="Iteration"),
            Column(key="rmse", label="RMSE 1/pT", unit="1/GeV"),
            *(Column(key=name, label=name) for name in names),
        ),
        rows=rows,
        highlight=tuple(i for i, t in enumerate(sorted(trials, key=lambda t: int(t["number"]))) if t["score"] == best),
        empty=None if rows else f"{SEARCHED} was not searched in this run",
    )


def _parameter(value: object) -> Cell:
    if isinstance(value, float):
        return Measured(value=value)
    return value if isinstance(value, str | int) else None
