"""Stage predict: what a trained fit says about a block of parts."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.ensemble import ensemble_prediction
from hitforge.folds import fold_of
from hitforge.predictions import Predictions, write_predictions
from hitforge.provenance import read_json, stamp
from hitforge.shards import Shard
from hitforge.studies.base import Study
from hitforge.training.dataset import EventIndex, index_events
from hitforge.training.device import DeviceChoice, resolve_device

log = logging.getLogger(__name__)


def predict_block(
    study: Study[Any],
    manifest: Path,
    shards: Sequence[Path],
    folds: Collection[int] | None,
    n_folds: int,
    scaling: Path | None,
    device: DeviceChoice,
    out: Path,
    config_hash: str,
) -> None:
    """Predict the events of ``shards`` in the given folds (None: all) and write them to one file."""
    about = read_json(manifest)
    index = index_events(shards)
    if folds is not None:
        # a block may have no event in these folds: its predictions are then a valid empty file
        index = index.take(np.flatnonzero(np.isin(fold_of(index.bucket, n_folds), list(folds))))
    if about["kind"] == "trees":
        members = _predict_trees(study, manifest, about, index)
    else:
        assert scaling is not None
        members = _predict_networks(study, manifest, about, index, scaling, device)
    predictions = _with_events(study, index, members, about["weights"])
    write_predictions(out, predictions, stamp(study=study.name, fit=about["fit"], config_hash=config_hash))
    log.info("%s: %d events predicted by %d members", out, len(predictions), members.shape[1])


def _predict_networks(
    study: Study[Any], manifest: Path, about: Mapping[str, Any], index: EventIndex, scaling: Path, device: DeviceChoice
) -> NDArray[np.float32]:
    from hitforge.prediction import predict_members
    from hitforge.stages.train_member import network_inputs, read_scaling
    from hitforge.training.member_files import load_member
    from hitforge.training.window import EventSource

    model = about["model"]
    scale = read_scaling(scaling)
    if len(index) and index.features_scaled != scale.is_identity:
        raise ValueError(
            f"{manifest}: the model was trained on {'scaled' if scale.is_identity else 'raw'} features, but these "
            "shards hold the other kind; a fold file and ntuples cannot be mixed in one study"
        )
    networks = []
    for member in about["members"]:
        weights, _ = load_member(manifest.parent / member["file"])
        network = study.build_network(model, 0)
        network.load_state_dict(weights)
        networks.append(network)
    source = EventSource(index, transform=network_inputs(study, model, scale), voxels=study.uses_voxels(model))
    return predict_members(networks, source, study.settings.models[model].training, resolve_device(device))


def _predict_trees(
    study: Study[Any], manifest: Path, about: Mapping[str, Any], index: EventIndex
) -> NDArray[np.float32]:
    from hitforge.bdt import load_trees, predict_trees

    boosters = [load_trees(manifest.parent / member["file"]) for member in about["members"]]
    columns = [index.feature_names.index(name) for name in about["features"]]
    predicted = np.empty((len(index), len(boosters)), dtype=np.float32)
    for number, path in enumerate(index.paths):
        chosen = index.shard == number
        with Shard(path) as shard:
            features = study.clip_features(shard.column("features")[index.row[chosen]])[:, columns]
        for m, booster in enumerate(boosters):
            predicted[chosen, m] = predict_trees(booster, features, about["features"])
    return predicted


def _with_events(
    study: Study[Any], index: EventIndex, members: NDArray[np.float32], weights: Sequence[float]
) -> Predictions:
    entry = np.zeros(len(index), dtype=np.int64)
    target = np.zeros(len(index), dtype=np.float32)
    for number, path in enumerate(index.paths):
        chosen = index.shard == number
        with Shard(path) as shard:
            entry[chosen] = shard.column("entry")[index.row[chosen]]
            target[chosen] = shard.column(f"targets/{study.target}")[index.row[chosen]]
    names = np.array([path.stem for path in index.paths], dtype=object)
    return Predictions(
        part=names[index.shard],
        entry=entry,
        bucket=index.bucket,
        target=target,
        members=members,
        ensemble=ensemble_prediction(members.T, weights).astype(np.float32),
    )
