"""Streaming: plan against an obvious oracle, contents, memory bound, resume, errors."""

from __future__ import annotations

import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hitforge.hits import CellHits
from hitforge.shards import Shard, ShardError
from hitforge.training.batches import Batch
from hitforge.training.dataset import ROWS_PER_SLICE, EventIndex, index_events
from hitforge.training.loader import ByteBudget, EventStream
from hitforge.training.plan import (
    EpochPlan,
    ordered_edges,
    pack_windows,
    per_shard_edges,
    training_edges,
)
from hitforge.training.window import HitTensors
from tests.unit.training.training_toy import CPU, VOXELS, toy_source, without_identity, write_toy_shards

SMALL_BUFFER = 52_000


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> EventIndex:
    return index_events(write_toy_shards(tmp_path_factory.mktemp("shards"), [300, 0, 200, 500, 1]))


def stream_of(index: EventIndex, buffer: int = SMALL_BUFFER, batch_size: int = 32, **changes: Any) -> EventStream:
    return EventStream(toy_source(index, **changes), batch_size, buffer, CPU)


def collect(stream: EventStream, plan: EpochPlan, start: int = 0) -> list[Batch]:
    with stream.batches(plan, start) as batches:
        return list(batches)


def numbers(batches: list[Batch]) -> list[int]:
    return [int(event) for batch in batches for event in batch.events]


def oracle_windows(
    index: EventIndex, sizes: NDArray[np.int64], bound: int, rng: np.random.Generator
) -> list[list[int]]:
    """Pack as the docstring says, with dictionaries and lists."""
    slices: dict[tuple[int, int], list[int]] = {}
    for event in range(len(index)):
        slices.setdefault((int(index.shard[event]), int(index.row[event]) // ROWS_PER_SLICE), []).append(event)
    names = list(slices)
    windows: list[list[int]] = []
    for number in rng.permutation(len(names)):
        events = slices[names[number]]
        if windows and sum(sizes[e] for e in windows[-1]) + sum(sizes[e] for e in events) <= bound:
            windows[-1] += events
        else:
            windows.append(list(events))
    return [list(rng.permutation(window)) for window in windows]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), bound=st.integers(5_000, 200_000), keep=st.floats(0.1, 1.0))
def test_plan_against_oracle(index: EventIndex, seed: int, bound: int, keep: float) -> None:
    chosen = index.take(np.flatnonzero(np.random.default_rng(seed).random(len(index)) < keep))
    sizes = toy_source(chosen).event_bytes()
    windows = pack_windows(chosen, sizes, bound, np.random.default_rng(seed))
    expected = oracle_windows(chosen, sizes, bound, np.random.default_rng(seed))
    assert [window.tolist() for window in windows] == expected


