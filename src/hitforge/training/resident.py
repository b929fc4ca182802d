"""A whole sample on the compute device, from which batches are gathered without any work of the host."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hitforge.training.batches import Batch, SparseBatch, cell_numbers, moved, scatter, signed
from hitforge.training.settings import TrainingSettings
from hitforge.training.window import EventSource

GPU_SHARE = 0.5
"""Part of a GPU's free memory that ``resident: auto`` gives to the sample; the rest is for network and batches."""


def on_device(settings: TrainingSettings, device: torch.device, sample_bytes: int) -> bool:
    """Return whether the sample is to be kept on the device; trainings side by side share its memory."""
    if settings.resident != "auto":
        return settings.resident == "device"
    if device.type != "cuda":
        return False
    free, _total = torch.cuda.mem_get_info(device)
    return sample_bytes * settings.members_per_gpu <= GPU_SHARE * free


class ResidentSample:
    """Inputs, targets, weights and sparse hits of all events of a source, on the device.

    Batches are equal, bit for bit, to those that the host puts together.

    Parameters
    ----------
    source : EventSource
        N events; :meth:`append` brings them, in the order of the index.
    device : torch.device
    """

    def __init__(self, source: EventSource, device: torch.device) -> None:
        index, n = source.index, len(source.index)
        self.device, self.voxel_shape = device, index.voxel_shape
        self.n_hits = index.n_hits if source.keeps_hits else np.zeros(n, np.int64)
        zeros = source.zeros()
        self.inputs = {
            name: torch.empty((n, *values.shape[1:]), dtype=torch.float32, device=device)
            for name, values in zeros.inputs.items()
        }
        self.target = None if source.target is None else torch.empty(n, dtype=torch.float32, device=device)
        self.weight = None if source.target is None else torch.empty(n, dtype=torch.float32, device=device)
        self.cell: Tensor | None = None
        if source.keeps_hits:
            edges = np.concatenate([[0], np.cumsum(self.n_hits)]).astype(np.int64)
            self._edges = edges
            self.start, self.counts = moved(edges[:-1], device), moved(self.n_hits, device)
            number = torch.int16 if index.cell_dtype.itemsize == 2 else torch.int32
            self.cell = torch.empty(int(edges[-1]), dtype=number, device=device)
            self.energy = torch.empty(int(edges[-1]), dtype=torch.float32, device=device)
        self._filled = 0

    def append(self, batch: SparseBatch) -> None:
        """Bring the next events."""
        first, last = self._filled, self._filled + len(batch.events)
        for name, values in batch.inputs.items():
            self.inputs[name][first:last] = moved(values, self.device)
        if self.target is not None and self.weight is not None:
            assert batch.target is not None and batch.weight is not None
            self.target[first:last] = moved(batch.target, self.device)
            self.weight[first:last] = moved(batch.weight, self.device)
        if self.cell is not None and batch.hits is not None:
            hits = slice(self._edges[first], self._edges[last])
            self.cell[hits] = moved(signed(batch.hits.cell), self.device)
            self.energy[hits] = moved(batch.hits.energy, self.device)
        self._filled = last

    def batches(self, order: NDArray[np.int64], edges: NDArray[np.int64]) -> Iterator[Batch]:
        """Yield the batches ``order[edges[b]:edges[b + 1]]``."""
        on_device = moved(order, self.device)
        for first, last in itertools.pairwise(edges.tolist()):
            yield self._gather(order[first:last], on_device[first:last])

    def _gather(self, events: NDArray[np.int64], rows: Tensor) -> Batch:
        inputs = {name: values[rows] for name, values in self.inputs.items()}
        if self.cell is not None and self.voxel_shape is not None:
            counts = self.counts[rows]
            n_hits = int(self.n_hits[events].sum())  # known to the host: nothing waits for the device
            # position of every hit: its event's start plus its rank inside the event
            shift = self.start[rows] - (counts.cumsum(0) - counts)
            where = torch.arange(n_hits, device=self.device) + torch.repeat_interleave(
                shift, counts, output_size=n_hits
            )
            cell, energy = cell_numbers(self.cell[where]), self.energy[where]
            inputs["grid"] = scatter(cell, energy, counts, self.voxel_shape)
        target, weight = (None if values is None else values[rows] for values in (self.target, self.weight))
        return Batch(events, inputs, target, weight)
