"""Ways to train faster: each gives what the plain way gives, and says what is wrong where it cannot."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hitforge.prediction import predict_members
from hitforge.studies.calo_muon.models.losses import HuberisedLoss
from hitforge.training import loop, memory, step
from hitforge.training.batches import Batch
from hitforge.training.checkpoint import read_checkpoint
from hitforge.training.dataset import EventIndex, index_events
from hitforge.training.device import OutOfDeviceMemory, repeatable
from hitforge.training.loader import EventStream, bytes_to_stay
from hitforge.training.loop import TrainingDiverged, train_member
from hitforge.training.memory import job_memory_mb, shares, shuffle_buffer_bytes
from hitforge.training.resident import on_device
from hitforge.training.settings import TrainingSettings
from hitforge.training.window import HitTensors
from tests.unit.training.test_resume import Killed, kill_at
from tests.unit.training.training_toy import (
    CPU,
    MONITORING_FOLDS,
    TRAINING_FOLDS,
    ToyNetwork,
    member_bytes,
    toy_loss,
    toy_settings,
    toy_source,
    train_toy,
    write_toy_shards,
)

CUDA = torch.device("cuda")


def batches_of(stream: EventStream, seed: int = 3) -> list[Batch]:
    with stream.batches(stream.shuffled(np.random.default_rng(seed)), start=1) as batches:
        return list(batches)


def same(found: list[Batch], expected: list[Batch]) -> bool:
    return len(found) == len(expected) > 2 and all(
        a.inputs.keys() == b.inputs.keys()
        and np.array_equal(a.events, b.events)
        and all(torch.equal(values, b.inputs[name]) for name, values in a.inputs.items())
        and all(torch.equal(x, y) for x, y in ((a.target, b.target), (a.weight, b.weight)))
        for a, b in zip(found, expected, strict=True)
    )


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> EventIndex:
    return index_events(write_toy_shards(tmp_path_factory.mktemp("shards"), [300, 0, 200, 500, 1]))


# ---- the same trainings, byte for byte


@pytest.mark.parametrize(
    "changes",
    [
        {"check_every": 4},
        {"resident": "device"},
        {"resident": "auto", "loader_threads": 3, "members_per_gpu": 2},
        {"cuda_graph": True, "tf32": True, "compile": False},
    ],
    ids=str,
)
def test_same_bytes(shards: list[Path], tmp_path: Path, straight: tuple[bytes, bytes], changes: dict[str, Any]) -> None:
    assert member_bytes(train_toy(shards, tmp_path / "m.pt", settings=toy_settings(**changes)), tmp_path) == straight


def test_killed_between_two_looks_at_the_loss(
    shards: list[Path], tmp_path: Path, straight: tuple[bytes, bytes]
) -> None:
    """What is saved in between knows the losses so far, and other ways to go about the work may continue."""
    often = toy_settings(checkpoint_minutes=1e-9, check_every=50)
    with pytest.raises(Killed):
        train_toy(shards, tmp_path / "m.pt", settings=often, on_batch=kill_at(2, 5))
    assert read_checkpoint(tmp_path / "m.pt")["loss_sum"] > 0
    settings = toy_settings(resident="device", check_every=3)
    assert member_bytes(train_toy(shards, tmp_path / "m.pt", settings=settings), tmp_path) == straight


def test_divergence_is_found_at_the_next_look(shards: list[Path], tmp_path: Path) -> None:
    poisoned = toy_source(
        index_events(shards), TRAINING_FOLDS,
        inputs=lambda raw: {"features": np.where(raw[:, 1:] > 0.99, np.nan, raw[:, 1:])},
    )  # fmt: skip
    monitoring = toy_source(index_events(shards), MONITORING_FOLDS)
    settings = toy_settings(check_every=5)

    def train() -> None:
        train_member(
            ToyNetwork, toy_loss(settings), poisoned, monitoring, settings, seed=1, device=CPU,
            checkpoint=tmp_path / "m.pt", config_hash="",
        )  # fmt: skip

    with pytest.raises(TrainingDiverged, match=r"epoch 1, batches (1 to 5|6 to 10|11 to 12) of 12: the loss is nan"):
        train()
    assert not (tmp_path / "m.pt").exists()  # nothing to continue from: no checkpoint holds the broken weights


# ---- streams


@pytest.mark.parametrize("voxels", [True, False])
@pytest.mark.parametrize("buffer", [52_000, 10_000_000])
def test_sample_on_the_device_gives_the_same_batches(index: EventIndex, buffer: int, voxels: bool) -> None:
    def half(hits: Any, features: Any) -> dict[str, Any]:
        return {"half": 0.5 * features}

    source = toy_source(index, voxels=voxels, tensors=HitTensors({"half": (2,)}, half), own_weight="secret")
    expected = batches_of(EventStream(source, 32, buffer, CPU))
    stream = EventStream(source, 32, buffer, CPU, resident=True)
    assert same(batches_of(stream), expected)
    reads = stream.peak_bytes
    assert same(batches_of(stream, seed=4), batches_of(EventStream(source, 32, buffer, CPU), seed=4))
    assert stream.peak_bytes == reads <= stream.buffer_bytes


@pytest.mark.parametrize("threads", [2, 5])
@pytest.mark.parametrize("buffer", [52_000, 10_000_000])
def test_more_reading_threads_give_the_same_batches(index: EventIndex, buffer: int, threads: int) -> None:
    source = toy_source(index)
    expected = batches_of(EventStream(source, 32, buffer, CPU))
    assert same(batches_of(EventStream(source, 32, buffer, CPU, threads=threads)), expected)


def test_error_of_a_reading_thread_arrives(tmp_path: Path) -> None:
    paths = write_toy_shards(tmp_path, [200, 200])
    stream = EventStream(toy_source(index_events(paths)), 32, 10_000_000, CPU, threads=3)
    paths[1].write_bytes(b"no longer a shard")
    with pytest.raises(ValueError, match=r"shard_001\.h5: cannot be read"):
        batches_of(stream)


# ---- steps


def test_recorded_step_equals_the_eager_one(index: EventIndex) -> None:
    """With a recording that does not run anything and a repetition that finds no gradients, as on a GPU."""
    recorded: list[int] = []

    def capture(work: Callable[[], Tensor]) -> Callable[[], Tensor]:
        assert all(p.grad is None for p in networks[1].parameters())
        recorded.append(len(losses[1]))

        def replay() -> Tensor:
            networks[1].zero_grad(set_to_none=True)
            return work()

        return replay

    batches = batches_of(EventStream(toy_source(index), 32, 10_000_000, CPU))
    networks = [ToyNetwork(1)]
    networks.append(copy.deepcopy(networks[0]))
    losses: list[list[Tensor]] = [[], []]
    with repeatable(CPU, 1):
        for number, network in enumerate(networks):
            torch.manual_seed(3)
            loss = HuberisedLoss(toy_settings().loss)
            optimiser = torch.optim.AdamW(network.parameters(), 1e-2, fused=True)
            eager = step.EagerStep(network, loss, optimiser, CPU, False)
            one_step = step.RecordedStep(eager, capture) if number else eager
            for batch in batches:
                losses[number].append(one_step(batch).clone())
                optimiser.step()
    assert recorded == [step.WARM_UP_STEPS] and len(batches) > 2 * step.WARM_UP_STEPS
    assert torch.equal(torch.stack(losses[0]), torch.stack(losses[1]))
    assert all(torch.equal(a, b) for a, b in zip(networks[0].parameters(), networks[1].parameters(), strict=True))


def test_graphs_are_for_gpus() -> None:
    def step_on(device: torch.device) -> step.EagerStep:
        return step.EagerStep(ToyNetwork(1), toy_loss(toy_settings()), torch.optim.SGD([torch.ones(1)]), device, False)

    assert isinstance(step.training_step(step_on(CPU), cuda_graph=True), step.EagerStep)
    assert isinstance(step.training_step(step_on(CUDA), cuda_graph=True), step.RecordedStep)
    assert isinstance(step.training_step(step_on(CUDA), cuda_graph=False), step.EagerStep)


# ---- memory


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"SLURM_MEM_PER_NODE": "48000", "SLURM_MEM_PER_CPU": "1"}, 48000),
        ({"SLURM_MEM_PER_CPU": "3000", "SLURM_CPUS_ON_NODE": "4"}, 12000),
        ({"SLURM_MEM_PER_NODE": "0"}, 10240),
        ({}, 10240),
    ],
)
def test_memory_of_a_job(tmp_path: Path, environment: dict[str, str], expected: float) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       99999999 kB\nMemAvailable:   20971520 kB\n")
    assert job_memory_mb(environment, meminfo) == expected
    meminfo.write_text("MemTotal: 1 kB\n")
    if expected == 10240:
        with pytest.raises(ValueError, match=r"training\.shuffle_buffer_mb"):
            job_memory_mb(environment, meminfo)


def test_buffer_follows_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shuffle_buffer_bytes(TrainingSettings(shuffle_buffer_mb=7)) == 7 * 2**20
    for given, members, expected in ((45_000, 1, 45_000 - 3072), (45_000, 2, 22_500 - 3072), (3_000, 1, 256)):
        monkeypatch.setattr(memory, "job_memory_mb", lambda given=given: given)
        settings = TrainingSettings(shuffle_buffer_mb="auto", members_per_gpu=members)
        assert shuffle_buffer_bytes(settings) == expected * 2**20


def test_sample_of_29_gb_stays_in_a_job_of_40_gb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "job_memory_mb", lambda: 40_000.0)
    buffer = shuffle_buffer_bytes(TrainingSettings(shuffle_buffer_mb="auto"))
    training, monitoring = 29 * 10**9, 10**9
    parts = shares(buffer, training, monitoring, auto=True)
    assert parts[0] * buffer >= training and parts[1] * buffer >= monitoring and sum(parts) <= 1 + 1e-12
    assert shares(buffer, training, monitoring, auto=False) == (0.75, 0.25)
    assert shares(buffer, 2 * training, monitoring, auto=True) == (0.75, 0.25)


def test_needed_bytes_are_the_limit_of_staying(index: EventIndex) -> None:
    source = toy_source(index)
    needed = bytes_to_stay(source, 32)
    assert EventStream(source, 32, needed, CPU).fits
    assert not EventStream(source, 32, needed - 1, CPU).fits


def test_training_keeps_the_buffer_that_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A retry with more memory goes on in the same order; one with less says that it cannot."""
    paths = write_toy_shards(tmp_path, [600, 480], voxel_shape=(10, 10, 24))
    settings = toy_settings(shuffle_buffer_mb="auto", batch_size=32)

    class WideNetwork(ToyNetwork):
        def forward(self, features: Tensor, grid: Tensor) -> Tensor:
            return super().forward(features, grid.flatten(1)[:, :24])

    def train(buffer_mb: int, name: str, **changes: Any) -> tuple[bytes, bytes]:
        monkeypatch.setattr(loop, "shuffle_buffer_bytes", lambda _settings: buffer_mb * 2**20)
        sources = [toy_source(index_events(paths), folds) for folds in (TRAINING_FOLDS, MONITORING_FOLDS)]
        member = train_member(
            WideNetwork, toy_loss(settings), *sources, settings, seed=3, device=CPU,
            checkpoint=tmp_path / f"{name}.pt", config_hash="", **changes,
        )  # fmt: skip
        return member_bytes(member, tmp_path)

    expected = train(4, "a")
    assert train(40, "b") != expected  # all events fit: they are shuffled in one go
    with pytest.raises(Killed):
        train(4, "c", on_batch=kill_at(1, 2))
    caplog.clear()
    assert train(40, "c") == expected
    assert not caplog.records or "order" not in caplog.text
    with pytest.raises(Killed):
        train(40, "d", on_batch=kill_at(1, 2))
    with caplog.at_level(logging.WARNING):
        train(4, "d")
    assert "began with a shuffle buffer of 40 MiB, of which this job has 4" in caplog.text


