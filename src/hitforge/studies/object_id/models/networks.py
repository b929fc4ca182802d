"""The networks: the classic one on small pictures (Keras example cifar10_cnn), and a member of the ensemble."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.objects import CHANNELS, N_CLASSES
from hitforge.studies.object_id.settings import NetworkSettings, ObjectModelSettings

BLOCKS_PER_STAGE = 2
SQUEEZE = 4
ENERGY_SCALE = 0.03
SHIFT_CELLS = 1
CELL_NOISE = 0.02
_ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "selu": nn.SELU}


def build_network(model: ObjectModelSettings, n_features: int, seed: int, *, image: ImageSettings) -> nn.Module:
    """Build and initialise a network; ``seed`` fixes all weights, and the global random state stays as it is."""
    settings = model.network
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if settings.architecture == "residual":
            return ResidualNetwork(settings, n_features)
        network = SeedCnn(settings, image.rows, image.columns)
        initialise(network)
    return network


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


class Augmentation(nn.Module):
    """Flip in eta and in phi, shift by up to a cell, scale the brightness by up to 3 %, add noise to hit cells.

    No rotation: eta and phi are not alike, showers bend in phi only. The images are standardised logarithms, in
    which the energy scale of cells well above 0.1 GeV is hardly more than a shift; their brightness is varied.
    Random numbers come from torch's global generator, which a checkpoint keeps.
    """

    def forward(self, image: Tensor) -> Tensor:
        """Return images of the same shape, (B, C, H, W); what a shift moves in is empty."""
        n = len(image)
        for axis in (2, 3):
            flipped = torch.rand(n, 1, 1, 1, device=image.device) < 0.5
            image = torch.where(flipped, image.flip(axis), image)
            image = self._shifted(image, axis)
        scale = 1 + ENERGY_SCALE * (2 * torch.rand(n, 1, 1, 1, device=image.device) - 1)
        noise = CELL_NOISE * torch.randn_like(image) * (image > 0)  # an empty cell stays empty: it is suppressed
        return image * scale + noise

    @staticmethod
    def _shifted(image: Tensor, axis: int) -> Tensor:
        size = image.shape[axis]
        step = torch.randint(-SHIFT_CELLS, SHIFT_CELLS + 1, (len(image), 1, 1, 1), device=image.device)
        place = torch.arange(size, device=image.device).view([size if k == axis else 1 for k in range(4)]) - step
        inside = (place >= 0) & (place < size)
        return torch.gather(image, axis, place.clamp(0, size - 1).expand(image.shape)) * inside
