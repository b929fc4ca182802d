"""From a ntuple to the events of a shard: the candidates that have a target, with their features."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hitforge.folds import event_bucket
from hitforge.inspection import good_events
from hitforge.shards import ShardBlock
from hitforge.studies.scouting_egamma.data.candidates import Candidates
from hitforge.studies.scouting_egamma.data.high_level import features_of
from hitforge.studies.scouting_egamma.data.ntuple import open_candidates
from hitforge.studies.scouting_egamma.data.selection import passes_observable, quality_of, select
from hitforge.studies.scouting_egamma.features import columns_of
from hitforge.studies.scouting_egamma.settings import ReaderSettings


def read(source: str, *, reader: ReaderSettings) -> Iterator[ShardBlock]:
    """Yield blocks of the candidates that have a target, with their features."""
    for first_entry, found in good_events(open_candidates(source, reader)):
        passed, _ = select(found)
        yield block_of(found.take(passed), first_entry + np.flatnonzero(passed), reader)


def block_of(candidates: Candidates, entry: NDArray[np.int64], reader: ReaderSettings) -> ShardBlock:
    """Return candidates and their entries, shape (N,), with their features."""
    features = features_of(candidates)
    columns = columns_of(features)
    truth = {name: candidates[name] for name in ("gen_pt", "gen_eta", "gen_phi")} | {
        "candidate_pt": candidates["pt"],
        "candidate_abs_eta": np.abs(candidates["eta"]),
        "category": candidates.category,
        "quality": quality_of(features),
        "observable": passes_observable(features),
        "weight": candidates["w"],
        "e5x5_response": columns["e5x5"] / candidates.true_energy,
        "candidate_r9": columns["r9"],
        "candidate_fbrem": columns["fbrem"],
        "supermodule_place": columns["iphi_20"],
    }
    return ShardBlock(
        features=features,
        bucket=event_bucket(candidates["event"], reader.dataset_id),
        entry=entry,
        targets={"y": (candidates.true_energy / candidates["e_reco"]).astype(np.float32)},
        truth={name: np.asarray(values, dtype=np.float32) for name, values in truth.items()},
    )
