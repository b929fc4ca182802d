"""Features and targets of chosen folds, shard by shard: what trees and tables are fitted on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.folds import fold_of
from hitforge.settings_base import Settings
from hitforge.shards import Shard
from hitforge.studies.base import Study


class TreeFolds(Settings):
    """Folds of trees and tables: the monitoring fold stops a training, the scoring fold ranks trials of a search."""

    count: int
    monitoring: int
    scoring: int
    training: tuple[int, ...]


def tree_folds(count: int, held_out: Collection[int]) -> TreeFolds:
    """Return the folds of boosted trees: of those not held out the first monitors, the second scores trials."""
    left = [fold for fold in range(count) if fold not in held_out]
    return TreeFolds(count=count, monitoring=left[0], scoring=left[1], training=tuple(left[1:]))


def read_feature_rows(
    study: Study[Any], shards: Sequence[Path], folds: Collection[int], count: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield raw features, shape (n, F), all columns, and targets, shape (n,), of each shard."""
    for path in shards:
        with Shard(path) as shard:
            kept = np.isin(fold_of(shard.column("bucket"), count), list(folds))
            yield shard.column("features")[kept], shard.column(f"targets/{study.target}")[kept]
