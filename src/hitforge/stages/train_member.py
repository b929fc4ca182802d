"""Stage train-member: one network of an ensemble."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

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
from hitforge.training.member_files import save_member
from hitforge.training.window import EventSource

log = logging.getLogger(__name__)


class TrainingFolds(Settings):
    """A member's own folds; it knows nothing of the other members."""

    count: int
    training: tuple[int, ...]
    monitoring: int


def read_scaling(path: Path) -> Scaling:
    """Read a scaling file."""
    return Scaling.model_validate(read_json(path))


def train_member_of(
    study: Study[Any],
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
) -> None:
    """Train one member, or continue its training, and write its weights and history.

    ``code`` is the fingerprint of the code: a checkpoint that other code made is not continued.

    Raises
    ------
    OutOfTime, Terminated
        Stopped in good order with a checkpoint; the same call continues.
    """
    model = fit.partition("/")[0]
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
    provenance = stamp(
        study=study.name,
        fit=fit,
        member=member,
        config_hash=config_hash,
        scaling=content_hash(scale.model_dump(mode="json")),
        training_events=training.index.fingerprint(),
        monitoring_events=monitoring.index.fingerprint(),
        training_parts=[path.stem for path in shards],
    )
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    trained = train_member(
        lambda init_seed: study.build_network(model, init_seed),
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
    discard_checkpoint(checkpoint)
