"""Features, targets and weights of chosen folds, shard by shard: what trees and tables are fitted on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hitforge.folds import fold_of
from hitforge.shards import Shard
from hitforge.studies.base import Study


def read_feature_rows(
    study: Study, shards: Sequence[Path], folds: Collection[int], count: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]]:
    """Yield raw features, shape (n, F), all columns, targets and the events' own weights, shape (n,), of each shard."""
    for path in shards:
        with Shard(path) as shard:
            kept = np.isin(fold_of(shard.column("bucket"), count), list(folds))
            target = shard.column(f"targets/{study.target}")[kept]
            own = np.ones_like(target) if study.own_weight is None else shard.column(f"truth/{study.own_weight}")[kept]
            yield shard.column("features")[kept], target, own
