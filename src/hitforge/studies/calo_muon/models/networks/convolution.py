"""3-D convolutions that are the same as the library's and faster on a CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv3d

_MIN_CHANNELS = 16
_LIBRARY_IS_FAST = torch.backends.cpu.get_cpu_capability() == "AVX512"


def _is_half_on_cpu(input: Tensor) -> bool:
    """Whether autocast would give the convolution to the CPU library in bfloat16.

    With torch 2.13 and AVX512-BF16 its weight gradient of few channels reads memory that it did not write: now and then
    a gradient is NaN. So it is computed in float32, and what comes out is what autocast would give: the path of a GPU.
    """
    return input.device.type == "cpu" and torch.is_autocast_enabled("cpu")


class FastConv3d(nn.Conv3d):
    """``nn.Conv3d`` with a faster weight gradient for many channels on small grids on a CPU.

    Without AVX-512 the CPU library reaches a fifth of its forward speed in a convolution's weight gradient. That
    gradient is itself a convolution, of the input with the output's gradient, in which batch and channels have
    changed places. With 16 channels or more this is two to four times as fast; with fewer, with AVX-512, or on other
    devices, it is not used.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Convolve ``input``, shape (B, C, z, x, y)."""
        if _is_half_on_cpu(input):
            with torch.autocast("cpu", enabled=False):
                return self.forward(input.float()).to(torch.get_autocast_dtype("cpu"))
        fast = (
            torch.is_grad_enabled()
            and not torch.compiler.is_compiling()
            and input.device.type == "cpu"
            and not _LIBRARY_IS_FAST
            and self.bias is None
            and self.groups == 1
            and min(self.in_channels, self.out_channels) >= _MIN_CHANNELS
        )
        if not fast:
            return super().forward(input)
        # torch does not annotate Function.apply
        convolved: Tensor = _Convolution.apply(  # type: ignore[no-untyped-call]
            input, self.weight, self.stride, self.padding
        )
        return convolved


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: tuple[int, ...], padding: tuple[int, ...]) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return conv3d(x, weight, None, stride, padding)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_x = torch.ops.aten.convolution_backward(
                g, x, weight, None, ctx.stride, ctx.padding, [1, 1, 1], False, [0, 0, 0], 1, [True, False, False]
            )[0]
        if ctx.needs_input_grad[1]:
            images, kernels = x.transpose(0, 1).contiguous(), g.transpose(0, 1).contiguous()
            full = conv3d(images, kernels, None, 1, ctx.padding, ctx.stride)
            depth, width, height = weight.shape[2:]
            # A stride that does not divide the grid leaves places beyond the kernel.
            grad_weight = full[:, :, :depth, :width, :height].transpose(0, 1)
        return grad_x, grad_weight, None, None


class MeanConv3d(nn.Conv3d):
    """Mean of 2 x 2 x 2 cells, then a convolution of one cell: computed as one strided convolution.

    The grid is padded with one layer of zeros, which count in the mean. CPU libraries pool in another memory format
    than they convolve in, and each of the copies costs more than the arithmetic.
    """

    def __init__(self, in_channels: int, out_channels: int, bias: bool) -> None:
        super().__init__(in_channels, out_channels, 1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Map ``input``, shape (B, C, z, x, y), to a grid of half the size plus one."""
        if _is_half_on_cpu(input):
            with torch.autocast("cpu", enabled=False):
                return self.forward(input.float()).to(torch.get_autocast_dtype("cpu"))
        return conv3d(input, (self.weight / 8).expand(-1, -1, 2, 2, 2), self.bias, 2, 1)
