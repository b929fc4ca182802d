"""Streaming of shards through a bounded shuffle buffer, with one thread that reads ahead."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Condition

import numpy as np
import torch
from numpy.typing import NDArray

from hitforge.training.batches import Batch, SparseBatch, to_device
from hitforge.training.plan import EpochPlan, ordered_edges, pack_windows, slice_edges, training_edges
from hitforge.training.resident import ResidentSample
from hitforge.training.transfer import one_ahead
from hitforge.training.window import BatchBuilder, EventSource, Window, read_window

log = logging.getLogger(__name__)

Queue = SimpleQueue[tuple[SparseBatch, int] | None]


class _Cancelled(Exception):
    """The consumer went away; the thread ends."""


class ByteBudget:
    """Bytes shared by the window being used, the batches made from it and the one in use.

    ``acquire`` waits until the bytes are free, so the reading thread is ahead by what fits and no more.
    """

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.held = 0
        self.peak = 0
        self._cancelled = False
        self._changed = Condition()

    def acquire(self, n_bytes: int) -> None:
        """Wait for ``n_bytes``; raises in the waiting thread once the budget is cancelled."""
        with self._changed:
            self._changed.wait_for(lambda: self._cancelled or self.held + n_bytes <= self.bound)
            if self._cancelled:
                raise _Cancelled
            self.held += n_bytes
            self.peak = max(self.peak, self.held)

    def release(self, n_bytes: int) -> None:
        """Give bytes back."""
        with self._changed:
            self.held -= n_bytes
            self._changed.notify_all()

    def cancel(self) -> None:
        """Wake and end the waiting thread."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def check(self) -> None:
        """Raise in the reading thread once the budget is cancelled."""
        if self._cancelled:
            raise _Cancelled


def bytes_to_stay(source: EventSource, batch_size: int) -> int:
    """Return the buffer that a source needs to be read once and stay in memory, with two batches beside it."""
    return int(source.event_bytes().sum()) + source.read_bytes() + 2 * _batch_bytes(source, batch_size)


def _batch_bytes(source: EventSource, batch_size: int) -> int:
    largest_first = np.sort(source.event_bytes())[::-1]
    return int(largest_first[:batch_size].sum()) + min(batch_size, len(source.index)) * source.input_bytes()


