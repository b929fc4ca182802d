"""Reading a part into a shard: the roads that pass the cuts, with their features."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hitforge.folds import event_bucket
from hitforge.shards import ShardBlock
from hitforge.studies.csc_muon.data.cuts import select
from hitforge.studies.csc_muon.data.derived import features_of
from hitforge.studies.csc_muon.data.ntuple import read_roads
from hitforge.studies.csc_muon.data.roads import TRUTH, Roads
from hitforge.studies.csc_muon.settings import CutSettings, ReaderSettings


def read(source: str, reader: ReaderSettings, cuts: CutSettings) -> Iterator[ShardBlock]:
    """Yield blocks of the roads that pass the cuts, with their features."""
    for first_entry, found in read_roads(source, reader):
        passed, _ = select(found, cuts)
        yield block_of(found.take(passed), first_entry + np.flatnonzero(passed), reader)


def block_of(roads: Roads, entry: NDArray[np.int64], reader: ReaderSettings) -> ShardBlock:
    """Return roads and their entries, shape (N,), with their features."""
    return ShardBlock(
        features=features_of(roads.variables),
        bucket=event_bucket(roads.event, reader.dataset_id),
        entry=entry,
        targets={"q_over_pt": roads.q_over_pt},
        truth={name: truth.of(roads) for name, truth in TRUTH.items()},
    )
