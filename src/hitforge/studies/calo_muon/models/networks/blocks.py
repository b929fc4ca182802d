"""Residual blocks of the muon network, and their sizes, worked out from the settings before anything is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import avg_pool3d, linear, silu

from hitforge.studies.calo_muon.models.networks.convolution import FastConv3d, MeanConv3d
from hitforge.studies.calo_muon.models.networks.running_norm import RunningBatchNorm, at_least_float32
from hitforge.studies.calo_muon.settings import NetworkSettings

Norm = Literal["running", "nominal", "off"]
Grid = tuple[int, int, int]
_FULL_RESOLUTION_CHANNELS = 4


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


class EnergySum(nn.Conv3d):
    """Sum the energy of 2 x 2 x 2 cells: a convolution with frozen ones."""

    def __init__(self) -> None:
        super().__init__(1, 1, 2, stride=2, padding=1, bias=False)
        self.weight.requires_grad_(False)

    def forward(self, input: Tensor) -> Tensor:
        """Sum ``input``, shape (B, 1, z, x, y), float32 under autocast too: energies are not to be rounded."""
        with torch.autocast(input.device.type, enabled=False):
            if input.device.type == "cuda":
                # convolutions there may round their input (training.tf32)
                return 8 * avg_pool3d(input, 2, 2, padding=1)
            return super().forward(input)


class SqueezeExcitation(nn.Module):
    """Scale each channel by a number in (0, 1) computed from the means of all channels, and finish the block."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, max(2, channels // reduction))
        self.excite = nn.Linear(max(2, channels // reduction), channels)

    def forward(self, residual: Tensor, skip: Tensor | None, energy: Tensor | None) -> Tensor:
        """Return concat(energy, skip + factors * residual) along the channels; None leaves a term out."""
        if torch.compiler.is_compiling():
            return self.plain(residual, skip, energy)
        parameters = (self.squeeze.weight, self.squeeze.bias, self.excite.weight, self.excite.bias)
        # torch does not annotate Function.apply
        joined: Tensor = _ExciteAndJoin.apply(residual, skip, energy, *parameters)  # type: ignore[no-untyped-call]
        return joined

    def plain(self, residual: Tensor, skip: Tensor | None, energy: Tensor | None) -> Tensor:
        """Return the same, up to rounding, in operations that a compiler fuses."""
        means = at_least_float32(residual).mean((2, 3, 4))
        factors = _factors(means, self.squeeze.weight, self.squeeze.bias, self.excite.weight, self.excite.bias)
        joined = at_least_float32(residual) * factors[:, :, None, None, None]
        if skip is not None:
            joined = joined + skip
        joined = joined.to(residual.dtype)
        return joined if energy is None else torch.cat([energy.to(joined.dtype), joined], dim=1)


class _ExciteAndJoin(torch.autograd.Function):
    """Squeeze-excitation, addition and concatenation in one pass over the grid each way, plus the sums.

    Half precision goes in and comes out; sums over the grid and factors are float32.
    """

    @staticmethod
    def forward(ctx: Any, residual: Tensor, skip: Tensor | None, energy: Tensor | None, *parameters: Tensor) -> Tensor:
        means = residual.mean((2, 3, 4), dtype=torch.promote_types(residual.dtype, torch.float32))
        factors = _factors(means, *parameters)
        gate = factors[:, :, None, None, None]
        ctx.save_for_backward(residual, means, factors, *parameters)
        ctx.extra = extra = 0 if energy is None else 1
        batch, channels, *grid = residual.shape
        last = residual.is_contiguous(memory_format=torch.channels_last_3d)
        layout = torch.channels_last_3d if last else torch.contiguous_format
        size = (batch, channels + extra, *grid)
        joined = torch.empty(size, dtype=residual.dtype, device=residual.device, memory_format=layout)
        if energy is not None:
            joined[:, :1] = energy
        if skip is None:
            torch.mul(residual, gate, out=joined[:, extra:])
        else:
            torch.addcmul(skip, residual, gate, out=joined[:, extra:])
        return joined

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        residual, means, factors, *parameters = ctx.saved_tensors
        g_residual = g[:, ctx.extra :]
        g_factors = (at_least_float32(g_residual) * residual).sum((2, 3, 4))
        with torch.enable_grad():
            leaves = [t.detach().requires_grad_() for t in (means, *parameters)]
            g_means, *g_parameters = torch.autograd.grad(_factors(*leaves), leaves, g_factors)
        from_means = (g_means * (means.numel() / residual.numel()))[:, :, None, None, None]
        grad = torch.addcmul(from_means, g_residual, factors[:, :, None, None, None])
        skip = g_residual if ctx.needs_input_grad[1] else None
        energy = g[:, : ctx.extra] if ctx.needs_input_grad[2] else None
        return grad.to(residual.dtype), skip, energy, *g_parameters


def _factors(means: Tensor, w_squeeze: Tensor, b_squeeze: Tensor, w_excite: Tensor, b_excite: Tensor) -> Tensor:
    with torch.autocast(means.device.type, enabled=False):
        return linear(silu(linear(means, w_squeeze, b_squeeze)), w_excite, b_excite).sigmoid()


class ResidualBlock(nn.Module):
    """Energy pass and residual of one block: concat(E', shortcut(X) + SE(convolutions(X))).

    Parameters
    ----------
    plan : BlockPlan
        Sizes of this block.
    settings : NetworkSettings
        Options of the network.
    """

    def __init__(self, plan: BlockPlan, settings: NetworkSettings) -> None:
        super().__init__()
        self.energy_pass = settings.energy_pass
        self.energy_sum = EnergySum() if settings.energy_pass and plan.downsample else None
        self.convolutions = _first(plan, settings.norm) if plan.first else _pre_activated(plan, settings)
        self.excitation = (
            SqueezeExcitation(plan.out_channels, settings.squeeze_excitation) if settings.squeeze_excitation else None
        )
        self.shortcut: nn.Module | None = None
        if settings.identity_path:
            self.shortcut = _shortcut(plan, settings.norm)

    def forward(self, x: Tensor, energy: Tensor) -> tuple[Tensor, Tensor]:
        """Map block input and energy to block output and its energy.

        Parameters
        ----------
        x : Tensor, shape (B, C, z, x, y)
            With the energy pass channel 0 is the energy.
        energy : Tensor, shape (B, 1, z, x, y), GeV
        """
        residual = self.convolutions(x)
        skip = None if self.shortcut is None else self.shortcut(x)
        if self.energy_sum is not None:
            energy = self.energy_sum(energy)
        passed = energy if self.energy_pass else None
        if self.excitation is not None:
            return self.excitation(residual, skip, passed), energy
        if skip is not None:
            residual = residual + skip
        return residual if passed is None else torch.cat([passed.to(residual.dtype), residual], dim=1), energy


def norm_and_swish(channels: int, norm: Norm, *, swish_first: bool = False) -> nn.Module:
    """Return normalisation and SiLU in the given order; SiLU alone if ``norm`` is off."""
    if norm == "running":
        return RunningBatchNorm(channels, "before" if swish_first else "after")
    if norm == "nominal":
        modules: list[nn.Module] = [nn.BatchNorm3d(channels), nn.SiLU()]
        return nn.Sequential(*(reversed(modules) if swish_first else modules))
    return nn.SiLU()


def _convolution(c_in: int, c_out: int, kernel: int, norm: Norm, *, stride: int = 1, groups: int = 1) -> nn.Conv3d:
    # Without a norm nothing else shifts the channels, so the convolution gets a bias.
    return FastConv3d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=norm == "off")


def _first(plan: BlockPlan, norm: Norm) -> nn.Sequential:
    """Raw energies are sparse and positive: convolve before the first activation."""
    stride = 2 if plan.downsample else 1
    return nn.Sequential(
        _convolution(plan.in_channels, plan.out_channels, plan.kernel, norm, stride=stride),
        norm_and_swish(plan.out_channels, norm, swish_first=True),
        _convolution(plan.out_channels, plan.out_channels, 3, norm),
        norm_and_swish(plan.out_channels, norm, swish_first=True),
    )


def _pre_activated(plan: BlockPlan, settings: NetworkSettings) -> nn.Sequential:
    norm, c_in, c_out = settings.norm, plan.in_channels, plan.out_channels
    if settings.bottleneck and not plan.downsample:
        groups = settings.groups
        width = -(-(c_in // 2) // groups) * groups
        sizes = [(c_in, width, 1, 1, 1), (width, width, 3, 1, groups), (width, c_out, 1, 1, 1)]
    else:
        sizes = [(c_in, c_out, plan.kernel, 2 if plan.downsample else 1, 1), (c_out, c_out, 3, 1, 1)]
    modules: list[nn.Module] = []
    for c_from, c_to, kernel, stride, groups in sizes:
        modules.append(norm_and_swish(c_from, norm))
        modules.append(_convolution(c_from, c_to, kernel, norm, stride=stride, groups=groups))
    return nn.Sequential(*modules)


def _shortcut(plan: BlockPlan, norm: Norm) -> nn.Module:
    if not plan.downsample and not plan.first:
        return nn.Identity()
    modules: list[nn.Module] = []
    if not plan.first:
        # Activation before normalisation: the other way round than the convolutions, as in the original.
        modules.append(norm_and_swish(plan.in_channels, norm, swish_first=True))
    bias = plan.first or norm == "off"
    if plan.downsample:
        # the first stands where a pooling once stood: trained members know the convolution by its place
        modules += [nn.Identity(), MeanConv3d(plan.in_channels, plan.out_channels, bias)]
    else:
        modules.append(nn.Conv3d(plan.in_channels, plan.out_channels, 1, bias=bias))
    return nn.Sequential(*modules)
