"""Roads from shards, for the tables and figures that show the data themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitforge.reporting.chapter import ReportInputs
from hitforge.shards import Shard

MAX_ROADS = 100_000
"""Distributions of more roads would look the same; further shards are left out."""

TARGET = "targets/q_over_pt"


@dataclass(frozen=True)
class RoadTable:
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


def load_roads(inputs: ReportInputs, sample: str, limit: int = MAX_ROADS) -> RoadTable:
    """Read the roads of a sample, shard by shard up to ``limit``."""
    features, targets, buckets, total = [], [], [], 0
    names: tuple[str, ...] = ()
    for path in inputs.shards.get(sample, ()):
        if total >= limit:
            break
        with Shard(path) as shard:
            names = shard.feature_names
            features.append(shard.column("features"))
            targets.append(shard.column(TARGET))
            buckets.append(shard.column("bucket"))
            total += len(shard)
    if not features:
        return RoadTable((), np.zeros((0, 0), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int16))
    return RoadTable(names, np.concatenate(features), np.concatenate(targets), np.concatenate(buckets))
