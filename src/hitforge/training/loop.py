"""The training loop of one network: resumable, aware of the wall clock, the same bits on every run."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from hitforge.provenance import content_hash
from hitforge.seeds import child_generator, child_seed
from hitforge.training.checkpoint import load_checkpoint, save_checkpoint, status_path
from hitforge.training.dataset import check_disjoint
from hitforge.training.device import channels_last, naming_batch_size, repeatable
from hitforge.training.interruption import Interrupted, JobLimits, Watch
from hitforge.training.loader import EventStream, bytes_to_stay
from hitforge.training.losses import MemberLoss
from hitforge.training.member_files import TrainedMember
from hitforge.training.memory import shares, shuffle_buffer_bytes
from hitforge.training.optimiser import build_optimiser, set_rates
from hitforge.training.plan import training_edges
from hitforge.training.progress import Progress
from hitforge.training.resident import on_device
from hitforge.training.schedule import EpochAction, OneCycleThenStep
from hitforge.training.settings import WITHOUT_EFFECT_ON_A_MEMBER, TrainingSettings
from hitforge.training.state import TrainingState
from hitforge.training.step import EagerStep, training_step
from hitforge.training.window import EventSource

log = logging.getLogger(__name__)


class TrainingDiverged(RuntimeError):
    """The loss is not a finite number."""


def train_member(
    build_network: Callable[[int], nn.Module],
    loss: MemberLoss,
    training: EventSource,
    monitoring: EventSource,
    settings: TrainingSettings,
    *,
    seed: int,
    device: torch.device,
    checkpoint: Path,
    config_hash: str,
    limits: JobLimits | None = None,
    on_batch: Callable[[int, int], None] | None = None,
) -> TrainedMember:
    """Train a network, or continue the training that ``checkpoint`` holds.

    Parameters
    ----------
    build_network : callable
        Seed of the initial weights to a network, which is called with the batch's inputs by name.
    loss : MemberLoss
        What is minimised; it takes the network's output as it comes. Fresh: a checkpoint restores its state.
    training, monitoring : EventSource
        Disjoint events to learn from and to choose the best epoch with.
    settings : TrainingSettings
        Batch size, schedule and what fixes the bits.
    seed : int
        Seed of the member; initial weights and order of the events are child streams of it.
    device : torch.device
        See :func:`hitforge.training.device.resolve_device`.
    checkpoint : Path
        Saved after each epoch, every ``checkpoint_minutes`` and before an early end. It stays until
        :func:`~hitforge.training.checkpoint.discard_checkpoint`.
    config_hash : str
        Hash of everything else that fixes the result: network settings, scaling, code. A checkpoint with another
        one is passed over.
    limits : JobLimits, optional
        Wall clock.
    on_batch : callable, optional
        Called with epoch and batch after each training batch.

    Returns
    -------
    TrainedMember

    Raises
    ------
    OutOfTime, Terminated
        Stopped early in good order; run again to continue.
    TrainingDiverged
        The loss became NaN or infinite.
    """
    watch = Watch(limits or JobLimits())
    check_disjoint(training.index, monitoring.index)
    with ExitStack() as stack:
        stack.enter_context(watch.listening())
        stack.enter_context(repeatable(device, settings.threads, tf32=settings.tf32))
        stack.enter_context(naming_batch_size("training.batch_size", settings.batch_size))
        stack.enter_context(torch.random.fork_rng(range(torch.cuda.device_count())))
        torch.manual_seed(child_seed(seed, "torch"))
        loop = _Loop(build_network, loss, training, monitoring, settings, seed, device, checkpoint, config_hash, watch)
        stack.callback(loop.progress.close)
        try:
            stop_reason = loop.run(on_batch)
        except Interrupted as interruption:
            loop.save("stopped")
            log.warning("%s: %s; checkpoint saved, run again to continue", checkpoint.stem, interruption)
            raise
        state = loop.state
        loop.progress.write("finished", state.epoch, state.batch, state.history)
    assert state.best is not None and state.schedule.best_epoch is not None
    return TrainedMember(
        weights=state.best["network"],
        history=state.history,
        best_epoch=state.schedule.best_epoch,
        best_loss=state.history[state.schedule.best_epoch]["validation_loss"],
        n_training=len(training.index),
        n_monitoring=len(monitoring.index),
        batches_per_epoch=loop.batches_per_epoch,
        stop_reason=stop_reason,
        seed=seed,
    )


class _Loop:
    """The live objects of a training and the loop over them."""

    def __init__(
        self,
        build_network: Callable[[int], nn.Module],
        loss: MemberLoss,
        training: EventSource,
        monitoring: EventSource,
        settings: TrainingSettings,
        seed: int,
        device: torch.device,
        checkpoint: Path,
        config_hash: str,
        watch: Watch,
    ) -> None:
        self.settings, self.seed, self.device, self.checkpoint, self.watch = settings, seed, device, checkpoint, watch
        # fails here, before any work, when the events do not fill a batch
        self.batches_per_epoch = len(training_edges(len(training.index), settings.batch_size)) - 1

        network = build_network(child_seed(seed, "init")).to(device)
        if settings.channels_last:
            network = channels_last(network)
        optimiser = build_optimiser([p for p in network.parameters() if p.requires_grad], settings)
        schedule = OneCycleThenStep(settings.schedule, self.batches_per_epoch)
        self.state = TrainingState(network, optimiser, loss.to(device), schedule)
        # validations go without: their last batch is smaller, and would be compiled for itself
        forward: Callable[..., Any] = torch.compile(network, dynamic=False) if settings.compile else network
        eager = EagerStep(forward, self.state.loss, optimiser, device, settings.amp)
        self.step = training_step(eager, cuda_graph=settings.cuda_graph)
        self.identity = content_hash(
            {
                "config": config_hash,
                "settings": settings.model_dump(mode="json", exclude=WITHOUT_EFFECT_ON_A_MEMBER),
                "seed": seed,
                "training": training.index.fingerprint(),
                "monitoring": monitoring.index.fingerprint(),
                "weights": [[name, list(value.shape)] for name, value in network.state_dict().items()],
                "torch": str(torch.__version__),
            }
        )
        self.saved = load_checkpoint(checkpoint, self.identity)
        self._open_streams(training, monitoring)
        self.progress = Progress(
            status_path(checkpoint),
            checkpoint.stem,
            settings.schedule.max_epochs,
            self.batches_per_epoch,
            tensorboard=settings.tensorboard,
        )
        self._loss_sum: Tensor | None = None  # of this epoch, on the device; float64, as state.loss_sum
        self._saved_at = time.monotonic()
        self._save_seconds = 0.0
        self._batch_seconds = 0.0

    def _open_streams(self, training: EventSource, monitoring: EventSource) -> None:
        """Divide the shuffle buffer; a training that continues keeps the buffer that it began with."""
        settings, batch_size = self.settings, self.settings.batch_size
        self.buffer_bytes = shuffle_buffer_bytes(settings)
        needs = [bytes_to_stay(source, batch_size) for source in (training, monitoring)]
        began_with = self.buffer_bytes if self.saved is None else self.saved["buffer_bytes"]
        if began_with < self.buffer_bytes:
            self.buffer_bytes = began_with
        elif began_with > self.buffer_bytes and sum(needs) > self.buffer_bytes:
            log.warning(
                "%s: began with a shuffle buffer of %d MiB, of which this job has %d: the order of the events is "
                "another from here on", self.checkpoint.stem, began_with >> 20, self.buffer_bytes >> 20,
            )  # fmt: skip
        parts = shares(self.buffer_bytes, needs[0], needs[1], auto=settings.shuffle_buffer_mb == "auto")
        resident = on_device(
            settings, self.device, sum(int(source.event_bytes().sum()) for source in (training, monitoring))
        )
        self.training, self.monitoring = (
            EventStream(
                source, batch_size, self.buffer_bytes, self.device, share, settings.loader_threads, resident=resident
            )
            for source, share in zip((training, monitoring), parts, strict=True)
        )

    def run(self, on_batch: Callable[[int, int], None] | None) -> str:
        """Train to the end and return why it ended."""
        state, schedule = self.state, self.state.schedule
        if self.saved is not None:
            state.load_state_dict(self.saved)
            self.saved = None
            log.info("%s: continues at epoch %d, batch %d", self.checkpoint.stem, state.epoch + 1, state.batch)
        self.progress.write("running", state.epoch, state.batch, state.history)
        while (action := schedule.start_epoch(state.epoch)) != EpochAction.STOP:
            if action == EpochAction.RELOAD_BEST:
                state.reload_best()
            self.progress.start_epoch(state.batch)
            self._train_epoch(on_batch)
            state.loss.end_of_epoch(state.epoch)
            validation = self._validate()
            if schedule.end_epoch(self._monitored(validation)).improved:
                state.keep_best()
            self._end_epoch(validation)
        return "no_improvement" if schedule.stopped else "max_epochs"

    def _train_epoch(self, on_batch: Callable[[int, int], None] | None) -> None:
        """Do the batches of this epoch that are not done yet."""
        state = self.state
        state.network.train()
        state.loss.train()
        plan = self.training.shuffled(child_generator(self.seed, "order", state.epoch))
        self._loss_sum = torch.tensor(state.loss_sum, dtype=torch.float64, device=self.device)
        started = time.monotonic()
        with self.training.batches(plan, start=state.batch) as batches:
            for batch in batches:
                rates = state.schedule.at(state.epoch * self.batches_per_epoch + state.batch)
                for group in state.optimiser.param_groups:
                    set_rates(group, rates, self.settings)
                loss = self.step(batch)
                state.optimiser.step()
                self._loss_sum += loss.double() * len(batch)
                state.batch += 1
                if state.batch % self.settings.check_every == 0:
                    self._look()
                if on_batch is not None:
                    on_batch(state.epoch, state.batch - 1)
                started = self._after_batch(started)
        self._look()
        self._loss_sum = None

    def _look(self) -> None:
        """Bring the sum of the losses from the device and end a training that diverged."""
        if self._loss_sum is None:
            return
        state, every = self.state, self.settings.check_every
        state.loss_sum = float(self._loss_sum.item())
        if not math.isfinite(state.loss_sum):
            first = (state.batch - 1) // every * every + 1
            batches = f"batch {state.batch}" if first == state.batch else f"batches {first} to {state.batch}"
            raise TrainingDiverged(self._diverged(f"{batches} of {self.batches_per_epoch}", state.loss_sum))

    def _monitored(self, validation: Mapping[str, float]) -> float:
        """Return the number whose minimum chooses the epoch."""
        if self.settings.monitor == "loss":
            return validation["loss"]
        if "information" not in validation:
            raise ValueError(
                "training.monitor: information is not measured by the loss of this model; set monitor: loss"
            )
        return -validation["information"]

    def _validate(self) -> dict[str, float]:
        """Return the mean ``loss`` and metrics over the monitoring events (not over batches)."""
        state = self.state
        state.network.eval()
        state.loss.eval()
        thresholds = {name: value.clone() for name, value in state.loss.state_dict().items()}
        totals: Counter[str] = Counter()
        outputs: list[Tensor] = []
        targets: list[Tensor] = []
        started = time.monotonic()
        try:
            with torch.inference_mode(), self.monitoring.batches(self.monitoring.in_order()) as batches:
                for batch in batches:
                    with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.amp):
                        output = state.network(**batch.inputs)
                    assert batch.target is not None
                    values = {"loss": state.loss.per_event(output, batch.target, batch.weight)}
                    values |= state.loss.metrics(output, batch.target)
                    totals.update({name: float(value.double().sum().item()) for name, value in values.items()})
                    if self.settings.monitor == "information" and isinstance(output, Tensor):
                        outputs.append(output.float().cpu())
                        targets.append(batch.target.cpu())
                    started = self._after_batch(started, save=False)
        except Interrupted:
            # the whole validation is repeated, from the thresholds that it began with
            state.loss.load_state_dict(thresholds)
            raise
        means = {name: total / len(self.monitoring.source.index) for name, total in totals.items()}
        if not math.isfinite(means["loss"]):
            raise TrainingDiverged(self._diverged("validation", means["loss"]))
        if outputs:
            means |= state.loss.sample_metrics(torch.cat(outputs), torch.cat(targets))
        return means

    def _after_batch(self, started: float, save: bool = True) -> float:
        """Save if it is time, stop if time runs out; return the start of the next batch."""
        state = self.state
        now = time.monotonic()
        self._batch_seconds = max(now - started, 0.8 * self._batch_seconds)
        if save and now - self._saved_at > 60 * self.settings.checkpoint_minutes:
            self.save("running")
        self.progress.update(state.epoch, state.batch, state.history)
        self.watch.check(2 * self._batch_seconds + 2 * self._save_seconds)
        return time.monotonic()

    def _end_epoch(self, validation: Mapping[str, float]) -> None:
        """Enter the epoch in the history and save."""
        state = self.state
        last_batch = state.optimiser.param_groups[0]  # the schedule may already have halved its rate
        entry = {
            "epoch": state.epoch,
            "train_loss": state.loss_sum / (self.batches_per_epoch * self.settings.batch_size),
            **{f"validation_{name}": value for name, value in validation.items()},
            "lr": last_batch["lr"],
            "beta1": last_batch["betas"][0] if "betas" in last_batch else None,
            **state.loss.log(),
        }
        state.history.append(entry)
        state.epoch, state.batch, state.loss_sum = state.epoch + 1, 0, 0.0
        self.save("running")
        self.progress.end_epoch(entry, state.schedule.best_epoch)

    def save(self, status: Literal["running", "stopped"]) -> None:
        """Save the checkpoint and the status."""
        state = self.state
        self._look()
        started = time.monotonic()
        about = {"identity": self.identity, "buffer_bytes": self.buffer_bytes}
        save_checkpoint(self.checkpoint, {**about, **state.state_dict()})
        self.progress.write(status, state.epoch, state.batch, state.history)
        self._saved_at = time.monotonic()
        self._save_seconds = self._saved_at - started

    def _diverged(self, where: str, value: float) -> str:
        return (
            f"{self.checkpoint.stem}, epoch {self.state.epoch + 1}, {where}: the loss is {value}. Lower "
            "training.schedule.lr_peak, switch training.amp off, or look for extreme values in the input features"
        )
