"""Trainings that end early: resumed equals uninterrupted, bit for bit; stops in good order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from hitforge.studies.calo_muon.settings import LossSettings
from hitforge.training.checkpoint import previous_path, read_checkpoint, status_path
from hitforge.training.dataset import index_events
from hitforge.training.interruption import (
    EXIT_OUT_OF_TIME,
    EXIT_TERMINATED,
    JobLimits,
    OutOfTime,
    Terminated,
    Watch,
    slurm_job_started,
)
from hitforge.training.loop import train_member
from hitforge.training.losses import MemberLoss
from hitforge.training.member_files import TrainedMember
from hitforge.training.settings import ScheduleSettings
from tests.unit.training.training_toy import (
    CPU,
    MONITORING_FOLDS,
    N_FOLDS,
    TRAINING_FOLDS,
    ToyNetwork,
    member_bytes,
    toy_loss,
    toy_settings,
    toy_source,
    train_toy,
    write_toy_shards,
)

REPOSITORY = Path(__file__).resolve().parents[3]


class Killed(RuntimeError):
    """Stands for any sudden end: nothing is saved on the way out."""


def kill_at(epoch: int, batch: int) -> Callable[[int, int], None]:
    def on_batch(e: int, b: int) -> None:
        if (e, b) == (epoch, batch):
            raise Killed

    return on_batch


# epoch 3 begins with the reload of the best checkpoint; the saves are made after each batch or after each epoch
@pytest.mark.parametrize("minutes", [1e-9, 10.0])
@pytest.mark.parametrize("places", [[(0, 4)], [(2, 0), (2, 1), (3, 5)], [(3, 0), (5, 10)]])
def test_killed_and_resumed(
    shards: list[Path],
    tmp_path: Path,
    straight: tuple[bytes, bytes],
    minutes: float,
    places: list[tuple[int, int]],
) -> None:
    checkpoint = tmp_path / "member_0.pt"
    settings = toy_settings(checkpoint_minutes=minutes)
    for place in places:
        with pytest.raises(Killed):
            train_toy(shards, checkpoint, settings=settings, on_batch=kill_at(*place))
    batches: list[tuple[int, int]] = []
    member = train_toy(shards, checkpoint, settings=settings, on_batch=lambda e, b: batches.append((e, b)))
    # the batch in which it was killed is done again, the one before is not
    assert batches[0] == (places[-1] if minutes < 1 else (places[-1][0], 0))
    assert member_bytes(member, tmp_path) == straight


@pytest.mark.parametrize("damage", ["truncate", "flip", "both"])
def test_damaged_checkpoint_costs_time_not_bits(
    shards: list[Path], tmp_path: Path, straight: tuple[bytes, bytes], damage: str
) -> None:
    checkpoint = tmp_path / "member_0.pt"
    with pytest.raises(Killed):
        train_toy(shards, checkpoint, on_batch=kill_at(4, 2))
    content = bytearray(checkpoint.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 4
    checkpoint.write_bytes(content[: len(content) // 2] if damage != "flip" else content)
    if damage == "both":
        previous_path(checkpoint).write_bytes(b"")
    batches: list[tuple[int, int]] = []
    member = train_toy(shards, checkpoint, on_batch=lambda e, b: batches.append((e, b)))
    assert batches[0] == ((0, 0) if damage == "both" else (3, 0))
    assert member_bytes(member, tmp_path) == straight


def test_finished_training_is_not_repeated(shards: list[Path], tmp_path: Path, straight: tuple[bytes, bytes]) -> None:
    checkpoint = tmp_path / "member_0.pt"
    train_toy(shards, checkpoint)
    member = train_toy(shards, checkpoint, on_batch=kill_at(0, 0))
    assert member_bytes(member, tmp_path) == straight


@pytest.mark.parametrize("change", [{"seed": 6}, {"config_hash": "d"}, {"settings": toy_settings(batch_size=8)}])
def test_checkpoint_of_another_training_is_passed_over(
    shards: list[Path], tmp_path: Path, change: dict[str, Any]
) -> None:
    checkpoint = tmp_path / "member_0.pt"
    with pytest.raises(Killed):
        train_toy(shards, checkpoint, on_batch=kill_at(2, 0))
    batches: list[tuple[int, int]] = []
    train_toy(shards, checkpoint, on_batch=lambda e, b: batches.append((e, b)), **change)
    assert batches[0] == (0, 0)


def test_sigkill_in_a_process(shards: list[Path], tmp_path: Path, straight: tuple[bytes, bytes]) -> None:
    checkpoint = tmp_path / "member_0.pt"
    command = [sys.executable, "-m", "tests.unit.training.training_toy", str(checkpoint), *map(str, shards)]
    process = subprocess.Popen(command, cwd=REPOSITORY)
    for _ in range(600):
        time.sleep(0.05)
        if previous_path(checkpoint).exists() or process.poll() is not None:
            break
    process.kill()
    assert process.wait() == -signal.SIGKILL
    epoch = read_checkpoint(checkpoint if checkpoint.exists() else previous_path(checkpoint))["epoch"]
    assert 1 <= epoch < 6
    batches: list[tuple[int, int]] = []
    member = train_toy(shards, checkpoint, on_batch=lambda e, b: batches.append((e, b)))
    assert batches[0] == (epoch, 0)
    assert member_bytes(member, tmp_path) == straight


def test_out_of_time_again_and_again(shards: list[Path], tmp_path: Path, straight: tuple[bytes, bytes]) -> None:
    checkpoint = tmp_path / "member_0.pt"
    limits = JobLimits(runtime_minutes=0.0)  # every job does a single batch, of training or of validation
    settings = toy_settings(batch_size=16)
    with pytest.raises(OutOfTime) as stopped:
        train_toy(shards, checkpoint, settings=settings, limits=limits)
    assert stopped.value.exit_code == EXIT_OUT_OF_TIME == 75
    assert "limit of 0 minutes" in str(stopped.value)
    assert json.loads(status_path(checkpoint).read_text())["state"] == "stopped"
    for expected in (2, 3):
        with pytest.raises(OutOfTime):
            train_toy(shards, checkpoint, settings=settings, limits=limits)
        assert read_checkpoint(checkpoint)["batch"] == expected
    assert member_bytes(train_toy(shards, checkpoint, settings=settings), tmp_path) == straight


@pytest.mark.parametrize("loss", [{}, {"update_in_validation": True}, {"huber": "fixed"}])
def test_interrupted_in_validation(shards: list[Path], tmp_path: Path, loss: dict[str, Any]) -> None:
    settings = toy_settings(loss=LossSettings(bin_edges=(50.0, 400.0, 2000.0), **loss))
    expected = member_bytes(train_toy(shards, tmp_path / "a.pt", settings=settings), tmp_path)
    checks = Watch.check
    calls = 0

    def stop_in_second_validation_batch(self: Watch, needed: float) -> None:
        nonlocal calls
        calls += 1
        if calls == n_batches + 2:
            raise OutOfTime
        checks(self, needed)

    n_batches = len(index_events(shards).folds(N_FOLDS, TRAINING_FOLDS)) // 16
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Watch, "check", stop_in_second_validation_batch)
        with pytest.raises(OutOfTime):
            train_toy(shards, tmp_path / "b.pt", settings=settings)
    saved = read_checkpoint(tmp_path / "b.pt")
    assert (saved["epoch"], saved["batch"]) == (0, n_batches)
    assert member_bytes(train_toy(shards, tmp_path / "b.pt", settings=settings), tmp_path) == expected


def test_sigterm(shards: list[Path], tmp_path: Path, straight: tuple[bytes, bytes]) -> None:
    checkpoint = tmp_path / "member_0.pt"
    before = signal.getsignal(signal.SIGTERM)

    def send(epoch: int, batch: int) -> None:
        if (epoch, batch) == (1, 3):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Terminated) as stopped:
        train_toy(shards, checkpoint, on_batch=send)
    assert stopped.value.exit_code == EXIT_TERMINATED == 143
    assert signal.getsignal(signal.SIGTERM) is before
    assert read_checkpoint(checkpoint)["batch"] == 4
    assert member_bytes(train_toy(shards, checkpoint), tmp_path) == straight


def test_deadline_leaves_a_margin() -> None:
    watch = Watch(JobLimits(runtime_minutes=10, margin_minutes=2, started=time.monotonic() - 8 * 60))
    watch.check(0)
    watch.check(50)
    with pytest.raises(OutOfTime):
        watch.check(70)
    Watch(JobLimits()).check(1e9)


def test_clock_of_a_slurm_job_starts_with_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squeue = tmp_path / "squeue"
    squeue.write_text("#!/bin/sh\ndate -d '10 minutes ago' +%Y-%m-%dT%H:%M:%S\n")
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert slurm_job_started() is None
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    started = slurm_job_started()
    assert started is not None and 590 < time.monotonic() - started < 610
    squeue.write_text("#!/bin/sh\necho slurm_load_jobs error >&2; exit 1\n")
    assert slurm_job_started() is None


def test_bounded_buffer_trains_and_resumes(tmp_path: Path) -> None:
    """A sample that does not fit the buffer: windows are read again each epoch, also after a kill."""
    paths = write_toy_shards(tmp_path, [600, 480], voxel_shape=(10, 10, 24))
    index = index_events(paths)
    settings = toy_settings(
        shuffle_buffer_mb=4,
        batch_size=32,
        schedule=ScheduleSettings(warmup_epochs=1, decay_epochs=1, step_epochs=0),
    )

    class Flat(ToyNetwork):
        def forward(self, features: Any, grid: Any) -> Any:
            return super().forward(features, grid.flatten(1)[:, :24, None])

    def run(name: str, on_batch: Callable[[int, int], None] | None = None) -> tuple[bytes, bytes]:
        member = train_member(
            Flat, toy_loss(settings), toy_source(index, TRAINING_FOLDS), toy_source(index, MONITORING_FOLDS), settings,
            seed=1, device=CPU, checkpoint=tmp_path / f"{name}.pt", config_hash="", on_batch=on_batch,
        )  # fmt: skip
        return member_bytes(member, tmp_path, name)

    sizes = toy_source(index, TRAINING_FOLDS).event_bytes()
    assert sizes.sum() > 3 * 2**20  # the training's share
    expected = run("a")
    settings = settings.model_copy(update={"checkpoint_minutes": 1e-9})
    with pytest.raises(Killed):
        run("b", kill_at(1, 7))
    assert run("b") == expected


class TwoHeads(ToyNetwork):
    def forward(self, features: Any, grid: Any) -> Any:
        value = super().forward(features, grid)
        return {"energy": value, "logit": (value - 400) / 100}


class TwoHeadLoss(MemberLoss):
    """A study's own loss: two heads of a network, a measured quantity, and state that training moves."""

    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def per_event(self, output: Any, target: Tensor, weight: Tensor | None = None) -> Tensor:
        if self.training:
            self.seen += len(target)
        above = (target > 400).float()
        classes = torch.nn.functional.binary_cross_entropy_with_logits(output["logit"], above, reduction="none")
        return (output["energy"] - target).abs() / 100 + classes

    def metrics(self, output: Any, target: Tensor) -> dict[str, Tensor]:
        return {"accuracy": ((output["logit"] > 0) == (target > 400)).float()}

    def log(self) -> dict[str, Any]:
        return {"seen": int(self.seen)}


def test_several_outputs_and_a_loss_of_ones_own_resume_bit_for_bit(shards: list[Path], tmp_path: Path) -> None:
    index = index_events(shards)
    sources = [toy_source(index, folds) for folds in (TRAINING_FOLDS, MONITORING_FOLDS)]

    def run(name: str, on_batch: Callable[[int, int], None] | None = None) -> TrainedMember:
        return train_member(
            TwoHeads, TwoHeadLoss(), *sources, toy_settings(weight_decay=0.01), seed=3, device=CPU,
            checkpoint=tmp_path / f"{name}.pt", config_hash="", on_batch=on_batch,
        )  # fmt: skip

    straight = run("a")
    with pytest.raises(Killed):
        run("b", kill_at(3, 2))
    resumed = run("b")
    assert member_bytes(resumed, tmp_path, "b")[0] == member_bytes(straight, tmp_path, "a")[0]
    assert resumed.history == straight.history
    batches = straight.batches_per_epoch
    # the loss's own state is in the checkpoint, and validation does not move it
    assert [entry["seen"] for entry in straight.history] == [16 * batches * (k + 1) for k in range(6)]
    assert 0.5 < straight.history[-1]["validation_accuracy"] <= 1