class EventStream:
    """Batches of the events of a source, read through a bounded buffer.

    Half of the buffer is a window of events, the rest are the batches made from it, waiting or in use: while the
    next window is read the network works on what is left of the last one. A sample that fits entirely is read
    once and stays in memory.

    Parameters
    ----------
    source : EventSource
        The events and what is read of them.
    batch_size : int
        Events in a batch.
    buffer_bytes : int
        Bound of all bytes held: window, read in flight and batches (dense grids on the device are not counted, nor
        what each reading thread beyond the first has in flight: the order must not depend on their number).
    device : torch.device
        Where batches become dense.
    share : float
        Part of ``buffer_bytes`` that is this stream's.
    threads : int
        Threads that read a window.
    resident : bool
        Keep the hits of all events on the device after the first pass and put batches together there.

    Raises
    ------
    ValueError
        The buffer is too small for the slices or batches of this source; the message names the minimum.
    """

    def __init__(
        self,
        source: EventSource,
        batch_size: int,
        buffer_bytes: int,
        device: torch.device,
        share: float = 1.0,
        threads: int = 1,
        *,
        resident: bool = False,
    ) -> None:
        self.source = source
        self.batch_size = batch_size
        self.buffer_bytes = int(buffer_bytes * share)
        self.device = device
        self.threads = threads
        self.resident = resident
        self.peak_bytes = 0
        self._event_bytes = source.event_bytes()
        self._input_bytes = source.input_bytes()
        self._kept: Window | None = None
        self._on_device: ResidentSample | None = None
        batch_bytes = _batch_bytes(source, batch_size)
        slice_bytes = int(np.add.reduceat(self._event_bytes, slice_edges(source.index)[:-1]).max())
        total = int(self._event_bytes.sum())
        self._in_flight = source.read_bytes()
        self.fits = bytes_to_stay(source, batch_size) <= self.buffer_bytes
        self.window_bytes = total if self.fits else self.buffer_bytes // 2 - self._in_flight
        needed = 2 * max(slice_bytes + self._in_flight, batch_bytes)
        if not self.fits and self.buffer_bytes < needed:
            minimum = math.ceil(needed / share / 2**20)
            raise ValueError(
                f"training.shuffle_buffer_mb = {buffer_bytes / 2**20:.3g} is too small for batches of {batch_size} of "
                f"these events: at least {minimum} is needed, or a smaller batch"
            )

    def shuffled(self, generator: np.random.Generator) -> EpochPlan:
        """Return the plan of a training epoch: shuffled, only full batches."""
        windows = pack_windows(self.source.index, self._event_bytes, self.window_bytes, generator)
        return EpochPlan(windows, training_edges(len(self.source.index), self.batch_size))

    def in_order(self, edges: NDArray[np.int64] | None = None) -> EpochPlan:
        """Return the plan of a pass in the order of the index over every event."""
        windows = pack_windows(self.source.index, self._event_bytes, self.window_bytes, None)
        cut = ordered_edges(len(self.source.index), self.batch_size) if edges is None else edges
        return EpochPlan(windows, cut)

    @contextmanager
    def batches(self, plan: EpochPlan, start: int = 0) -> Iterator[Iterator[Batch]]:
        """Yield an iterator over the batches of ``plan`` from batch ``start`` on.

        Windows before that batch are not read. An error of the reading thread is raised where the batch is
        asked for; leaving the block ends the thread.
        """
        if self.resident:
            yield self._from_device(plan, start)
            return
        with self._reading(plan, start) as (queue, future, budget):
            yield self._consume(queue, future, budget)

    @contextmanager
    def _reading(self, plan: EpochPlan, start: int) -> Iterator[tuple[Queue, Future[None], ByteBudget]]:
        budget = ByteBudget(self.buffer_bytes)
        queue: Queue = SimpleQueue()
        with ThreadPoolExecutor(1, thread_name_prefix="loader") as pool:
            future = pool.submit(self._produce, plan, start, queue, budget)
            try:
                yield queue, future, budget
            finally:
                budget.cancel()
                self.peak_bytes = max(self.peak_bytes, budget.peak)

    def _consume(self, queue: Queue, future: Future[None], budget: ByteBudget) -> Iterator[Batch]:
        if self.device.type == "cuda":
            yield from one_ahead(_released_at_once(queue, budget), self.source.index.voxel_shape, self.device)
        else:
            while (item := queue.get()) is not None:
                batch, n_bytes = item
                del item
                yield to_device(batch, self.source.index.voxel_shape, self.device)
                del batch
                budget.release(n_bytes)
        future.result()

    def _from_device(self, plan: EpochPlan, start: int) -> Iterator[Batch]:
        if self._on_device is None:
            sample = ResidentSample(self.source, self.device)
            with self._reading(self.in_order(), 0) as (queue, future, budget):
                for batch in _released_at_once(queue, budget):
                    sample.append(batch)
                future.result()
            self._on_device = sample
            self._kept = None
        return self._on_device.batches(plan.order, plan.edges[start:])

    def _produce(self, plan: EpochPlan, start: int, queue: Queue, budget: ByteBudget) -> None:
        try:
            for item in self._assemble(plan, start, budget):
                queue.put(item)
                del item  # the consumer's alone: its bytes are given back there
        except _Cancelled:
            log.debug("the reading thread ends before its epoch")
        finally:
            queue.put(None)

    def _assemble(self, plan: EpochPlan, start: int, budget: ByteBudget) -> Iterator[tuple[SparseBatch, int]]:
        order = plan.order
        number, position, end = start, int(plan.edges[start]), int(plan.edges[-1])
        builder: BatchBuilder | None = None
        builder_bytes = 0
        low = 0
        for events in plan.windows:
            high = min(low + len(events), end)
            if position >= high:
                low += len(events)
                continue
            window_bytes = int(self._event_bytes[events].sum()) + self._in_flight
            budget.acquire(window_bytes)
            window = self._window(events, budget)
            while position < high:
                if builder is None:
                    wanted = order[plan.edges[number] : plan.edges[number + 1]]
                    builder_bytes = int(self._event_bytes[wanted].sum()) + len(wanted) * self._input_bytes
                    budget.acquire(builder_bytes)
                    builder = BatchBuilder(self.source, wanted)
                n = min(high - position, builder.missing)
                builder.fill(window, n)
                position += n
                if builder.missing == 0:
                    yield builder.batch(), builder_bytes
                    builder = None
                    number += 1
            del window
            budget.release(window_bytes)
            low += len(events)

    def _window(self, events: NDArray[np.int64], budget: ByteBudget) -> Window:
        if self._kept is not None:
            return self._kept
        window = read_window(self.source, np.sort(events), budget.check, self.threads)
        if self.fits:
            self._kept = window
        return window


def _released_at_once(queue: Queue, budget: ByteBudget) -> Iterator[SparseBatch]:
    """Yield batches whose bytes are given back as soon as the next is asked for: what a GPU copies from is not they."""
    while (item := queue.get()) is not None:
        batch, n_bytes = item
        del item
        yield batch
        del batch
        budget.release(n_bytes)
