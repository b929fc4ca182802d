"""Stage predict: what a trained fit says about a block of parts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hitforge.folds import fold_of
from hitforge.predictions import Predictions, write_predictions
from hitforge.provenance import read_json, stamp
from hitforge.shards import Shard
from hitforge.studies.base import Study
from hitforge.training.dataset import EventIndex, index_events
from hitforge.training.device import DeviceChoice, resolve_device

if TYPE_CHECKING:
    from torch import nn

log = logging.getLogger(__name__)

Columns = Callable[[NDArray[np.float32]], Mapping[str, NDArray[np.floating]]]


@dataclass(frozen=True)
class LoadedModel:
    """A trained fit in memory, for any number of shards.

    Attributes
    ----------
    about : mapping
        Its manifest.
    predict : callable
        Events to the output columns of the members by name, each shape (N, M) or (N, M, k).
    """

    about: Mapping[str, Any]
    predict: Callable[[EventIndex], dict[str, NDArray[np.float32]]]


def load_model(study: Study, manifest: Path, scaling: Path | None, device: DeviceChoice) -> LoadedModel:
    """Load the trained files of a fit; a network needs the scaling it was trained with."""
    about = read_json(manifest)
    if about["kind"] == "network":
        assert scaling is not None
        return LoadedModel(about, _networks(study, manifest, about, scaling, device))
    columns = (_booster_columns if about["kind"] == "trees" else _table_columns)(study, manifest, about)
    return LoadedModel(about, lambda index: _predict_from_features(columns, index))


def predict_block(
    study: Study,
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
    model = load_model(study, manifest, scaling, device)
    index = index_events(shards)
    if folds is not None:
        # a block may have no event in these folds: its predictions are then a valid empty file
        index = index.take(np.flatnonzero(np.isin(fold_of(index.bucket, n_folds), list(folds))))
    predictions = predict_events(study, model, index)
    write_predictions(out, predictions, stamp(study=study.name, fit=model.about["fit"], config_hash=config_hash))
    log.info("%s: %d events predicted, columns %s", out, len(predictions), ", ".join(sorted(predictions.members)))


def predict_events(study: Study, model: LoadedModel, index: EventIndex) -> Predictions:
    """Return what the members and their ensemble say about the events of an index."""
    return _with_events(study, model.about, index, model.predict(index))


def load_networks(study: Study, manifest: Path, about: Mapping[str, Any]) -> list[nn.Module]:
    """Return the trained members of a network, in order."""
    from hitforge.training.member_files import load_member

    networks = []
    for member in about["members"]:
        weights, _ = load_member(manifest.parent / member["file"])
        network = study.build_network(about["model"], 0)
        network.load_state_dict(weights)
        networks.append(network)
    return networks


def _networks(
    study: Study, manifest: Path, about: Mapping[str, Any], scaling: Path, device: DeviceChoice
) -> Callable[[EventIndex], dict[str, NDArray[np.float32]]]:
    from hitforge.prediction import predict_members
    from hitforge.stages.train_member import read_scaling
    from hitforge.training.window import EventSource

    model = about["model"]
    scale = read_scaling(scaling)
    networks = load_networks(study, manifest, about)
    inputs, voxels, tensors = study.network_inputs(model, scale), study.uses_voxels(model), study.hit_tensors(model)
    training = study.settings.models[model].training
    where = resolve_device(device)

    def predict(index: EventIndex) -> dict[str, NDArray[np.float32]]:
        if len(index) and index.features_scaled != scale.is_identity:
            raise ValueError(
                f"{manifest}: the model was trained on {'scaled' if scale.is_identity else 'raw'} features, but these "
                "shards hold the other kind; a fold file and ntuples cannot be mixed in one study"
            )
        source = EventSource(index, inputs=inputs, voxels=voxels, tensors=tensors)
        return predict_members(networks, lambda output: study.output_columns(model, output), source, training, where)

    return predict


def _predict_from_features(columns: Columns, index: EventIndex) -> dict[str, NDArray[np.float32]]:
    """Return what boosters or a table say: the columns of a single member, shape (N, 1) or (N, 1, k)."""
    members: dict[str, NDArray[np.float32]] = {}
    for number, path in enumerate(index.paths):
        chosen = index.shard == number
        with Shard(path) as shard:
            found = columns(shard.column("features")[index.row[chosen]])
        for name, values in found.items():
            if name not in members:
                members[name] = np.empty((len(index), 1, *values.shape[1:]), dtype=np.float32)
            members[name][chosen, 0] = values
    return members


def _booster_columns(study: Study, manifest: Path, about: Mapping[str, Any]) -> Columns:
    from hitforge.bdt import load_trees, predict_trees

    model, names = about["model"], about["features"]
    boosters = [load_trees(manifest.parent / member["file"]) for member in about["members"]]

    def columns(features: NDArray[np.float32]) -> Mapping[str, NDArray[np.floating]]:
        own = study.model_features(model, features)
        outputs = [predict_trees(booster, own, names) for booster in boosters]
        return study.tree_columns(model, outputs, features)

    return columns


def _table_columns(study: Study, manifest: Path, about: Mapping[str, Any]) -> Columns:
    table = read_json(manifest.parent / about["members"][0]["file"])["table"]
    return lambda features: study.table_columns(about["model"], table, features)


def ensemble_prediction(predictions: NDArray[np.floating], weights: Sequence[float]) -> NDArray[np.float64]:
    """Return the sum of the members' predictions, shape (M, N) or (M, N, k), with weights that sum to one."""
    factors = np.asarray(weights, dtype=np.float64)
    if predictions.ndim < 2 or factors.shape != (len(predictions),):
        raise ValueError(f"ensemble_prediction: {predictions.shape} predictions do not fit {factors.shape} weights")
    total = np.zeros(predictions.shape[1:], dtype=np.float64)
    # member by member, not a matrix product: BLAS may sum in another order on another machine
    for factor, row in zip(factors, predictions, strict=True):
        total += factor * row
    return total


def _with_events(
    study: Study, about: Mapping[str, Any], index: EventIndex, members: Mapping[str, NDArray[np.float32]]
) -> Predictions:
    entry = np.zeros(len(index), dtype=np.int64)
    target = np.zeros(len(index), dtype=np.float32)
    truth = {name: np.zeros(len(index), dtype=np.float32) for name in study.layout.truth}
    for number, path in enumerate(index.paths):
        chosen = index.shard == number
        with Shard(path) as shard:
            entry[chosen] = shard.column("entry")[index.row[chosen]]
            target[chosen] = shard.column(f"targets/{study.target}")[index.row[chosen]]
            for name, values in truth.items():
                values[chosen] = shard.column(f"truth/{name}")[index.row[chosen]]
    names = np.array([path.stem for path in index.paths], dtype=object)
    mean = {
        name: ensemble_prediction(np.moveaxis(values, 1, 0), about["weights"]).astype(np.float32)
        for name, values in members.items()
    }
    return Predictions(
        part=names[index.shard],
        entry=entry,
        bucket=index.bucket,
        target=target,
        truth=truth,
        members=members,
        ensemble=study.combine(about["model"], members, mean),
    )