def test_where_a_sample_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (80 * 10**9, 85 * 10**9))
    sample = 29 * 10**9
    assert not on_device(TrainingSettings(), CUDA, 1)
    assert on_device(TrainingSettings(resident="device"), CUDA, 10**12)
    assert on_device(TrainingSettings(resident="auto"), CUDA, sample)
    assert not on_device(TrainingSettings(resident="auto"), CUDA, 2 * sample)
    assert not on_device(TrainingSettings(resident="auto", members_per_gpu=2), CUDA, sample)
    assert not on_device(TrainingSettings(resident="auto"), CPU, 1)


def test_full_gpu_names_the_setting(shards: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: ToyNetwork, features: Tensor, grid: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    network = ToyNetwork(1)
    monkeypatch.setattr(ToyNetwork, "forward", full)
    with pytest.raises(OutOfDeviceMemory, match=r"batch of 16 events .* lower training\.batch_size .* allocate 2 GiB"):
        train_toy(shards, tmp_path / "m.pt")
    source = toy_source(index_events(shards), target=None)
    with pytest.raises(OutOfDeviceMemory, match=r"batch of 64 events .* lower training\.prediction_batch"):
        predict_members([network], lambda output: {"y": output}, source, toy_settings(), CPU)
    monkeypatch.undo()
    assert train_toy(shards, tmp_path / "m.pt", settings=toy_settings(batch_size=8)).history
