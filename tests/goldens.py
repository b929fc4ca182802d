"""Golden values of the running batch norm and of the Huberised loss, for the unit tests and for the check on a GPU."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from hitforge.studies.calo_muon.models.losses import HuberisedLoss
from hitforge.studies.calo_muon.models.networks.running_norm import RunningBatchNorm
from hitforge.studies.calo_muon.models.weights import event_weights
from hitforge.studies.calo_muon.settings import LossSettings

TARGET = torch.tensor([100.0, 200, 400, 1000, 1600, 2000, 3000, 4000, 5000, 7000])
PREDICTION = torch.tensor([150.0, 100, 700, 1500, 1000, 2500, 2000, 4100, 9000, 6000])

Found = Iterator[tuple[str, Tensor, list[float]]]


def running_norm(device: torch.device) -> Found:
    """Yield name, value and golden value of what two batches give."""
    norm = RunningBatchNorm(2).to(device)
    x = (torch.arange(32, device=device) / 10).view(2, 2, 2, 2, 2)
    places = torch.tensor([0, 9, 31], device=device)
    yield "first batch", norm(x).flatten()[places], [-1.3819261, -1.2617590, 1.3819263]
    yield "second batch", norm(2 * x + 1).flatten()[places], [-0.7476425, -0.3532869, 1.8590446]
    yield "sums", norm.sums, [6.936304, 10.648465]
    yield "sums of squares", norm.square_sums, [24.758699, 49.322990]
    yield "count", norm.count[None], [3.0401297]
    yield "events", norm.events[None], [4.0]


def huberised_loss(device: torch.device) -> Found:
    """Yield name, value and golden value of losses and thresholds."""
    loss = HuberisedLoss(LossSettings()).to(device)
    prediction, target = PREDICTION.to(device), TARGET.to(device)
    weight = torch.from_numpy(event_weights(TARGET.numpy())).to(device)
    yield "loss", loss(prediction, target)[None], [457.244080]
    yield "thresholds", loss.thresholds, [2.5e5, 1.0e6, 1.0e4, 1.6e7, 1.0e6]
    yield "weighted loss", loss(prediction, target, weight)[None], [283.398529]
    yield "second loss", loss(1.1 * prediction, target)[None], [621.129944]
    yield "second thresholds", loss.thresholds, [250000, 964000, 35010, 16801000, 916000]
