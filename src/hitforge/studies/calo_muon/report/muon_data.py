"""Muons from shards, for the tables and figures that show the data themselves."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitforge.hits import CellHits
from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.events import ShownEvents, load_events
from hitforge.shards import Shard
from hitforge.studies.calo_muon.features import FEATURE_NAMES, clip_features

ENERGY = "targets/energy"


@dataclass(frozen=True)
class DisplayedMuon:
    """One muon with its hits; ``truth`` holds what the shard tells about it beyond the energy."""

    energy_gev: float
    hits: CellHits
    shape: tuple[int, int, int]
    truth: dict[str, float]
    sample: str
    part: str
    entry: int


def load_features(inputs: ReportInputs) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return features, shape (N, 28), clipped as models see them, and energies, (N,), GeV, of the train sample."""
    found = load_events(inputs, inputs.train_sample, ("features", ENERGY))
    if not len(found):
        return np.zeros((0, len(FEATURE_NAMES)), np.float32), np.zeros(0, np.float32)
    # the layer summaries stand behind the 28
    return clip_features(found["features"])[:, : len(FEATURE_NAMES)], found[ENERGY]


def load_energies(inputs: ReportInputs) -> dict[str, ShownEvents]:
    """Return true energies in GeV and identity buckets of the samples that have muons."""
    found = {name: load_events(inputs, name, (ENERGY, "bucket"), limit=sys.maxsize) for name in inputs.shards}
    return {name: events for name, events in found.items() if len(events)}


def nearest_muon(inputs: ReportInputs, energy_gev: float, max_shards: int = 8) -> DisplayedMuon | None:
    """Return the muon of the train sample whose energy is nearest, among the first shards that have muons."""
    sample = inputs.train_sample
    best: tuple[float, int, int] | None = None
    paths = inputs.shards.get(sample, ())
    seen = 0
    for index, path in enumerate(paths):
        if seen == max_shards:
            break
        with Shard(path) as shard:
            if not len(shard):
                continue
            seen += 1
            distance = np.abs(shard.column(ENERGY).astype(np.float64) - energy_gev)
        row = int(np.argmin(distance))
        if best is None or distance[row] < best[0]:
            best = (float(distance[row]), index, row)
    if best is None:
        return None
    _, index, row = best
    with Shard(paths[index]) as shard:
        if shard.voxel_shape is None:
            return None
        truth = {}
        for name in ("x", "y", "charge"):
            try:
                truth[name] = float(shard.rows(f"truth/{name}", row, row + 1)[0])
            except KeyError:  # a production without this branch
                continue
        return DisplayedMuon(
            energy_gev=float(shard.rows(ENERGY, row, row + 1)[0]),
            hits=shard.hits(row, row + 1),
            shape=shard.voxel_shape,
            truth=truth,
            sample=sample,
            part=str(shard.attributes.get("part", "")),
            entry=int(shard.rows("entry", row, row + 1)[0]),
        )
