"""The classic network on small pictures (the Keras example cifar10_cnn) with two channels and four outputs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hitforge.studies.object_id.objects import CHANNELS, N_CLASSES
from hitforge.studies.object_id.settings import NetworkSettings

_ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "selu": nn.SELU}


class SeedCnn(nn.Module):
    """Two blocks of two 3x3 convolutions with max pooling, and a dense layer: 198 916 parameters at 2 x 16 x 16.

    The first convolution of a block is padded, the second is not (16, 14, 7, 7, 5, 2 cells); with an extra
    convolution behind the blocks all are, as too few cells were left otherwise.
    """

    def __init__(self, settings: NetworkSettings, rows: int, columns: int) -> None:
        super().__init__()
        second = 1 if settings.extra_convolution else 0
        layers: list[nn.Module] = []
        width = len(CHANNELS)
        for filters, activation, dropout in zip(
            settings.convolutions, settings.activations, settings.dropouts, strict=False
        ):
            act = _ACTIVATIONS[activation]
            layers += [nn.Conv2d(width, filters, 3, padding=1), act(), nn.Conv2d(filters, filters, 3, padding=second)]
            layers += [act(), nn.MaxPool2d(2), nn.Dropout(dropout)]
            width = filters
        if settings.extra_convolution:
            layers += [nn.Conv2d(width, settings.extra_convolution, 3, padding=1), nn.ReLU()]
        self.convolutions = nn.Sequential(*layers, nn.Flatten())
        with torch.no_grad():
            n_flat = self.convolutions(torch.zeros(1, len(CHANNELS), rows, columns)).shape[1]
        self.dense = nn.Sequential(
            nn.Linear(n_flat, settings.dense),
            _ACTIVATIONS[settings.activations[2]](),
            nn.Dropout(settings.dropouts[2]),
            nn.Linear(settings.dense, N_CLASSES),
        )

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return logits, shape (B, 4), of images, shape (B, 2, H, W)."""
        return {"class_logits": self.dense(self.convolutions(image))}


def initialise(network: nn.Module) -> None:
    """Glorot-uniform weights and zero biases, the default of the example's framework."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
