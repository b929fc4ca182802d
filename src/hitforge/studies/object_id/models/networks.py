"""A member of the ensemble: residual blocks with squeeze-and-excitation on the image, dense layers on the features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.studies.object_id.networks.augmentation import Augmentation
from hitforge.studies.object_id.objects import CHANNELS, N_CLASSES
from hitforge.studies.object_id.settings import NetworkSettings

BLOCKS_PER_STAGE = 2
SQUEEZE = 4


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, weighed channel by channel (arXiv:1709.01507), added to the input."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.excite = nn.Sequential(
            nn.Linear(outputs, outputs // SQUEEZE), nn.ReLU(), nn.Linear(outputs // SQUEEZE, outputs), nn.Sigmoid()
        )
        same = inputs == outputs and stride == 1
        self.skip = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps, shape (B, outputs, H / stride, W / stride)."""
        residual = self.body(x)
        gate = self.excite(residual.mean(dim=(2, 3)))[:, :, None, None]
        return functional.relu(self.skip(x) + gate * residual)


class ResidualNetwork(nn.Module):
    """Stem, stages of residual blocks that halve the map, global mean; joined with a dense branch of the features."""

    def __init__(self, settings: NetworkSettings, n_features: int) -> None:
        super().__init__()
        self.augmentation = Augmentation() if settings.augment else None
        width = settings.convolutions[0]
        self.stem = nn.Sequential(
            nn.Conv2d(len(CHANNELS), width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        blocks: list[nn.Module] = []
        for stage, filters in enumerate(settings.convolutions):
            for block in range(BLOCKS_PER_STAGE):
                blocks.append(ResidualBlock(width, filters, 2 if stage and block == 0 else 1))
                width = filters
        self.blocks = nn.Sequential(*blocks)
        branch: list[nn.Module] = []
        inputs = n_features
        for units in settings.feature_dense:
            branch += [nn.Linear(inputs, units), nn.ReLU()]
            inputs = units
        self.branch = nn.Sequential(*branch)
        self.joint = nn.Sequential(
            nn.Linear(width + inputs, settings.dense), nn.ReLU(), nn.Linear(settings.dense, N_CLASSES)
        )

    def forward(self, image: Tensor, features: Tensor) -> dict[str, Tensor]:
        """Return logits, shape (B, 4), of images, shape (B, 2, H, W), and features, shape (B, F)."""
        if self.training and self.augmentation is not None:
            image = self.augmentation(image)
        maps = self.blocks(self.stem(image)).mean(dim=(2, 3))
        return {"class_logits": self.joint(torch.cat([maps, self.branch(features)], dim=1))}
