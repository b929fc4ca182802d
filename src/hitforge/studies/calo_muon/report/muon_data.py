"""Muons from shards, for the tables and figures that show the data themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitforge.hits import CellHits
from hitforge.reporting.chapter import ReportInputs
from hitforge.shards import Shard
from hitforge.studies.calo_muon.features import FEATURE_NAMES, clip_features

ENERGY = "targets/energy"
MAX_MUONS = 100_000
"""Distributions of more muons would look the same; whole shards are left out beyond this."""


@dataclass(frozen=True)
class MuonFeatures:
    """High-level features, shape (N, 28), clipped as models see them, and true energies, shape (N,), GeV."""

    features: NDArray[np.float32]
    energy_gev: NDArray[np.float32]


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


def train_sample(inputs: ReportInputs) -> str:
    """Return the name of the sample that models were trained on."""
    return inputs.samples_with_role("train")[0]


def load_features(inputs: ReportInputs) -> MuonFeatures:
    """Read the features of the train sample, shard by shard up to :data:`MAX_MUONS`."""
    features, energies, total = [], [], 0
    for path in inputs.shards.get(train_sample(inputs), ()):
        if total >= MAX_MUONS:
            break
        with Shard(path) as shard:
            # the layer summaries stand behind the 28
            features.append(clip_features(shard.column("features"))[:, : len(FEATURE_NAMES)])
            energies.append(shard.column(ENERGY))
            total += len(shard)
    if not features:
        return MuonFeatures(np.zeros((0, len(FEATURE_NAMES)), np.float32), np.zeros(0, np.float32))
    return MuonFeatures(np.concatenate(features), np.concatenate(energies))


def load_energies(inputs: ReportInputs, sample: str) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Return true energies, shape (N,), GeV, and identity buckets of a sample."""
    energies, buckets = [np.zeros(0, np.float32)], [np.zeros(0, np.int16)]
    for path in inputs.shards.get(sample, ()):
        with Shard(path) as shard:
            energies.append(shard.column(ENERGY))
            buckets.append(shard.column("bucket"))
    return np.concatenate(energies), np.concatenate(buckets)


def nearest_muon(inputs: ReportInputs, energy_gev: float, max_shards: int = 8) -> DisplayedMuon | None:
    """Return the muon of the train sample whose energy is nearest, among the first shards that have muons."""
    sample = train_sample(inputs)
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
