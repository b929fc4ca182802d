"""Index of events: folds, empty shards, refusals."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from hitforge.shards import Shard, ShardError
from hitforge.training.dataset import check_disjoint, index_events
from tests.unit.training.training_toy import N_FOLDS, write_toy_shards


def test_folds_split_the_events(shards: list[Path]) -> None:
    index = index_events(shards)
    assert len(index) == 290
    parts = [index.folds(N_FOLDS, [f]) for f in range(N_FOLDS)]
    assert sum(map(len, parts)) == len(index)
    for f, part in enumerate(parts):
        assert set(part.bucket % N_FOLDS) == {f}
    both = index.folds(N_FOLDS, (3, 1))
    keys = list(zip(both.shard.tolist(), both.row.tolist(), strict=True))
    assert keys == sorted(keys)
    assert len(both) == len(parts[1]) + len(parts[3])


def test_rows_are_those_of_the_shards(shards: list[Path]) -> None:
    index = index_events(shards).folds(N_FOLDS, [2])
    for s, path in enumerate(shards):
        with Shard(path) as shard:
            wanted = np.flatnonzero(shard.column("bucket") % N_FOLDS == 2)
            counts = shard.hit_counts()[wanted]
        np.testing.assert_array_equal(index.row[index.shard == s], wanted)
        np.testing.assert_array_equal(index.n_hits[index.shard == s], counts)


def test_only_empty_shards(tmp_path: Path) -> None:
    index = index_events(write_toy_shards(tmp_path, [0, 0]))
    assert len(index) == 0
    with pytest.raises(ValueError, match="no event of 2 shards"):
        index.folds(N_FOLDS, [1])
    with pytest.raises(ShardError, match="no shard"):
        index_events([])


def test_shards_of_another_layout_are_refused(tmp_path: Path, shards: list[Path]) -> None:
    other = write_toy_shards(tmp_path, [3], voxel_shape=(2, 2, 2))
    with pytest.raises(ShardError, match=r"shard_000\.h5.*differ"):
        index_events([*shards, *other])


def test_fingerprint_is_content_not_place(tmp_path: Path, shards: list[Path]) -> None:
    copies = [Path(shutil.copy(path, tmp_path)) for path in shards]
    index = index_events(shards)
    assert index_events(copies).fingerprint() == index.fingerprint()
    assert index.folds(N_FOLDS, [1]).fingerprint() != index.folds(N_FOLDS, [2]).fingerprint()


def test_common_events_are_named(tmp_path: Path, shards: list[Path]) -> None:
    index = index_events(shards)
    check_disjoint(index.folds(N_FOLDS, [1, 2]), index.folds(N_FOLDS, [3]))
    with pytest.raises(ValueError, match=r"events are both.*shard_000\.h5 row"):
        check_disjoint(index.folds(N_FOLDS, [1, 2]), index.folds(N_FOLDS, [2, 3]))
