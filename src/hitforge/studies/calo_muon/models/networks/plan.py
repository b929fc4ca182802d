"""Sizes of the network's blocks, worked out from the settings before anything is built."""

from __future__ import annotations

from dataclasses import dataclass

from hitforge.studies.calo_muon.settings import NetworkSettings

Grid = tuple[int, int, int]


@dataclass(frozen=True)
class BlockPlan:
    """One residual block.

    Attributes
    ----------
    in_channels : int
        Channels of the input, the energy among them.
    out_channels : int
        Channels of the residual; the energy pass adds one.
    kernel : int
        Size of the first convolution.
    downsample, first : bool
        Halve the grid; be the block that sees the raw grid (convolutions before activations).
    grid : tuple of int
        Cells of the output along z, x and y.
    """

    in_channels: int
    out_channels: int
    kernel: int
    downsample: bool
    first: bool
    grid: Grid


def plan_blocks(settings: NetworkSettings, grid: Grid) -> tuple[BlockPlan, ...]:
    """Return the blocks of the convolutional part (arXiv:2107.02119, architecture section).

    Residuals keep the channels of their input, energy included, and grow by ``channel_factor`` where the grid is
    halved; with the energy pass each block adds one more channel, the energy.
    """
    extra = int(settings.energy_pass)
    plans: list[BlockPlan] = []
    channels = 1

    def add(out_channels: int, kernel: int, downsample: bool) -> None:
        nonlocal channels, grid
        if downsample:
            grid = (grid[0] // 2 + 1, grid[1] // 2 + 1, grid[2] // 2 + 1)
        plans.append(BlockPlan(channels, out_channels, kernel, downsample, not plans, grid))
        channels = out_channels + extra

    for index in range(settings.full_resolution_blocks):
        add(_FULL_RESOLUTION_CHANNELS if index == 0 else channels, 3, False)
    for resolution in range(settings.resolutions):
        if resolution == 0:
            add(settings.first_channels, settings.first_kernel, True)
        else:
            add(int(settings.channel_factor * channels), 4, True)
        for _ in range(settings.blocks_per_resolution - 1):
            add(channels, 3, False)
    return tuple(plans)


_FULL_RESOLUTION_CHANNELS = 4
