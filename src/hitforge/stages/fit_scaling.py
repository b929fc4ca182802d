"""Stage fit-scaling: standardisation of the features, from training folds only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hitforge.provenance import write_json
from hitforge.scaling import Scaling, fit_scaling, identity_scaling
from hitforge.shards import Shard
from hitforge.studies.base import Study


def fit_scaling_of(study: Study, shards: Sequence[Path], n_folds: int, held_out: Collection[int], out: Path) -> Scaling:
    """Fit the scaling on the events of ``shards`` outside the held-out of ``n_folds`` folds and write it as JSON."""
    names = study.layout.feature_names
    with Shard(shards[0]) as first:
        already_scaled = first.features_scaled
    if already_scaled:
        scaling = identity_scaling(names, held_out)
    else:
        scaling = fit_scaling(_columns(study, shards), names, n_folds, held_out)
    write_json(out, scaling.model_dump(mode="json"))
    return scaling


def _columns(study: Study, shards: Sequence[Path]) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int16]]]:
    for path in shards:
        with Shard(path) as shard:
            yield study.clip_features(shard.column("features")), shard.column("bucket")
