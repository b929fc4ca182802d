"""Variations of training images that do not change what an object is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

ENERGY_SCALE = 0.03
SHIFT_CELLS = 1
CELL_NOISE = 0.02


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
