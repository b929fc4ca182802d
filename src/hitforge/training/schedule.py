"""Learning-rate schedule: one cosine cycle, then step decay from the best checkpoint. Free of torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hitforge.training.settings import ScheduleSettings


@dataclass(frozen=True)
class Rates:
    """Learning rate and Adam's first moment coefficient of one iteration."""

    lr: float
    beta1: float


class EpochAction(StrEnum):
    """What the training loop does at the start of an epoch."""

    TRAIN = "train"
    RELOAD_BEST = "reload_best"
    STOP = "stop"


@dataclass(frozen=True)
class EpochOutcome:
    """What an epoch's validation loss means: save it as the best, and end the training or not."""

    improved: bool
    stop: bool


class OneCycleThenStep:
    """The paper's schedule as a state machine (arXiv:2107.02119, training section).

    The training loop, with epochs and iterations counted from 0, is::

        for epoch in itertools.count():
            action = schedule.start_epoch(epoch)
            if action == EpochAction.STOP:
                break
            if action == EpochAction.RELOAD_BEST:
                ...  # weights and optimiser state of the best checkpoint; loss thresholds stay as they are
            for batch in ...:
                rates = schedule.at(iteration)  # set lr and beta1, train, iteration += 1
            outcome = schedule.end_epoch(validation_loss)
            if outcome.improved:
                ...  # save the best checkpoint
            # save the resume checkpoint with schedule.state_dict()
        ...  # load the best checkpoint

    Stage 1 is a cycle of cosines over iterations. Stage 2 starts by reloading the best checkpoint with the rates
    that it was saved with, and holds the rates for whole epochs: while the loss has not improved for
    ``step_patience`` epochs, each epoch halves the learning rate. Halving does not reset the count. The first
    epoch of stage 2 that does not improve is forgiven if anything improved in stage 1.
    With ``stop_in_cycle`` epochs of the cycle without improvement count towards the early stop, too.
    With ``constant`` there is one stage of ``max_epochs`` without reload or halving, and only the early stop.

    Parameters
    ----------
    settings : ScheduleSettings
        Lengths, rates and patience.
    iterations_per_epoch : int
        Full batches in an epoch.
    """

    def __init__(self, settings: ScheduleSettings, iterations_per_epoch: int) -> None:
        if iterations_per_epoch < 1:
            raise ValueError("an epoch has no full batch: lower training.batch_size or add training events")
        self.settings = settings
        self.iterations_per_epoch = iterations_per_epoch
        self.cycle_iterations = settings.cycle_epochs * iterations_per_epoch
        self.epoch = 0
        self.best_loss = math.inf
        self.best_epoch: int | None = None
        self.epochs_without_improvement = 0
        self.stopped = False
        self._best_rates: Rates | None = None
        self._reloaded = False
        self._forgive = False
        self._held = (
            Rates(settings.lr_peak, settings.beta1_high)
            if settings.constant
            else Rates(settings.lr_end, settings.beta1_high)
        )

    def at(self, iteration: int) -> Rates:
        """Return the rates of ``iteration``, counted from 0 over the whole training."""
        s = self.settings
        if s.constant or iteration >= self.cycle_iterations:
            return self._held
        warmup = s.warmup_epochs * self.iterations_per_epoch
        if iteration < warmup:
            fall = _cosine(iteration / warmup)
            return Rates(s.lr_peak - (s.lr_peak - s.lr_start) * fall, s.beta1_low + (s.beta1_high - s.beta1_low) * fall)
        fall = _cosine((iteration - warmup) / (self.cycle_iterations - warmup))
        return Rates(s.lr_end + (s.lr_peak - s.lr_end) * fall, s.beta1_high - (s.beta1_high - s.beta1_low) * fall)

    def start_epoch(self, epoch: int) -> EpochAction:
        """Begin ``epoch``; calling it again, after a resume within the epoch, does not ask for a second reload."""
        self.epoch = epoch
        if self.stopped or epoch >= self.settings.max_epochs:
            return EpochAction.STOP
        if self._in_step_stage and not self._reloaded:
            self._reloaded = True
            self._forgive = self._best_rates is not None
            if self._best_rates is not None:
                self._held = self._best_rates
                return EpochAction.RELOAD_BEST
        return EpochAction.TRAIN

    def end_epoch(self, validation_loss: float) -> EpochOutcome:
        """Take the epoch's validation loss; a loss that is not a number never improves."""
        s = self.settings
        if self._in_step_stage and self.epochs_without_improvement >= s.step_patience:
            self._held = Rates(self._held.lr * s.step_factor, s.beta1_high)
        improved = validation_loss <= self.best_loss
        if improved:
            self.best_loss = float(validation_loss)
            self.best_epoch = self.epoch
            # The optimiser still has the rates of the epoch's last batch when the checkpoint is written.
            self._best_rates = self.at((self.epoch + 1) * self.iterations_per_epoch - 1)
            self.epochs_without_improvement = 0
        elif self._forgive:
            self._forgive = False
        elif self._in_step_stage or s.constant or s.stop_in_cycle:
            self.epochs_without_improvement += 1
        self.stopped = self.epochs_without_improvement >= s.stop_patience
        return EpochOutcome(improved, self.stopped)

    def state_dict(self) -> dict[str, Any]:
        """Return the state as plain numbers, for the resume checkpoint."""
        best = self._best_rates
        return {
            "epoch": self.epoch,
            "best_loss": self.best_loss,
            "best_epoch": self.best_epoch,
            "epochs_without_improvement": self.epochs_without_improvement,
            "stopped": self.stopped,
            "reloaded": self._reloaded,
            "forgive": self._forgive,
            "held": [self._held.lr, self._held.beta1],
            "best_rates": None if best is None else [best.lr, best.beta1],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict` of a schedule with the same settings."""
        self.epoch = state["epoch"]
        self.best_loss = state["best_loss"]
        self.best_epoch = state["best_epoch"]
        self.epochs_without_improvement = state["epochs_without_improvement"]
        self.stopped = state["stopped"]
        self._reloaded = state["reloaded"]
        self._forgive = state["forgive"]
        self._held = Rates(*state["held"])
        self._best_rates = None if state["best_rates"] is None else Rates(*state["best_rates"])

    @property
    def _in_step_stage(self) -> bool:
        return not self.settings.constant and self.epoch >= self.settings.cycle_epochs


def _cosine(u: float) -> float:
    """Fall from 1 at u = 0 to 0 at u = 1."""
    return (1.0 + math.cos(math.pi * u)) / 2.0
