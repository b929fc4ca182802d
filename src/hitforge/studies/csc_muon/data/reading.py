"""What the shards of the study hold, and reading a part into them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hitforge.folds import event_bucket
from hitforge.shards import ShardBlock, ShardLayout
from hitforge.studies.csc_muon.data.cuts import select
from hitforge.studies.csc_muon.data.derived import features_of
from hitforge.studies.csc_muon.data.ntuple import read_roads
from hitforge.studies.csc_muon.data.roads import TRUTH
from hitforge.studies.csc_muon.features import FEATURE_NAMES, FEATURE_UNITS
from hitforge.studies.csc_muon.settings import CutSettings, ReaderSettings


def layout() -> ShardLayout:
    """Return 87 columns of a road and the features derived from them; q/pT; what the evaluation bins and selects by."""
    return ShardLayout(
        feature_names=FEATURE_NAMES,
        feature_units=tuple(FEATURE_UNITS[name] for name in FEATURE_NAMES),
        targets={"q_over_pt": "1/GeV"},
        truth={name: truth.unit for name, truth in TRUTH.items()},
    )


def read(source: str, reader: ReaderSettings, cuts: CutSettings) -> Iterator[ShardBlock]:
    """Yield blocks of the roads that pass the cuts, with their features."""
    for first_entry, found in read_roads(source, reader):
        passed, _ = select(found, cuts)
        roads = found.take(passed)
        yield ShardBlock(
            features=features_of(roads.variables),
            bucket=event_bucket(roads.event, reader.dataset_id),
            entry=first_entry + np.flatnonzero(passed),
            targets={"q_over_pt": roads.q_over_pt},
            truth={name: truth.of(roads) for name, truth in TRUTH.items()},
        )
