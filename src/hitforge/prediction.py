"""Network predictions of many events: streamed, in batches of a fixed size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hitforge.training.batches import to_device
from hitforge.training.device import channels_last, naming_batch_size, repeatable
from hitforge.training.loader import EventStream
from hitforge.training.memory import LEAST_MB
from hitforge.training.plan import per_shard_edges
from hitforge.training.settings import TrainingSettings
from hitforge.training.window import EventSource


def predict_members(
    networks: Sequence[nn.Module],
    columns: Callable[[Any], Mapping[str, Tensor]],
    source: EventSource,
    settings: TrainingSettings,
    device: torch.device,
) -> dict[str, NDArray[np.float32]]:
    """Return what each network of an ensemble predicts for the events of ``source``.

    The events are read once for all members, within ``shuffle_buffer_mb``. Batches never span shards, so the bits of
    a prediction do not depend on which other shards are in the same job.

    Parameters
    ----------
    networks : sequence of Module, length M
        Loaded members; they are moved to ``device`` and put into evaluation mode.
    columns : callable
        Output of a network to named columns, each of shape (B,) or (B, k).
    source : EventSource
        N events, with the inputs that the members were trained with; no target is needed.
    settings : TrainingSettings
        ``prediction_batch``, ``threads``, ``channels_last``, ``shuffle_buffer_mb``, ``loader_threads`` and, on a GPU,
        ``tf32`` and ``amp`` are used.

    Returns
    -------
    dict of name to ndarray, shape (N, M) or (N, M, k), float32
        In the order of the index.
    """
    index = source.index
    predictions: dict[str, NDArray[np.float32]] = {}
    for network in networks:
        network.to(device).eval()
        if settings.channels_last:
            channels_last(network)
    if len(index) == 0:
        # names and widths of empty columns are those of an event of zeros
        batch = to_device(source.zeros(), index.voxel_shape, device)
        with torch.inference_mode():
            found = columns(networks[0](**batch.inputs))
        return {name: np.empty((0, len(networks), *values.shape[1:]), np.float32) for name, values in found.items()}
    # a pass in order gains nothing from a larger buffer
    buffer_mb = LEAST_MB if settings.shuffle_buffer_mb == "auto" else settings.shuffle_buffer_mb
    stream = EventStream(source, settings.prediction_batch, buffer_mb * 2**20, device, threads=settings.loader_threads)
    plan = stream.in_order(per_shard_edges(index, settings.prediction_batch))
    with ExitStack() as stack:
        stack.enter_context(repeatable(device, settings.threads, tf32=settings.tf32))
        stack.enter_context(naming_batch_size("training.prediction_batch", settings.prediction_batch))
        stack.enter_context(torch.inference_mode())
        # a training on a GPU may be followed by predictions on CPUs, most of which are slower with bfloat16
        stack.enter_context(torch.autocast(device.type, torch.bfloat16, enabled=settings.amp and device.type == "cuda"))
        for batch in stack.enter_context(stream.batches(plan)):
            for m, network in enumerate(networks):
                for name, values in columns(network(**batch.inputs)).items():
                    if name not in predictions:
                        predictions[name] = np.empty((len(index), len(networks), *values.shape[1:]), dtype=np.float32)
                    predictions[name][batch.events, m] = values.float().cpu().numpy()
    return predictions
