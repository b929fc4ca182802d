"""Events of shards, for the tables and figures that show the data themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.reporting.chapter import ReportInputs
from hitforge.shards import Shard

MAX_EVENTS = 100_000
"""Distributions of more events would look the same."""


@dataclass(frozen=True)
class ShownEvents:
    """Some events of a sample.

    The columns, shape (N, …), are as they are stored: ``features``, ``bucket``, ``targets/…``, ``truth/…``; there are
    none where there are no events. ``part`` has the name of the shard of each event.
    """

    feature_names: tuple[str, ...]
    columns: Mapping[str, NDArray[Any]]
    part: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, dataset: str) -> NDArray[Any]:
        return self.columns[dataset]

    def feature(self, name: str) -> NDArray[np.float32]:
        """Return a column of the features, shape (N,)."""
        return np.asarray(self.columns["features"][:, self.feature_names.index(name)])


def load_events(
    inputs: ReportInputs, sample: str, datasets: Sequence[str], limit: int = MAX_EVENTS, cut: bool = False
) -> ShownEvents:
    """Read datasets of a sample, shard by shard until there are ``limit`` events; further shards are left out.

    ``cut`` leaves out the rest of the last shard too, where every event takes much memory.
    """
    found: dict[str, list[NDArray[Any]]] = {name: [] for name in datasets}
    names: tuple[str, ...] = ()
    parts, total = [np.zeros(0, np.str_)], 0
    for path in inputs.shards.get(sample, ()):
        if total >= limit:
            break
        with Shard(path) as shard:
            names, n = shard.feature_names, min(len(shard), limit - total) if cut else len(shard)
            for dataset, pieces in found.items():
                pieces.append(shard.rows(dataset, 0, n))
            parts.append(np.full(n, path.stem))
            total += n
    columns = {dataset: np.concatenate(pieces) for dataset, pieces in found.items() if pieces}
    return ShownEvents(names, columns, np.concatenate(parts))
