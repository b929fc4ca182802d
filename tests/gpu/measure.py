"""What the steps measure with: settings with switches, batches, time of a step, rate of a whole training loop."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import nn

from hitforge.stages.train_member import read_scaling
from hitforge.studies.base import Study
from hitforge.training.batches import Batch
from hitforge.training.dataset import EventIndex, index_events
from hitforge.training.device import channels_last
from hitforge.training.loader import EventStream
from hitforge.training.loop import train_member
from hitforge.training.optimiser import build_optimiser
from hitforge.training.settings import TrainingSettings
from hitforge.training.window import EventSource
from tests.gpu.record import NotThereError
from tests.gpu.samples import scaling_path, shard_path, study_of

# what a GPU is meant to train with; a version that lacks a switch trains without
RECOMMENDED: Mapping[str, Any] = {"amp": True, "tf32": True, "check_every": 50, "cuda_graph": True}


def with_switches(settings: TrainingSettings, **switches: Any) -> TrainingSettings:
    """Return settings with some keys set; NotThereError if this version does not know one, or its value."""
    missing = [name for name in switches if name not in type(settings).model_fields]
    if missing:
        raise NotThereError(f"this version has no training.{', training.'.join(missing)}")
    try:
        return type(settings).model_validate({**settings.model_dump(), **switches})
    except ValidationError as error:
        raise NotThereError(f"this version does not accept {switches}: {error.errors()[0]['msg']}") from error


def known(switches: Mapping[str, Any]) -> dict[str, Any]:
    """Return the switches that this version has."""
    return {name: value for name, value in switches.items() if name in TrainingSettings.model_fields}


@dataclass(frozen=True)
class Sample:
    """Events of one study's sample, and how a model is fed with them."""

    study: Study
    model: str
    index: EventIndex
    scaling: Path
    network: Callable[[], nn.Module] | None = None
    """In place of the model's own."""

    def build(self, seed: int) -> nn.Module:
        """Return the network that is trained."""
        return self.study.build_network(self.model, seed) if self.network is None else self.network()

    def source(self, first: int, stop: int) -> EventSource:
        """Return the events ``first:stop`` as a training reads them."""
        return self.source_of(self.index.take(np.arange(first, min(stop, len(self.index)))))

    def source_of(self, index: EventIndex) -> EventSource:
        """Return events as a training of this model reads them."""
        return EventSource(
            index=index,
            target=self.study.target,
            inputs=self.study.network_inputs(self.model, read_scaling(self.scaling)),
            weight=lambda features, target: self.study.event_weight(self.model, features, target),
            own_weight=self.study.own_weight,
            voxels=self.study.uses_voxels(self.model),
            tensors=self.study.hit_tensors(self.model),
        )

    @property
    def training(self) -> TrainingSettings:
        """The settings of the model's training."""
        settings: TrainingSettings = self.study.settings.models[self.model].training
        return settings

    def batch(self, size: int, device: torch.device) -> Batch:
        """Return the first events of the sample as a batch on a device."""
        stream = EventStream(self.source(0, size), size, 4 * 2**30, device)
        with stream.batches(stream.in_order()) as batches:
            return next(batches)


def sample_of(folder: Path, study: str, model: str) -> Sample:
    """Return the prepared sample of a study for one of its models."""
    index = index_events([shard_path(folder, study)])
    return Sample(study_of(study), model, index, scaling_path(folder, study))


def exact(device: torch.device, wanted: bool) -> None:
    """Multiply float32 as float32, or let the GPU round to TF32."""
    if device.type == "cuda":
        torch.set_float32_matmul_precision("highest" if wanted else "high")
        torch.backends.cudnn.allow_tf32 = not wanted


