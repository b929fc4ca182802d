"""Batches: sparse on the host, dense on the compute device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hitforge.hits import CellHits


@dataclass(frozen=True)
class SparseBatch:
    """B events as the loader's thread hands them over.

    Attributes
    ----------
    events : ndarray, shape (B,), int64
        Positions in the :class:`~hitforge.training.dataset.EventIndex`.
    inputs : mapping of name to ndarray, shape (B, ...), float32
        What the study made of the raw features for its network.
    hits : CellHits or None
        Voxel deposits.
    target, weight : ndarray, shape (B,), float32, or None
        None when predicting.
    """

    events: NDArray[np.int64]
    inputs: Mapping[str, NDArray[np.float32]]
    hits: CellHits | None
    target: NDArray[np.float32] | None
    weight: NDArray[np.float32] | None


@dataclass(frozen=True)
class Batch:
    """B events on the compute device.

    Attributes
    ----------
    events : ndarray, shape (B,), int64
        Positions in the index (host).
    inputs : mapping of name to Tensor, shape (B, ...), float32
        Keyword arguments of the network: the study's tensors and, where it reads voxels, ``grid``, shape
        (B, 1, z, x, y), dense deposits in units of the shard.
    target, weight : Tensor, shape (B,), float32, or None
    """

    events: NDArray[np.int64]
    inputs: Mapping[str, Tensor]
    target: Tensor | None
    weight: Tensor | None

    def __len__(self) -> int:
        return len(self.events)

    @property
    def tensors(self) -> list[Tensor]:
        """What lies on the device."""
        return [t for t in (*self.inputs.values(), self.target, self.weight) if t is not None]

    def copy(self) -> Batch:
        """Return a batch with tensors of its own."""
        inputs = {name: values.clone() for name, values in self.inputs.items()}
        target, weight = (None if values is None else values.clone() for values in (self.target, self.weight))
        return Batch(self.events, inputs, target, weight)

    def fill(self, other: Batch) -> None:
        """Copy another batch of the same size into these tensors; ``events`` stay those of the first."""
        pairs = [(own, other.inputs[name]) for name, own in self.inputs.items()]
        for own, values in (*pairs, (self.target, other.target), (self.weight, other.weight)):
            if own is not None and values is not None:
                own.copy_(values)


def to_device(batch: SparseBatch, voxel_shape: tuple[int, int, int] | None, device: torch.device) -> Batch:
    """Move a batch to the device and make its grid dense there: the sparse hits are some ten times smaller.

    To a GPU the copies are only begun, on the current stream.
    """
    inputs = {name: moved(values, device) for name, values in batch.inputs.items()}
    if batch.hits is not None and voxel_shape is not None:
        inputs["grid"] = densify(batch.hits, voxel_shape, device)
    target, weight = (None if values is None else moved(values, device) for values in (batch.target, batch.weight))
    return Batch(batch.events, inputs, target, weight)


def moved(values: NDArray[Any], device: torch.device) -> Tensor:
    """Return the values on the device; the copy to a GPU goes on while the host does something else."""
    tensor = torch.from_numpy(values)
    # only from memory that cannot be swapped out does a GPU copy on its own
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def densify(hits: CellHits, voxel_shape: tuple[int, int, int], device: torch.device) -> Tensor:
    """Return the dense grids, shape (B, 1, z, x, y), float32, made on the device."""
    cell = cell_numbers(moved(signed(hits.cell), device))
    return scatter(cell, moved(hits.energy, device), moved(np.diff(hits.indptr), device), voxel_shape)


def signed(cell: NDArray[np.unsignedinteger]) -> NDArray[np.signedinteger]:
    """Return a view of the cell numbers as signed integers of the same size: torch has few operations on unsigned."""
    return cell.view(np.dtype(f"i{cell.itemsize}"))


def cell_numbers(cell: Tensor) -> Tensor:
    """Return the cell numbers, int64, of what :func:`signed` made of them."""
    return cell.long() & ((1 << 8 * cell.itemsize) - 1)


def scatter(cell: Tensor, energy: Tensor, counts: Tensor, voxel_shape: tuple[int, int, int]) -> Tensor:
    """Return dense grids, shape (B, 1, z, x, y), float32, from hits on the device.

    Parameters
    ----------
    cell : Tensor, shape (n_hit,), int64
        Cell numbers of all events, one event after another.
    energy : Tensor, shape (n_hit,), float32
    counts : Tensor, shape (B,), int64
        Hits of each event.
    """
    n_cells, n_events = int(np.prod(voxel_shape)), len(counts)
    start = torch.arange(0, n_events * n_cells, n_cells, device=cell.device)
    # with its size known nothing has to wait for the device
    where = torch.repeat_interleave(start, counts, output_size=len(cell)) + cell
    grid = torch.zeros(n_events * n_cells, dtype=torch.float32, device=cell.device)
    # cells of an event are unique, so the order of the scatter does not matter
    grid[where] = energy
    return grid.view(n_events, 1, *voxel_shape)
