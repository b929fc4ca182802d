"""Tables of the data, and the roads of shards that they and figures show: missing hits, class shares, the search."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.folds import fold_of
from hitforge.published import load_published
from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table, column, make_table, text_column
from hitforge.reporting.events import ShownEvents, load_events
from hitforge.studies.csc_muon.data.planes import PLANES
from hitforge.studies.csc_muon.evaluation.sample import CLASS_NAMES, pt_class

_TYPES = {"CSC": "cathode strip", "RPC": "resistive plate", "GEM": "gas electron multiplier"}


NO_ROADS = "the shards of the train sample hold no roads"
Q_OVER_PT = "targets/q_over_pt"
ClassShares = tuple[str, int, list[float]]


def train_roads(inputs: ReportInputs, sample: str = "") -> ShownEvents:
    """Return some roads of the train sample, or of another."""
    return load_events(inputs, sample or inputs.train_sample, ("features", "bucket", Q_OVER_PT))


def pt_of_roads(roads: ShownEvents) -> NDArray[np.float64]:
    """Return the generated pT of roads, shape (N,), GeV."""
    return 1.0 / np.abs(roads[Q_OVER_PT].astype(np.float64))


def missing_percent(roads: ShownEvents) -> dict[str, float]:
    """Return the share of roads without a hit for each plane, in percent, by chamber name."""
    return {plane.chamber: 100.0 * float(np.mean(roads.feature(f"mask_{plane.name}") != 0)) for plane in PLANES}


def missing_values(inputs: ReportInputs) -> Table:
    """Share of roads without a hit, plane by plane."""
    roads = train_roads(inputs)
    shares = missing_percent(roads) if len(roads) else {}
    return make_table(
        "missing_values",
        "Missing hits of each plane",
        f"Share of {len(roads)} roads of the train sample without a hit in the plane; all columns of a plane are "
        "missing together. ME1/1 and ME1/2 are alternatives in η, so most of their missing hits are geometry and "
        "not inefficiency.",
        (
            text_column("chamber", "Chambers", lambda plane: plane.chamber),
            text_column("type", "Type", lambda plane: _TYPES[plane.type]),
            column("station", "Station", lambda plane: plane.station),
            column("missing", "Missing", lambda plane: Measured(value=shares[plane.chamber], decimals=1), "%"),
        ),
        PLANES if shares else (),
        empty=NO_ROADS,
    )


def class_share_rows(inputs: ReportInputs) -> list[ClassShares]:
    """Return name, number of roads and class shares in percent: trained on, held out, and each test sample."""
    folds, roads = inputs.settings["folds"], train_roads(inputs)
    parts: dict[str, NDArray[np.float64]] = {}
    if len(roads):
        held = np.isin(fold_of(roads["bucket"], folds["count"]), folds["held_out"])
        pt = pt_of_roads(roads)
        parts = {"all of the train sample": pt, "trained on": pt[~held], "held out": pt[held]}
    tested = ((name, train_roads(inputs, name)) for name in inputs.samples_with_role("test"))
    parts |= {name: pt_of_roads(found) for name, found in tested if len(found)}
    return [
        (name, len(pt), (100.0 * np.bincount(pt_class(pt), minlength=4) / len(pt)).tolist())
        for name, pt in parts.items()
        if len(pt)
    ]


def class_shares(inputs: ReportInputs) -> Table:
    """Shares of the four pT classes in what is trained on, held out and tested."""
    rows: list[tuple[Cell, ...]] = [
        (name, n, *(Measured(value=share, decimals=2) for share in shares))
        for name, n, shares in class_share_rows(inputs)
    ]
    empty = None if rows else "the shards hold no roads"
    printed = load_published(inputs.study).blocks["class_shares_percent"]
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


def bayesian_search(inputs: ReportInputs) -> Table:
    """The search of the deck's trees trial by trial, in the order of the trials."""
    printed = load_published(inputs.study).find("rmse_inverse_pt")
    assert printed is not None and printed.value is not None
    model = str(printed.model)
    trials = sorted(inputs.manifest_of.get(model, {}).get("trials") or [], key=lambda trial: int(trial["number"]))
    best = min((trial["score"] for trial in trials if trial["score"] is not None), default=None)

    def rmse(trial: Mapping[str, Any]) -> Cell:
        return None if trial["score"] is None else Measured(value=math.sqrt(trial["score"]))

    def parameter(trial: Mapping[str, Any], name: str) -> Cell:
        value = trial.get("params", {}).get(name)
        return Measured(value=value) if isinstance(value, float) else value

    return make_table(
        "bayesian_search",
        f"Search of {model}, trial by trial",
        "RMSE of 1/pT on training roads that a trial leaves out; the first trials are random. The deck's "
        f"best of {printed.about['trials']} trials is {printed.value:g} per GeV on other data.",
        (
            column("iteration", "Iteration", lambda trial: int(trial["number"]) + 1),
            column("rmse", "RMSE 1/pT", rmse, "1/GeV"),
            *(
                column(name, name, partial(parameter, name=name))
                for name in dict.fromkeys(name for trial in trials for name in trial.get("params", {}))
            ),
        ),
        trials,
        empty=f"{model} was not searched in this run",
        highlight=lambda trial: trial["score"] == best,
    )