def synchronise(device: torch.device) -> None:
    """Wait for what the device was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def timed(action: Callable[[], object], device: torch.device, seconds: float) -> float:
    """Return the seconds that an action takes: the median of rounds, after some to warm up, in about ``seconds``.

    With 0 seconds it is run twice, and the second time counts.
    """
    for _ in range(2 if seconds else 1):
        action()
    synchronise(device)
    started = time.perf_counter()
    action()
    synchronise(device)
    once = time.perf_counter() - started
    if not seconds:
        return once
    repeats = max(1, int(seconds / 3 / max(once, 1e-6)))
    rounds = []
    for _ in range(3):
        started = time.perf_counter()
        for _ in range(repeats):
            action()
        synchronise(device)
        rounds.append((time.perf_counter() - started) / repeats)
    return statistics.median(rounds)


def training_step(
    sample: Sample, batch: Batch, device: torch.device, amp: bool, last: bool, compiled: bool
) -> Callable[[], object]:
    """Return a training step on a batch that is on the device already, without reading its loss."""
    network = sample.study.build_network(sample.model, 1).to(device).train()
    if last:
        network = channels_last(network)
    forward: Callable[..., Any] = torch.compile(network, dynamic=False) if compiled else network
    loss = sample.study.build_loss(sample.model).to(device).train()
    optimiser = build_optimiser([p for p in network.parameters() if p.requires_grad], sample.training)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=amp):
            output = forward(**batch.inputs)
        loss(output, batch.target, batch.weight).backward()
        optimiser.step()

    return step


def inference(
    sample: Sample, batch: Batch, device: torch.device, amp: bool, last: bool, compiled: bool
) -> Callable[[], object]:
    """Return a prediction of a batch that is on the device already."""
    network = sample.study.build_network(sample.model, 1).to(device).eval()
    if last:
        network = channels_last(network)
    forward: Callable[..., Any] = torch.compile(network, dynamic=False) if compiled else network

    def predict() -> None:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=amp):
            forward(**batch.inputs)

    return predict


class _Enough(Exception):
    """The loop has been watched for long enough."""


@dataclass(frozen=True)
class LoopRate:
    """How a training loop went: seconds an event, and until the first batch was done."""

    event_seconds: float
    first_batch_seconds: float


def loop_rate(
    sample: Sample,
    settings: TrainingSettings,
    device: torch.device,
    checkpoint: Path,
    warm: int,
    batches: int,
    most: float,
) -> LoopRate:
    """Run the real training loop for ``warm`` and then ``batches`` batches, at most ``most`` seconds of the latter.

    The batches that are measured lie in one epoch if the sample is large enough. Unlike `training_step` this has the
    loader, the schedule, the checks of the loss and the clock in it.
    """
    size = settings.batch_size
    monitored = min(size, max(2, len(sample.index) // 8))
    training = sample.source(0, min(len(sample.index) - monitored, (warm + batches + 1) * size))
    monitoring = sample.source(len(sample.index) - monitored, len(sample.index))
    started = time.perf_counter()
    first = begun = ended = 0.0
    done = 0

    def watch(_epoch: int, _batch: int) -> None:
        nonlocal first, begun, ended, done
        done += 1
        if done in (1, warm):
            synchronise(device)
            first, begun = first or time.perf_counter() - started, time.perf_counter()
        elif done > warm and (done == warm + batches or time.perf_counter() - begun > most):
            synchronise(device)
            ended = time.perf_counter()
            raise _Enough

    with contextlib.suppress(_Enough):
        train_member(
            sample.build,
            sample.study.build_loss(sample.model),
            training,
            monitoring,
            settings,
            seed=1,
            device=device,
            checkpoint=checkpoint,
            config_hash="check",
            on_batch=watch,
        )
    checkpoint.unlink(missing_ok=True)
    if not ended:
        raise RuntimeError(f"the training ended after {done} batches, before {warm + batches} were done")
    return LoopRate((ended - begun) / ((done - warm) * size), first)


def relative(value: torch.Tensor, reference: torch.Tensor) -> float:
    """Return |value - reference| / |reference|, 0 where both vanish; NaN if one has NaN."""
    a, b = value.detach().double().cpu(), reference.detach().double().cpu()
    scale = float(b.norm())
    return float((a - b).norm()) / scale if scale > 0 else float(a.norm())


def on_device(batch: Batch, device: torch.device) -> Batch:
    """Return a batch on another device."""
    moved = {name: tensor.to(device) for name, tensor in batch.inputs.items()}
    assert batch.target is not None and batch.weight is not None
    return Batch(batch.events, moved, batch.target.to(device), batch.weight.to(device))


def still(network: nn.Module) -> nn.Module:
    """Return a network without what is random in training: dropout, and variations of images."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if getattr(module, "augmentation", None) is not None:
            module.augmentation = None
    return network
