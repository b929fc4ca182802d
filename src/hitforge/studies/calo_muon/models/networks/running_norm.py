"""Running batch norm with an analytic backward, fused with a neighbouring SiLU."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import silu

Swish = Literal["none", "before", "after"]
_TINY_COUNT = 1e-12


class RunningBatchNorm(nn.Module):
    """Batch norm that uses running sums in training as well (arXiv:2107.02119, architecture section).

    The channels' sums, sums of squares and element counts are lerped from zero towards those of each training
    batch, and training and evaluation both normalise with the resulting mean and variance. As all three start at
    zero their ratios are unbiased from the first batch on. The weight of a batch depends on its size, so results
    depend on the batch size. The newest batch's part of the statistics keeps its gradient.

    Parameters
    ----------
    channels : int
    swish : {"none", "before", "after"}
        SiLU applied to the input, or to the output, in the same pass.
    momentum, eps : float
    warm_up : int
        Until so many events have been seen the variance is at least 0.01.

    Notes
    -----
    Input (B, C, ...), any number of trailing dimensions. Half-precision input (autocast) is computed with in float32
    and gives half precision again; the running sums stay float32.

    The backward pass is written out, which keeps the input only. A compiler sees the same as plain operations: it
    fuses those, with what comes before and after, but cannot look into a function with a backward pass of its own.
    """

    sums: Tensor
    square_sums: Tensor
    count: Tensor
    events: Tensor

    def __init__(
        self,
        channels: int,
        swish: Swish = "none",
        *,
        momentum: float = 0.1,
        eps: float = 1e-5,
        warm_up: int = 20,
    ) -> None:
        super().__init__()
        self.swish: Swish = swish
        self.momentum = momentum
        self.eps = eps
        self.warm_up = warm_up
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("sums", torch.zeros(channels))
        self.register_buffer("square_sums", torch.zeros(channels))
        # One number serves all channels: they have the same number of elements.
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("events", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x``, shape (B, C, ...), and update the running sums in training mode."""
        if torch.compiler.is_compiling():
            return self.plain(x)
        activated = None
        if self.swish == "before":
            activated = silu(x.detach())
        share = self._update(x.detach() if activated is None else activated) if self.training else None
        mean, variance, free = self._moments()
        inverse = (variance + self.eps).rsqrt()
        # torch does not annotate Function.apply
        y: Tensor = _Normalise.apply(  # type: ignore[no-untyped-call]
            x, activated, self.weight, self.bias, mean, inverse, free, share, self.swish
        )
        return y

    def plain(self, x: Tensor) -> Tensor:
        """Return the same as :meth:`forward`, up to rounding, in operations whose gradients torch knows."""
        u = at_least_float32(x)
        if self.swish == "before":
            u = silu(u)
        seen = _copy(self.sums, self.square_sums, self.count, self.events)
        sums, square_sums = seen[: len(self.sums)], seen[len(self.sums) : -2]
        count, events = seen[-2], seen[-1]
        if self.training:
            newest = self._weight_of(len(x))
            over = [axis for axis in range(x.ndim) if axis != 1]
            sums = torch.lerp(sums, u.sum(over), newest)
            square_sums = torch.lerp(square_sums, u.square().sum(over), newest)
            count = torch.lerp(count, torch.full_like(count, x.numel() // x.shape[1]), newest)
            events = events + len(x)
            with torch.no_grad():
                self.sums.copy_(sums)
                self.square_sums.copy_(square_sums)
                self.count.copy_(count)
                self.events.add_(len(x))
        count = count.clamp(min=_TINY_COUNT)
        mean = sums / count
        free = square_sums / count - mean.square()
        least = torch.where(events < self.warm_up, 0.01, 0.0).to(free)
        scale = self.weight * (torch.where(free >= least, free, least) + self.eps).rsqrt()
        y = u * _channelwise(scale, x) + _channelwise(self.bias - mean * scale, x)
        return (silu(y) if self.swish == "after" else y).to(x.dtype)

    def _weight_of(self, n_events: int) -> float:
        """Return the weight of a training batch in the running sums."""
        if n_events < 2:
            raise ValueError("running batch norm needs at least two events in a training batch")
        return 1 - (1 - self.momentum) / math.sqrt(n_events - 1 + self.eps)

    @torch.no_grad()
    def _update(self, x: Tensor) -> Tensor:
        """Move the sums towards those of the batch; return the weight of one element in the new mean."""
        newest = self._weight_of(len(x))
        x = at_least_float32(x)
        over = [axis for axis in range(x.ndim) if axis != 1]
        self.sums.lerp_(x.sum(over), newest)
        self.square_sums.lerp_(x.square().sum(over), newest)
        self.count.lerp_(torch.full_like(self.count, x.numel() // x.shape[1]), newest)
        self.events += len(x)
        return newest / self.count

    @torch.no_grad()
    def _moments(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean and variance of each channel, and where the variance follows the batch (is not clamped)."""
        count = self.count.clamp(min=_TINY_COUNT)
        mean = self.sums / count
        free = self.square_sums / count - mean.square()
        # Rounding can make the difference negative, which would end in NaN.
        variance = torch.maximum(free, torch.where(self.events < self.warm_up, 0.01, 0.0).to(free))
        return mean, variance, variance == free


@torch.library.custom_op("hitforge::running_sums", mutates_args=())
def _copy(sums: Tensor, square_sums: Tensor, count: Tensor, events: Tensor) -> Tensor:
    """Return the running sums before a batch in one tensor, shape (2 C + 2,).

    A compiler would leave the sums where they are, and compute the backward pass with what the forward pass has made
    of them since (torch 2.13). It cannot look into an operation of ours, and keeps what that returned.
    """
    return torch.cat([sums, square_sums, count.to(sums)[None], events.to(sums)[None]])


@_copy.register_fake
def _(sums: Tensor, square_sums: Tensor, count: Tensor, events: Tensor) -> Tensor:
    return sums.new_empty(2 * len(sums) + 2)


class _Normalise(torch.autograd.Function):
    """Scale, shift and SiLU. Only the input is kept for the backward pass, all else is computed again from it."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        activated: Tensor | None,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        inverse: Tensor,
        free: Tensor,
        share: Tensor | None,
        swish: Swish,
    ) -> Tensor:
        ctx.swish = swish
        ctx.save_for_backward(x, weight, bias, mean, inverse, free, share)
        y = _affine(x if activated is None else activated, weight * inverse, bias - mean * weight * inverse)
        return (silu(y, inplace=True) if swish == "after" else y).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients, with u the normalised variable and c the batch's weight per element (share).

        d mean / d u_i = c and d variance / d u_i = 2 c (u_i - mean), hence with the sums T = sum g and
        A = sum g (u - mean) / sigma:  d u_i = gamma / sigma * (g_i - c T - c A (u_i - mean) / sigma).
        """
        kept, weight, bias, mean, inverse, free, share = ctx.saved_tensors
        x, g = at_least_float32(kept), at_least_float32(g)
        scale = weight * inverse
        u = silu(x) if ctx.swish == "before" else x
        if ctx.swish == "after":
            g = torch.ops.aten.silu_backward(g, _affine(x, scale, bias - mean * scale))
        over = [axis for axis in range(x.ndim) if axis != 1]
        total = g.sum(over)
        along = ((g * u).sum(over) - mean * total) * inverse
        if share is None:
            grad = g * _channelwise(scale, x)
        else:
            slope = torch.where(free, -scale * share * along * inverse, 0.0)
            grad = _affine(u, slope, -scale * share * total - slope * mean).addcmul_(g, _channelwise(scale, x))
        if ctx.swish == "before":
            grad = torch.ops.aten.silu_backward(grad, x)
        return grad.to(kept.dtype), None, along, total, None, None, None, None, None


def at_least_float32(x: Tensor) -> Tensor:
    """Return ``x`` itself, or half precision as float32."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _channelwise(values: Tensor, like: Tensor) -> Tensor:
    return values.view([-1] + [1] * (like.ndim - 2))


def _affine(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return torch.addcmul(_channelwise(shift, x), x, _channelwise(scale, x))
