"""Stage train-member: one network of an ensemble."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from hitforge.provenance import content_hash, read_json, stamp
from hitforge.scaling import Scaling
from hitforge.seeds import child_generator, child_seed
from hitforge.settings_base import Settings
from hitforge.studies.base import Study
from hitforge.training.checkpoint import discard_checkpoint
from hitforge.training.dataset import index_events
from hitforge.training.device import DeviceChoice, resolve_device
from hitforge.training.interruption import JobLimits
from hitforge.training.loop import train_member
from hitforge.training.member_files import load_member, save_member
from hitforge.training.settings import TrainingSettings
from hitforge.training.window import EventSource
from hitforge.words import model_of

log = logging.getLogger(__name__)


class TrainingFolds(Settings):
    """A member's own folds; it knows nothing of the other members."""

    count: int
    training: tuple[int, ...]
    monitoring: int


def read_scaling(path: Path) -> Scaling:
    """Read a scaling file."""
    return Scaling.model_validate(read_json(path))


def _first_weights(settings: TrainingSettings, member: int) -> dict[str, Tensor] | None:
    """Read the weights that a training starts from, if it does."""
    if settings.start_from is None:
        return None
    path = Path(os.path.expandvars(settings.start_from.replace("{member}", str(member))))
    if not path.is_file():
        raise FileNotFoundError(
            f"training.start_from: {path} is not there; run the production that trains it first, or correct the path "
            f"(relative to {Path.cwd()})"
        )
    return load_member(path)[0]


def _weights_hash(weights: Mapping[str, Tensor]) -> str:
    return content_hash({name: content_hash(values.flatten().tolist()) for name, values in weights.items()})


def _load_first(network: nn.Module, weights: Mapping[str, Tensor], settings: TrainingSettings) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"training.start_from: {settings.start_from} is of another network: {error}") from error


def train_member_of(
    study: Study,
    fit: str,
    member: int,
    shards: Sequence[Path],
    scaling: Path,
    folds: TrainingFolds,
    seed: int,
    device: DeviceChoice,
    checkpoint: Path,
    out: Path,
    config_hash: str,
    limits: JobLimits | None = None,
    code: str = "",
    *,
    keep_checkpoint: bool = False,
) -> None:
    """Train one member, or continue its training, and write its weights and history.

    OutOfTime and Terminated say that it stopped in good order with a checkpoint; the same call continues. ``code`` is
    the fingerprint of the code: a checkpoint that other code made is not continued. ``keep_checkpoint`` leaves the
    checkpoint of the finished training, with which a repeated call writes the same files at once.
    """
    model = model_of(fit)
    scale = read_scaling(scaling)
    index = index_events(shards)
    inputs = study.network_inputs(model, scale)
    settings = study.settings.models[model].training
    own_seed = child_seed(seed, study.name, fit, f"member_{member}")

    def source(stream: str, wanted: Sequence[int], most: int | None) -> EventSource:
        events = index.folds(folds.count, wanted)
        if most is not None and len(events) > most:
            events = events.take(np.sort(child_generator(own_seed, stream).choice(len(events), most, replace=False)))
        return EventSource(
            index=events,
            target=study.target,
            inputs=inputs,
            weight=lambda features, target: study.event_weight(model, features, target),
            own_weight=study.own_weight,
            voxels=study.uses_voxels(model),
            tensors=study.hit_tensors(model),
        )

    training = source("events", folds.training, settings.max_events)
    monitoring = source("monitoring events", [folds.monitoring], settings.max_monitoring)
    log.info("%s member %d: %d training, %d monitoring events", fit, member, len(training.index), len(monitoring.index))
    first_weights = _first_weights(settings, member)
    provenance = stamp(
        study=study.name,
        fit=fit,
        member=member,
        config_hash=config_hash,
        scaling=content_hash(scale.model_dump(mode="json")),
        training_events=training.index.fingerprint(),
        monitoring_events=monitoring.index.fingerprint(),
        training_parts=[path.stem for path in shards],
        **({} if first_weights is None else {"started_from": _weights_hash(first_weights)}),
    )

    def build_network(init_seed: int) -> nn.Module:
        network = study.build_network(model, init_seed)
        if first_weights is not None:
            _load_first(network, first_weights, settings)
        return network

    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    trained = train_member(
        build_network,
        study.build_loss(model),
        training,
        monitoring,
        settings,
        seed=own_seed,
        device=resolve_device(device),
        checkpoint=checkpoint,
        config_hash=content_hash({**provenance, "code": code}),
        limits=limits,
    )
    save_member(out, trained, provenance)
    if not keep_checkpoint:
        discard_checkpoint(checkpoint)
