"""Learning-rate schedule: the cycle's trace, and every rule of the step stage."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from hitforge.training.schedule import EpochAction, EpochOutcome, OneCycleThenStep, Rates
from hitforge.training.settings import ScheduleSettings

PER_EPOCH = 7


def run_cycle(losses: list[float], **settings: object) -> OneCycleThenStep:
    """Run the cycle with the given validation losses and enter the first epoch after it."""
    chosen = ScheduleSettings.model_validate({"warmup_epochs": 1, "decay_epochs": len(losses) - 1, **settings})
    schedule = OneCycleThenStep(chosen, PER_EPOCH)
    for epoch, loss in enumerate(losses):
        assert schedule.start_epoch(epoch) == EpochAction.TRAIN
        schedule.end_epoch(loss)
    return schedule


def test_trace_of_the_cycle() -> None:
    schedule = OneCycleThenStep(ScheduleSettings(), PER_EPOCH)
    for epochs, lr, beta1 in ((0, 5e-5, 0.95), (2, 5e-3, 0.85), (20, 5e-4, 0.95)):
        rates = schedule.at(epochs * PER_EPOCH)
        assert (rates.lr, rates.beta1) == pytest.approx((lr, beta1), rel=1e-12)
    assert schedule.at(PER_EPOCH).lr == pytest.approx((5e-5 + 5e-3) / 2)
    assert schedule.at(11 * PER_EPOCH).beta1 == pytest.approx(0.90)
    trace = [schedule.at(k).lr for k in range(20 * PER_EPOCH + 1)]
    assert trace.index(max(trace)) == 2 * PER_EPOCH
    k = 5 * PER_EPOCH
    assert trace[k] == pytest.approx(5e-4 + 4.5e-3 * (1 + math.cos(math.pi * 3 / 18)) / 2)


def test_reload_brings_the_best_checkpoints_own_rates() -> None:
    schedule = run_cycle([5.0, 3.0, 4.0, 4.5])
    own = schedule.at(2 * PER_EPOCH - 1)
    assert schedule.best_epoch == 1
    assert schedule.start_epoch(4) == EpochAction.RELOAD_BEST
    assert schedule.at(4 * PER_EPOCH) == own
    # A resume within the epoch starts it again, but has the reloaded weights already.
    assert schedule.start_epoch(4) == EpochAction.TRAIN


def test_patience_halving_and_stop() -> None:
    schedule = run_cycle([5.0, 3.0, 4.0])
    epoch = 3
    schedule.start_epoch(epoch)
    lr = schedule.at(epoch * PER_EPOCH).lr
    trace = []
    while True:
        outcome = schedule.end_epoch(9.0)
        trace.append((schedule.epochs_without_improvement, schedule.at((epoch + 1) * PER_EPOCH).lr / lr))
        if outcome.stop:
            break
        epoch += 1
        assert schedule.start_epoch(epoch) == EpochAction.TRAIN
    # First epoch forgiven; a count of two from earlier epochs halves at the next validation and at every later one.
    assert trace == [(0, 1), (1, 1), (2, 1), *((p, 0.5 ** (p - 2)) for p in range(3, 11))]
    assert schedule.start_epoch(epoch + 1) == EpochAction.STOP
    assert schedule.at(10**6).beta1 == 0.95


def test_improvement_ends_the_halving() -> None:
    schedule = run_cycle([5.0, 3.0])
    losses = [4.0, 4.0, 4.0, 4.0, 3.0, 4.0, 4.0, 4.0]
    halvings = []
    for epoch, loss in enumerate(losses, start=2):
        schedule.start_epoch(epoch)
        before = schedule.at(epoch * PER_EPOCH).lr
        outcome = schedule.end_epoch(loss)
        halvings.append(schedule.at(epoch * PER_EPOCH).lr < before)
        assert outcome == EpochOutcome(improved=loss <= 3.0, stop=False)
    # An equal loss counts as an improvement; its own validation pass still begins with a halving.
    assert halvings == [False, False, False, True, True, False, False, True]


def test_no_forgiveness_and_no_reload_without_improvement_in_the_cycle() -> None:
    schedule = run_cycle([math.nan, math.nan])
    assert schedule.best_epoch is None
    assert schedule.start_epoch(2) == EpochAction.TRAIN
    schedule.end_epoch(math.nan)
    assert schedule.epochs_without_improvement == 1


def test_cycle_only() -> None:
    schedule = run_cycle([5.0, 6.0, 7.0], step_epochs=0)
    assert schedule.start_epoch(3) == EpochAction.STOP


def test_early_stop_within_the_cycle() -> None:
    losses = [3.0, 1.0, 2.0, 2.0]
    assert run_cycle(losses, step_epochs=0, stop_patience=2).stopped is False
    stopping = run_cycle(losses, step_epochs=0, stop_patience=2, stop_in_cycle=True)
    assert stopping.stopped and stopping.best_epoch == 1
    assert stopping.start_epoch(4) == EpochAction.STOP


def test_end_of_the_step_stage() -> None:
    schedule = run_cycle([5.0, 4.0], step_epochs=1)
    assert schedule.start_epoch(2) == EpochAction.RELOAD_BEST
    assert schedule.end_epoch(3.0) == EpochOutcome(improved=True, stop=False)
    assert schedule.start_epoch(3) == EpochAction.STOP


def test_constant_rates() -> None:
    schedule = OneCycleThenStep(ScheduleSettings(constant=True, stop_patience=3), PER_EPOCH)
    for epoch, loss in enumerate([5.0, 6.0, 6.0, 6.0]):
        assert schedule.start_epoch(epoch) == EpochAction.TRAIN
        assert schedule.at(epoch * PER_EPOCH) == Rates(5e-3, 0.95)
        outcome = schedule.end_epoch(loss)
    assert outcome.stop


@pytest.mark.parametrize("cut", [1, 3, 5, 9])
def test_resume_continues_identically(cut: int) -> None:
    losses = [5.0, 3.0, 4.0, 4.0, 4.0, 4.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    settings = ScheduleSettings(warmup_epochs=1, decay_epochs=2)
    traces = []
    for resume in (False, True):
        schedule = OneCycleThenStep(settings, PER_EPOCH)
        trace = []
        for epoch, loss in enumerate(losses):
            if resume and epoch == cut:
                state = schedule.state_dict()
                schedule = OneCycleThenStep(settings, PER_EPOCH)
                schedule.load_state_dict(state)
            trace.append((schedule.start_epoch(epoch), schedule.at(epoch * PER_EPOCH), schedule.end_epoch(loss)))
        traces.append(trace)
    assert traces[0] == traces[1]


def test_an_epoch_needs_a_batch() -> None:
    with pytest.raises(ValueError, match="batch_size"):
        OneCycleThenStep(ScheduleSettings(), 0)


def test_import_is_free_of_torch() -> None:
    code = "import sys, hitforge.training.schedule; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
