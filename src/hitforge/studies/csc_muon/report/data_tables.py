"""Tables of the data, and the roads of shards that they and figures show: missing hits, class shares, the search."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.folds import fold_of
from hitforge.published import load_published
from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table, column, make_table
from hitforge.shards import Shard
from hitforge.studies.csc_muon.data.planes import PLANES
from hitforge.studies.csc_muon.evaluation.sample import CLASS_NAMES, pt_class

_TYPES = {"CSC": "cathode strip", "RPC": "resistive plate", "GEM": "gas electron multiplier"}


MAX_ROADS = 100_000
"""Distributions of more roads would look the same; further shards are left out."""


@dataclass(frozen=True)
class RoadSample:
    """Roads with all stored columns.

    Attributes
    ----------
    names : tuple of str
        Names of the columns.
    features : ndarray, shape (N, F)
        Stored columns; NaN where a hit is missing.
    q_over_pt : ndarray, shape (N,), 1/GeV
    bucket : ndarray, shape (N,)
        Identity buckets, which decide the fold.
    """

    names: tuple[str, ...]
    features: NDArray[np.float32]
    q_over_pt: NDArray[np.float32]
    bucket: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.q_over_pt)

    def column(self, name: str) -> NDArray[np.float32]:
        """Return a column by name."""
        return np.asarray(self.features[:, self.names.index(name)])

    @property
    def pt(self) -> NDArray[np.float64]:
        """Generated pT in GeV."""
        return 1.0 / np.abs(self.q_over_pt.astype(np.float64))


def train_sample(inputs: ReportInputs) -> str:
    """Return the name of the sample that models were trained on."""
    return inputs.samples_with_role("train")[0]


def load_roads(inputs: ReportInputs, sample: str, limit: int = MAX_ROADS) -> RoadSample:
    """Read the roads of a sample, shard by shard up to ``limit``."""
    features, targets, buckets, total = [], [], [], 0
    names: tuple[str, ...] = ()
    for path in inputs.shards.get(sample, ()):
        if total >= limit:
            break
        with Shard(path) as shard:
            names = shard.feature_names
            features.append(shard.column("features"))
            targets.append(shard.column("targets/q_over_pt"))
            buckets.append(shard.column("bucket"))
            total += len(shard)
    if not features:
        return RoadSample((), np.zeros((0, 0), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int16))
    return RoadSample(names, np.concatenate(features), np.concatenate(targets), np.concatenate(buckets))


def missing_percent(roads: RoadSample) -> dict[str, float]:
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
