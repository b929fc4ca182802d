"""Batches: sparse on the host, dense on the compute device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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


def to_device(batch: SparseBatch, voxel_shape: tuple[int, int, int] | None, device: torch.device) -> Batch:
    """Move a batch to the device and make its grid dense there: the sparse hits are some ten times smaller."""

    def moved(values: NDArray[np.float32] | None) -> Tensor | None:
        return None if values is None else torch.from_numpy(values).to(device)

    inputs = {name: torch.from_numpy(values).to(device) for name, values in batch.inputs.items()}
    if batch.hits is not None and voxel_shape is not None:
        inputs["grid"] = densify(batch.hits, voxel_shape, device)
    return Batch(batch.events, inputs, moved(batch.target), moved(batch.weight))


def densify(hits: CellHits, voxel_shape: tuple[int, int, int], device: torch.device) -> Tensor:
    """Return the dense grids, shape (B, 1, z, x, y), float32, made on the device."""
    n_cells = int(np.prod(voxel_shape))
    n_events = len(hits)
    # torch has no full support of uint16; int32 is what crosses to the device
    cell = torch.from_numpy(hits.cell.astype(np.int32)).to(device)
    energy = torch.from_numpy(hits.energy).to(device)
    counts = torch.from_numpy(np.diff(hits.indptr)).to(device)
    start = torch.arange(0, n_events * n_cells, n_cells, device=device)
    where = torch.repeat_interleave(start, counts, output_size=len(hits.cell)) + cell
    grid = torch.zeros(n_events * n_cells, dtype=torch.float32, device=device)
    # cells of an event are unique, so the order of the scatter does not matter
    grid[where] = energy
    return grid.view(n_events, 1, *voxel_shape)