def test_epoch_has_every_event_once_and_epochs_differ(index: EventIndex) -> None:
    stream = stream_of(index)
    assert not stream.fits
    epochs = []
    for seed in (0, 1):
        plan = stream.shuffled(np.random.default_rng(seed))
        assert len(plan.windows) > 3
        assert sorted(plan.order) == list(range(len(index)))
        batches = collect(stream, plan)
        assert [len(batch) for batch in batches] == [32] * (1001 // 32)
        assert numbers(batches) == plan.order[: 32 * (1001 // 32)].tolist()
        epochs.append(numbers(batches))
    assert epochs[0] != epochs[1]
    # shuffled over the whole sample: the first batch comes from several slices
    assert len({(index.shard[e], index.row[e] // ROWS_PER_SLICE) for e in epochs[0][:32]}) > 2


@pytest.mark.parametrize("buffer", [SMALL_BUFFER, 10_000_000])
def test_contents_are_those_of_the_shards(index: EventIndex, buffer: int) -> None:
    """Features, target, hits, and the weight: that of the target times the one that the event brings."""
    stream = stream_of(
        index,
        buffer,
        inputs=lambda raw: {"doubled": raw * 2},
        weight=lambda _features, target: target / 10,
        own_weight="secret",
    )
    features, energy, own, dense = [], [], [], []
    for path in index.paths:
        with Shard(path) as shard:
            features.append(shard.column("features"))
            energy.append(shard.column("targets/energy"))
            own.append(shard.column("truth/secret"))
            dense.append(shard.hits(0, len(shard)).to_dense(24))
    for _ in range(2):  # the second pass of a sample that fits comes from memory
        for batch in collect(stream, stream.shuffled(np.random.default_rng(3))):
            np.testing.assert_array_equal(batch.inputs["doubled"], np.concatenate(features)[batch.events] * 2)
            np.testing.assert_array_equal(batch.target, np.concatenate(energy)[batch.events])
            np.testing.assert_allclose(
                batch.weight, (np.concatenate(energy) / 10 * np.concatenate(own))[batch.events], rtol=1e-6
            )
            grid = batch.inputs["grid"]
            assert grid.shape == (32, 1, *VOXELS)
            np.testing.assert_array_equal(grid.reshape(32, 24), np.concatenate(dense)[batch.events])


def test_order_is_kept_and_last_batch_too(index: EventIndex) -> None:
    stream = stream_of(index)
    batches = collect(stream, stream.in_order())
    assert numbers(batches) == list(range(len(index)))
    assert len(batches[-1]) == 1001 % 32
    assert ordered_edges(64, 32).tolist() == [0, 32, 64]


def test_batches_need_not_span_shards(index: EventIndex) -> None:
    stream = stream_of(index)
    batches = collect(stream, stream.in_order(per_shard_edges(index, 32)))
    assert numbers(batches) == list(range(len(index)))
    assert all(len(set(index.shard[batch.events])) == 1 for batch in batches)


@pytest.mark.parametrize("start", [0, 1, 7, 30, 31])
def test_start_in_mid_epoch(index: EventIndex, start: int) -> None:
    stream = stream_of(index)
    plan = stream.shuffled(np.random.default_rng(0))
    expected = collect(stream, plan)[start:]
    found = collect(stream, plan, start)
    assert numbers(found) == numbers(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.inputs["grid"], b.inputs["grid"])


def test_windows_before_the_start_are_not_read(index: EventIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = stream_of(index)
    plan = stream.shuffled(np.random.default_rng(0))
    read: list[int] = []
    original = Shard.hits

    def noted(self: Shard, start: int, stop: int) -> Any:
        read.append(stop - start)
        return original(self, start, stop)

    monkeypatch.setattr(Shard, "hits", noted)
    first = len(plan.windows[0]) // 32 + 1
    collect(stream, plan, first)
    assert sum(read) == len(index) - len(plan.windows[0])


@pytest.mark.parametrize("pause_at", [None, 3])
def test_bytes_never_exceed_the_bound(index: EventIndex, pause_at: int | None) -> None:
    stream = stream_of(index)
    with stream.batches(stream.shuffled(np.random.default_rng(0))) as batches:
        for number, _batch in enumerate(batches):
            if number == pause_at:
                time.sleep(0.3)  # the thread reads as far ahead as it may
    assert SMALL_BUFFER / 3 < stream.peak_bytes <= SMALL_BUFFER


def test_budget_waits_and_cancels() -> None:
    budget = ByteBudget(10)
    budget.acquire(8)
    done = threading.Event()
    thread = threading.Thread(target=lambda: (budget.acquire(5), done.set()))
    thread.start()
    assert not done.wait(0.05)
    budget.release(8)
    assert done.wait(5)
    thread.join()
    assert budget.peak == 8


def test_sizes_count_what_is_held(index: EventIndex) -> None:
    source = toy_source(index)
    stream = EventStream(source, 32, 10_000_000, CPU)
    collect(stream, stream.in_order())
    window = stream._kept
    assert window is not None and window.hits is not None
    arrays = [window.events, window.features, window.target, window.hits.indptr, window.hits.cell, window.hits.energy]
    assert sum(a.nbytes for a in arrays if a is not None) <= source.event_bytes().sum() + 8


def test_memory_of_the_interpreter_stays_bounded(tmp_path: Path) -> None:
    """The budget's count against what the allocator sees (grids on the device are torch's, not counted)."""
    index = index_events(write_toy_shards(tmp_path, [700, 700], voxel_shape=(10, 10, 24)))
    bound = 2_000_000
    stream = stream_of(index, bound)
    assert stream.source.event_bytes().sum() > 2.5 * bound
    plan = stream.shuffled(np.random.default_rng(0))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    with stream.batches(plan) as batches:
        for number, _batch in enumerate(batches):
            time.sleep(0.1 if number % 10 == 0 else 0)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    # beyond the count: int32 copies of a batch's cells on their way to the device, Python objects
    assert peak < 1.25 * bound


def test_slow_and_fast_consumers_see_the_same(index: EventIndex) -> None:
    stream = stream_of(index)
    plan = stream.shuffled(np.random.default_rng(5))
    slow = []
    with stream.batches(plan) as batches:
        for batch in batches:
            time.sleep(0.003)
            slow.append(batch)
    assert numbers(slow) == numbers(collect(stream, plan))


def test_leaving_early_ends_the_thread(index: EventIndex) -> None:
    stream = stream_of(index)
    with stream.batches(stream.in_order()) as batches:
        next(batches)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("loader")]


def test_error_of_the_thread_is_raised_here(tmp_path: Path) -> None:
    paths = write_toy_shards(tmp_path, [100, 300])
    stream = stream_of(index_events(paths), 25_000, 16)
    paths[1].write_bytes(b"gone")
    with pytest.raises(ShardError, match=r"shard_001\.h5"):
        collect(stream, stream.in_order())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("loader")]


def test_shard_replaced_meanwhile(tmp_path: Path) -> None:
    paths = write_toy_shards(tmp_path, [100])
    index = index_events(paths)
    with h5py.File(paths[0], "r+") as handle:
        handle["voxels/indptr"][1:] += 1
    stream = stream_of(index)
    with pytest.raises(ShardError, match="changed while"):
        collect(stream, stream.in_order())


def test_truth_is_never_read_and_hits_only_if_wanted(tmp_path: Path) -> None:
    paths = write_toy_shards(tmp_path, [100])
    index = index_events(paths)
    with h5py.File(paths[0], "r+") as handle:
        del handle["truth"]
    stream = stream_of(index)
    assert len(collect(stream, stream.in_order())) == 4
    with h5py.File(paths[0], "r+") as handle:
        del handle["voxels/cell"], handle["voxels/energy"]
    stream = stream_of(index, voxels=False)
    batches = collect(stream, stream.in_order())
    assert all("grid" not in batch.inputs for batch in batches)
    assert stream.source.event_bytes().max() < 50


def test_networks_without_features(index: EventIndex) -> None:
    stream = stream_of(index, inputs=None, target=None)
    batch = collect(stream, stream.in_order())[0]
    assert set(batch.inputs) == {"grid"} and batch.target is None and batch.weight is None


def test_too_few_events_name_the_minimum(index: EventIndex) -> None:
    with pytest.raises(ValueError, match=r"20 training events.*at least 32"):
        stream_of(index.take(np.arange(20))).shuffled(np.random.default_rng(0))
    assert training_edges(32, 32).tolist() == [0, 32]


def test_too_small_buffer_names_the_minimum(index: EventIndex) -> None:
    with pytest.raises(ValueError, match="at least 1 is needed"):
        stream_of(index, buffer=5_000)


def test_inputs_are_made_of_raw_rows(index: EventIndex) -> None:
    seen: list[NDArray[np.float32]] = []

    def noted(raw: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append(raw[:, 0].copy())
        return without_identity(raw)

    chosen = index.take(np.arange(0, len(index), 3))
    stream = stream_of(chosen, 40_000, inputs=noted)
    seen.clear()
    batches = collect(stream, stream.in_order())
    np.testing.assert_array_equal(np.concatenate(seen), np.arange(0, len(index), 3))
    assert batches[0].inputs["features"].shape == (32, 1)


def deposits_of(hits: CellHits, features: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """The identity of each event beside its number of hits and their sum."""
    sums = hits.to_dense(24).sum(axis=1)
    return {"made": np.stack([features[:, 0], np.diff(hits.indptr).astype(np.float32), sums], axis=1)}


@pytest.mark.parametrize("voxels", [False, True])
@pytest.mark.parametrize("buffer", [40_000, 2**20])
def test_tensors_made_of_hits_follow_their_events(index: EventIndex, voxels: bool, buffer: int) -> None:
    chosen = index.take(np.flatnonzero(np.arange(len(index)) % 7 != 3))
    tensors = HitTensors({"made": (3,)}, deposits_of)
    stream = stream_of(chosen, buffer, voxels=voxels, tensors=tensors)
    grids = stream_of(chosen, buffer)
    plan = stream.shuffled(np.random.default_rng(4))
    expected = {int(e): batch.inputs["grid"][i].sum() for batch in collect(grids, grids.in_order())
                for i, e in enumerate(batch.events)}  # fmt: skip
    position = np.flatnonzero(np.arange(len(index)) % 7 != 3)
    for batch in collect(stream, plan):
        made = batch.inputs["made"].numpy()
        np.testing.assert_array_equal(made[:, 0], position[batch.events])
        np.testing.assert_array_equal(made[:, 1], chosen.n_hits[batch.events])
        np.testing.assert_allclose(made[:, 2], [float(expected[int(e)]) for e in batch.events], rtol=1e-5)
        assert ("grid" in batch.inputs) == voxels
    assert stream.peak_bytes <= stream.buffer_bytes
    if not voxels:
        # the hits do not stay
        assert stream.source.event_bytes().max() == 4 * 2 + 24 + 12
