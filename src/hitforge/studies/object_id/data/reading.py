"""From ntuples to shards: the objects of a part, block by block."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hitforge.folds import event_bucket
from hitforge.shards import ShardBlock
from hitforge.studies.object_id.data.cuts import CutSettings, select
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.layout import TRUTH
from hitforge.studies.object_id.data.ntuple import read_objects
from hitforge.studies.object_id.data.objects import Objects
from hitforge.studies.object_id.features import features_of
from hitforge.studies.object_id.settings import ReaderSettings


def read(source: str, *, reader: ReaderSettings, image: ImageSettings, cuts: CutSettings) -> Iterator[ShardBlock]:
    """Yield blocks of the objects of a part that pass the cuts, with their features."""
    for first_entry, found in read_objects(source, reader, image):
        passed, _ = select(found, cuts)
        yield block_of(found.take(passed), first_entry + np.flatnonzero(passed), reader, image)


def block_of(objects: Objects, entry: NDArray[np.int64], reader: ReaderSettings, image: ImageSettings) -> ShardBlock:
    """Return objects and their entries, shape (N,), with their features."""
    return ShardBlock(
        features=features_of(objects.image, objects.eta, image),
        bucket=event_bucket(objects.event, reader.dataset_id),
        entry=entry,
        targets={"label": objects.label.astype(np.float32)},
        truth={name: getattr(objects, branch).astype(np.float32) for name, (branch, _) in TRUTH.items()},
    )
