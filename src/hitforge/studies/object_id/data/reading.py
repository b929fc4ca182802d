"""From ntuples to shards: what a shard holds, and its objects block by block."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hitforge.folds import event_bucket
from hitforge.shards import ShardBlock, ShardLayout
from hitforge.studies.object_id.data.cuts import CutSettings, select
from hitforge.studies.object_id.data.image import SCALE_GEV, ImageSettings
from hitforge.studies.object_id.data.ntuple import read_objects
from hitforge.studies.object_id.features import FEATURE_UNITS, features_of
from hitforge.studies.object_id.settings import ReaderSettings

_TRUTH = {"pt": "GeV", "eta": "", "phi": "rad", "n_prong": "", "npv": ""}


def layout(image: ImageSettings) -> ShardLayout:
    """Return cells of both channels and the features made of them; the class; what the evaluation bins by."""
    cells = image.cell_names
    return ShardLayout(
        feature_names=(*cells, *FEATURE_UNITS),
        feature_units=(*(f"ln(1 + GeV / {SCALE_GEV:g})" for _ in cells), *FEATURE_UNITS.values()),
        targets={"label": ""},
        truth={**_TRUTH, "weight": ""},
    )


def read(source: str, reader: ReaderSettings, image: ImageSettings, cuts: CutSettings) -> Iterator[ShardBlock]:
    """Yield blocks of the objects of a part that pass the cuts, with their features."""
    for first_entry, found in read_objects(source, reader, image):
        passed, _ = select(found, cuts)
        objects = found.take(passed)
        yield ShardBlock(
            features=features_of(objects.image, objects.eta, image),
            bucket=event_bucket(objects.event, reader.dataset_id),
            entry=first_entry + np.flatnonzero(passed),
            targets={"label": objects.label.astype(np.float32)},
            truth={**{name: getattr(objects, name).astype(np.float32) for name in _TRUTH}, "weight": objects.w},
        )
