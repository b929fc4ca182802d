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
from hitforge.training.window import BatchBuilder, EventSource, Window, read_window

log = logging.getLogger(__name__)


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
        Bound of all bytes held: window, read in flight and batches (dense grids on the device are not counted).
    device : torch.device
        Where batches become dense.
    share : float
        Part of ``buffer_bytes`` that is this stream's.

    Raises
    ------
    ValueError
        The buffer is too small for the slices or batches of this source; the message names the minimum.
    """

    def __init__(
        self, source: EventSource, batch_size: int, buffer_bytes: int, device: torch.device, share: float = 1.0
    ) -> None:
        self.source = source
        self.batch_size = batch_size
        self.buffer_bytes = int(buffer_bytes * share)
        self.device = device
        self.peak_bytes = 0
        self._event_bytes = source.event_bytes()
        self._input_bytes = source.input_bytes()
        self._resident: Window | None = None
        largest_first = np.sort(self._event_bytes)[::-1]
        batch_bytes = int(largest_first[:batch_size].sum()) + min(batch_size, len(source.index)) * self._input_bytes
        slice_bytes = int(np.add.reduceat(self._event_bytes, slice_edges(source.index)[:-1]).max())
        total = int(self._event_bytes.sum())
        self._in_flight = source.read_bytes()
        self.fits = total + self._in_flight + 2 * batch_bytes <= self.buffer_bytes
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
        budget = ByteBudget(self.buffer_bytes)
        queue: SimpleQueue[tuple[SparseBatch, int] | None] = SimpleQueue()
        with ThreadPoolExecutor(1, thread_name_prefix="loader") as pool:
            future = pool.submit(self._produce, plan, start, queue, budget)
            try:
                yield self._consume(queue, future, budget)
            finally:
                budget.cancel()
                self.peak_bytes = max(self.peak_bytes, budget.peak)

    def _consume(
        self, queue: SimpleQueue[tuple[SparseBatch, int] | None], future: Future[None], budget: ByteBudget
    ) -> Iterator[Batch]:
        while (item := queue.get()) is not None:
            batch, n_bytes = item
            del item
            yield to_device(batch, self.source.index.voxel_shape, self.device)
            del batch
            budget.release(n_bytes)
        future.result()

    def _produce(
        self, plan: EpochPlan, start: int, queue: SimpleQueue[tuple[SparseBatch, int] | None], budget: ByteBudget
    ) -> None:
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
        if self._resident is not None:
            return self._resident
        window = read_window(self.source, np.sort(events), budget.check)
        if self.fits:
            self._resident = window
        return window
