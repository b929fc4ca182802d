"""The training loop: what it learns, from which events, and what it refuses."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from hitforge.shards import Shard
from hitforge.studies.calo_muon.settings import LossSettings
from hitforge.training import loop
from hitforge.training.checkpoint import read_checkpoint, status_path
from hitforge.training.dataset import index_events
from hitforge.training.device import DeviceError, resolve_device
from hitforge.training.loop import TrainingDiverged, train_member
from hitforge.training.member_files import MemberError, TrainedMember, load_member, save_member, sidecar_path
from hitforge.training.settings import ScheduleSettings
from hitforge.training.state import TrainingState
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
    without_identity,
)


def test_it_learns_and_tells(shards: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        member = train_toy(shards, tmp_path / "member_0.pt")
    losses = [entry["validation_loss"] for entry in member.history]
    assert losses[-1] < 0.7 * losses[0]
    assert member.best_loss == min(losses) == losses[member.best_epoch]
    assert member.stop_reason == "max_epochs" and len(losses) == 6
    assert member.n_training == len(index_events(shards).folds(N_FOLDS, TRAINING_FOLDS))
    assert member.history[0]["thresholds"][0] > 0
    lines = [record.message for record in caplog.records if "epoch" in record.message]
    assert len(lines) == 6
    assert "member_0: epoch 2/6  train" in lines[1] and "left" in lines[1]
    status = json.loads(status_path(tmp_path / "member_0.pt").read_text())
    assert status["state"] == "finished" and status["epoch"] == status["max_epochs"] == 6


def test_same_bytes_every_time(shards: list[Path], tmp_path: Path, straight: tuple[bytes, bytes]) -> None:
    torch.manual_seed(99)  # the state outside does not matter, and is left alone
    before = torch.get_rng_state()
    assert member_bytes(train_toy(shards, tmp_path / "member_0.pt"), tmp_path) == straight
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.are_deterministic_algorithms_enabled()
    other = train_toy(shards, tmp_path / "member_1.pt", seed=6)
    assert member_bytes(other, tmp_path)[0] != straight[0]


def test_other_threads_train_too(shards: list[Path], tmp_path: Path, straight: tuple[bytes, bytes]) -> None:
    result: list[TrainedMember] = []
    thread = threading.Thread(target=lambda: result.append(train_toy(shards, tmp_path / "member_0.pt")))
    thread.start()
    thread.join()
    assert member_bytes(result[0], tmp_path) == straight


def test_no_leakage(shards: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training sees its folds only, the monitoring its own, and nobody the held-out fold 0 or the truth."""
    fold_of_event: dict[int, int] = {}
    for path in shards:
        with Shard(path) as shard:
            identity, bucket = shard.column("features")[:, 0], shard.column("bucket")
        fold_of_event |= dict(zip(identity.astype(int).tolist(), (bucket % N_FOLDS).tolist(), strict=True))
    seen: dict[str, list[int]] = {"training": [], "monitoring": []}
    asked: list[str] = []
    original = Shard.rows

    def noted_rows(self: Shard, name: str, start: int, stop: int) -> Any:
        asked.append(name)
        return original(self, name, start, stop)

    monkeypatch.setattr(Shard, "rows", noted_rows)

    def spy(role: str) -> Callable[[NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
        def inputs(raw: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
            if raw.any():  # not the probe of the width
                seen[role] += raw[:, 0].astype(int).tolist()
            return without_identity(raw)

        return inputs

    index = index_events(shards)
    sources = [
        toy_source(index, folds, inputs=spy(role))
        for role, folds in (("training", TRAINING_FOLDS), ("monitoring", MONITORING_FOLDS))
    ]
    train_member(
        ToyNetwork, toy_loss(toy_settings()), *sources, toy_settings(), seed=1, device=CPU,
        checkpoint=tmp_path / "m.pt", config_hash="",
    )  # fmt: skip
    assert {fold_of_event[e] for e in seen["training"]} == set(TRAINING_FOLDS)
    assert {fold_of_event[e] for e in seen["monitoring"]} == set(MONITORING_FOLDS)
    wanted = [e for e, fold in fold_of_event.items() if fold in MONITORING_FOLDS]
    assert seen["monitoring"] == wanted * 6
    assert set(asked) == {"features", "targets/energy", "voxels/indptr", "voxels/cell", "voxels/energy"}
    with pytest.raises(ValueError, match="both trained on and monitored"):
        train_member(
            ToyNetwork, toy_loss(toy_settings()), sources[0], toy_source(index, [2]), toy_settings(), seed=1,
            device=CPU, checkpoint=tmp_path / "m.pt", config_hash="",
        )  # fmt: skip


def test_validation_averages_over_events(shards: list[Path], tmp_path: Path) -> None:
    """The last, partial batch counts by its events; the weights enter, the thresholds stand still."""
    index = index_events(shards)
    monitoring = toy_source(index, MONITORING_FOLDS, weight=lambda _features, target: target / 500)
    schedule = ScheduleSettings(warmup_epochs=1, decay_epochs=1, step_epochs=0)
    settings = toy_settings(schedule=schedule, loss=LossSettings(huber="off"))
    training = toy_source(index, TRAINING_FOLDS)
    member = train_member(
        ToyNetwork, toy_loss(settings), training, monitoring, settings, seed=3, device=CPU,
        checkpoint=tmp_path / "m.pt", config_hash="",
    )  # fmt: skip
    network = ToyNetwork(0).eval()
    network.load_state_dict(member.weights)
    losses = []
    for path in shards:
        with Shard(path) as shard:
            chosen = np.flatnonzero(shard.column("bucket") % N_FOLDS == 1)
            grid = torch.from_numpy(shard.hits(0, len(shard)).to_dense(24)[chosen])
            features = torch.from_numpy(shard.column("features")[chosen, 1:])
            energy = shard.column("targets/energy")[chosen].astype(float)
        prediction = network(features, grid).detach().numpy().astype(float)
        losses += ((prediction - energy) ** 2 / energy * energy / 500).tolist()
    assert len(losses) % 16 != 0
    assert member.best_loss == pytest.approx(np.mean(losses), rel=1e-5)


def test_nan_is_named(shards: list[Path], tmp_path: Path) -> None:
    index = index_events(shards)

    def spoiled(raw: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return {"features": np.where(raw[:, 1:] > 0.99, np.nan, raw[:, 1:])}

    poisoned = toy_source(index, TRAINING_FOLDS, inputs=spoiled)
    monitoring = toy_source(index, MONITORING_FOLDS)
    with pytest.raises(TrainingDiverged, match=r"member_2, epoch 1, batch \d+ of \d+: the loss is nan.*lr_peak"):
        train_member(
            ToyNetwork, toy_loss(toy_settings()), poisoned, monitoring, toy_settings(), seed=1, device=CPU,
            checkpoint=tmp_path / "member_2.pt", config_hash="",
        )  # fmt: skip


def test_too_few_events_are_refused_before_any_work(shards: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"do not fill one batch of 1000: at least 1000"):
        train_toy(shards, tmp_path / "m.pt", settings=toy_settings(batch_size=1000))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("switch", [{"amp": True}, {"channels_last": False}, {"loss": LossSettings(target_power=0)}])
def test_switches(shards: list[Path], tmp_path: Path, switch: dict[str, Any], straight: tuple[bytes, bytes]) -> None:
    schedule = ScheduleSettings(warmup_epochs=1, decay_epochs=1, step_epochs=0, constant=True)
    member = train_toy(shards, tmp_path / "m.pt", settings=toy_settings(schedule=schedule, **switch))
    assert len(member.history) == 2
    assert all(np.isfinite(entry["train_loss"]) for entry in member.history)


def test_early_stop(shards: list[Path], tmp_path: Path) -> None:
    """A rate that ruins the network: nothing improves any more and the patience runs out."""
    schedule = ScheduleSettings(lr_start=1e-3, lr_peak=10.0, constant=True, stop_patience=2)
    member = train_toy(shards, tmp_path / "m.pt", settings=toy_settings(schedule=schedule))
    losses = [entry["validation_loss"] for entry in member.history]
    assert member.stop_reason == "no_improvement"
    assert len(losses) == member.best_epoch + 3 < schedule.max_epochs
    assert member.best_loss == min(losses)


def test_step_stage_starts_from_the_best(shards: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reload takes weights and optimiser back, and leaves the thresholds of the loss."""
    losses = [1.0, 2.0, 3.0]
    monkeypatch.setattr(loop._Loop, "_validate", lambda self: {"loss": losses[self.state.epoch]})
    moments: list[Tensor] = []
    weights: list[Tensor] = []
    thresholds: list[list[float]] = []
    reload_best = TrainingState.reload_best

    def note(state: TrainingState) -> None:
        optimiser = state.optimiser.state_dict()["state"]
        moments.append(optimiser[0]["exp_avg_sq"].clone())
        weights.append(next(state.network.parameters()).detach().clone())
        thresholds.append(state.loss.thresholds.tolist())

    def noted(state: TrainingState) -> None:
        reload_best(state)
        note(state)

    monkeypatch.setattr(TrainingState, "reload_best", noted)
    keep_best = TrainingState.keep_best
    monkeypatch.setattr(TrainingState, "keep_best", lambda state: (note(state), keep_best(state))[1])
    schedule = ScheduleSettings(warmup_epochs=1, decay_epochs=1, step_epochs=1)
    member = train_toy(shards, tmp_path / "m.pt", settings=toy_settings(schedule=schedule))
    assert len(moments) == 2
    assert torch.equal(moments[0], moments[1]) and torch.equal(weights[0], weights[1])
    assert thresholds[0] != thresholds[1] == pytest.approx(member.history[1]["thresholds"])
    assert member.history[2]["lr"] == member.history[0]["lr"]
    # the training after the reload has not touched the copy that it came from
    assert member.best_epoch == 0
    assert torch.equal(member.weights["body.0.weight"], weights[0])
    best = read_checkpoint(tmp_path / "m.pt")["best"]
    assert torch.equal(best["optimiser"]["state"][0]["exp_avg_sq"], moments[0])


def test_member_file_round_trip(shards: list[Path], tmp_path: Path) -> None:
    member = train_toy(shards, tmp_path / "m.pt")
    path = tmp_path / "member_0.safetensors"
    provenance = {"b": 1, "a": {"x": [1, 2]}, "config_hash": "é"}
    save_member(path, member, provenance)
    first = path.read_bytes()
    save_member(path, member, dict(reversed(provenance.items())))
    assert path.read_bytes() == first
    weights, about = load_member(path)
    assert weights.keys() == member.weights.keys()
    assert all(torch.equal(weights[name], member.weights[name]) for name in weights)
    assert about["config_hash"] == "é" and about["best_loss"] == member.best_loss
    sidecar = json.loads(sidecar_path(path).read_text())
    assert sidecar["history"] == member.history and sidecar["provenance"]["a"] == {"x": [1, 2]}
    path.write_bytes(first[:50])
    with pytest.raises(MemberError, match=r"member_0\.safetensors: cannot be read"):
        load_member(path)


def test_device_choice(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert resolve_device("auto") == resolve_device("cpu") == CPU
    assert "cannot use a GPU" in caplog.text
    with pytest.raises(DeviceError, match="finds no usable GPU"):
        resolve_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto").type == resolve_device("cuda").type == "cuda"
