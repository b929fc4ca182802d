"""Batches on their way to a GPU: copied on a stream of their own, one ahead of the batch in use."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from hitforge.training.batches import Batch, SparseBatch, to_device


def one_ahead(
    batches: Iterator[SparseBatch], voxel_shape: tuple[int, int, int] | None, device: torch.device
) -> Iterator[Batch]:
    """Yield the batches on the GPU; while one is in use the next is copied and made dense there.

    Nothing waits for the batch in use, only for the one before it, so that the host is never more than a batch ahead
    of the GPU and no more than three batches take memory there.
    """
    copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    waiting: tuple[Batch, torch.cuda.Event] | None = None
    used: list[torch.cuda.Event] = []
    for sparse in batches:
        with torch.cuda.stream(copies):
            sent = (to_device(sparse, voxel_shape, device), copies.record_event())
        del sparse
        if waiting is not None:
            yield _received(waiting, device)
            used.append(torch.cuda.current_stream(device).record_event())
            if len(used) > 1:
                used.pop(0).synchronize()
        waiting = sent
    if waiting is not None:
        yield _received(waiting, device)


def _received(sent: tuple[Batch, torch.cuda.Event], device: torch.device) -> Batch:
    """Let the current stream wait for a batch; its memory is free again when that stream has done with it."""
    batch, copied = sent
    current = torch.cuda.current_stream(device)
    current.wait_event(copied)
    for tensor in batch.tensors:
        tensor.record_stream(current)
    return batch
