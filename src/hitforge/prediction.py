"""Network predictions of many events: streamed, in batches of a fixed size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hitforge.training.device import repeatable
from hitforge.training.loader import EventStream
from hitforge.training.plan import per_shard_edges
from hitforge.training.settings import TrainingSettings
from hitforge.training.window import EventSource


def predict_members(
    networks: Sequence[nn.Module], source: EventSource, settings: TrainingSettings, device: torch.device
) -> NDArray[np.float32]:
    """Return what each network of an ensemble predicts for the events of ``source``.

    The events are read once for all members, within ``shuffle_buffer_mb``. Batches never span shards, so the bits of
    a prediction do not depend on which other shards are in the same job.

    Parameters
    ----------
    networks : sequence of Module, length M
        Loaded members; they are moved to ``device`` and put into evaluation mode.
    source : EventSource
        N events, with the transform that the members were trained with; no target is needed.
    settings : TrainingSettings
        ``prediction_batch``, ``threads``, ``channels_last`` and ``shuffle_buffer_mb`` are used.
    device : torch.device
        See :func:`hitforge.training.device.resolve_device`.

    Returns
    -------
    ndarray, shape (N, M), float32
        In the order of the index, units of the target.
    """
    index = source.index
    predictions = np.empty((len(index), len(networks)), dtype=np.float32)
    if len(index) == 0:
        return predictions
    for network in networks:
        network.to(device).eval()
        if settings.channels_last:
            network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # missing in the stub
    stream = EventStream(source, settings.prediction_batch, settings.shuffle_buffer_mb * 2**20, device)
    plan = stream.in_order(per_shard_edges(index, settings.prediction_batch))
    with repeatable(device, settings.threads), torch.inference_mode(), stream.batches(plan) as batches:
        for batch in batches:
            for m, network in enumerate(networks):
                predictions[batch.events, m] = network(batch.features, batch.grid).float().cpu().numpy()
    return predictions


def predict_network(
    network: nn.Module, source: EventSource, settings: TrainingSettings, device: torch.device
) -> NDArray[np.float32]:
    """Return the predictions of one network, shape (N,); see :func:`predict_members`."""
    return predict_members([network], source, settings, device)[:, 0]
