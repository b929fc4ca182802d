"""Running batch norm and the fast convolution: golden values, analytic gradients, limits."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from hitforge.studies.calo_muon.models.networks import convolution
from hitforge.studies.calo_muon.models.networks.convolution import FastConv3d, MeanConv3d
from hitforge.studies.calo_muon.models.networks.running_norm import RunningBatchNorm, Swish
from tests import goldens

SWISH: tuple[Swish, ...] = ("none", "before", "after")


def test_golden_values() -> None:
    for name, value, golden in goldens.running_norm(torch.device("cpu")):
        assert value.tolist() == pytest.approx(golden, rel=1e-6), name


def test_one_batch_equals_nominal_batch_norm() -> None:
    # All sums start at zero, so after one batch their ratios are that batch's mean and variance.
    x = torch.randn(24, 3, 4, 5, 2)
    torch.testing.assert_close(RunningBatchNorm(3)(x), nn.BatchNorm3d(3)(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 3), (3, 2, 5), (3, 2, 2, 3, 2)])
@pytest.mark.parametrize("swish", SWISH)
@pytest.mark.parametrize("state", ["first batch", "later batch", "clamped", "evaluation"])
def test_gradients(shape: tuple[int, ...], swish: Swish, state: str) -> None:
    torch.manual_seed(1)
    norm = RunningBatchNorm(shape[1], swish).double()
    x = torch.randn(shape, dtype=torch.double)
    if state != "first batch":
        norm(torch.randn(shape, dtype=torch.double) * 2 + 1)
        norm.events += 100
    if state == "clamped":
        norm.events.zero_()
        norm.square_sums.zero_()
        norm.sums.zero_()
        norm.count.zero_()
        x = 1e-3 * x
    norm.train(state != "evaluation")
    if x.ndim == 5:
        x = x.contiguous(memory_format=torch.channels_last_3d)

    def run(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        fresh = copy.deepcopy(norm)  # the running sums must not move between the evaluations of the check
        return torch.func.functional_call(fresh, {"weight": weight, "bias": bias}, x)

    weight = torch.randn(shape[1], dtype=torch.double, requires_grad=True)
    bias = torch.randn(shape[1], dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(run, (x.requires_grad_(), weight, bias))


def test_evaluation_keeps_the_state_and_matches_the_last_training_batch() -> None:
    norm = RunningBatchNorm(2, "after")
    x = torch.randn(32, 2, 7)
    trained = norm(x)
    before = copy.deepcopy(norm.state_dict())
    norm.eval()
    torch.testing.assert_close(norm(x), trained, rtol=0, atol=0)
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())


def test_one_event_is_refused_in_training_only() -> None:
    norm = RunningBatchNorm(2)
    with pytest.raises(ValueError, match="at least two events"):
        norm(torch.randn(1, 2, 3))
    norm.eval()
    assert torch.isfinite(norm(torch.randn(1, 2, 3))).all()


def test_constant_input_stays_finite() -> None:
    # Q/K - mean^2 of a large constant rounds to a small number of either sign.
    norm = RunningBatchNorm(1, "after")
    for value in torch.linspace(1e3, 1.1e3, 20):
        x = torch.full((32, 1, 9), value.item(), requires_grad=True)
        y = norm(x)
        y.sum().backward()
        assert torch.isfinite(y).all()
        assert x.grad is not None
        assert torch.isfinite(x.grad).all()


def test_half_precision_passes_through_and_the_moments_stay_float32() -> None:
    torch.manual_seed(4)
    norm, wide = RunningBatchNorm(3, "after"), RunningBatchNorm(3, "after")
    x = torch.randn(16, 3, 50, dtype=torch.bfloat16, requires_grad=True)
    y = norm(x)
    reference = x.detach().float().requires_grad_()
    expected = wide(reference)
    assert y.dtype == torch.bfloat16
    assert norm.sums.dtype == norm.square_sums.dtype == norm.count.dtype == torch.float32
    torch.testing.assert_close(norm.state_dict(), wide.state_dict(), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(y.float(), expected, rtol=2**-8, atol=1e-3)
    slope = torch.linspace(-1, 1, 50)
    (y * slope.bfloat16()).float().sum().backward()
    (expected * slope.bfloat16().float()).sum().backward()
    assert x.grad is not None and x.grad.dtype == torch.bfloat16 and reference.grad is not None
    torch.testing.assert_close(x.grad.float(), reference.grad, rtol=2**-6, atol=1e-2)


@pytest.mark.parametrize("swish", SWISH)
@pytest.mark.parametrize("state", ["first batch", "later batch", "clamped", "evaluation"])
def test_what_a_compiler_sees_equals_the_analytic_backward(swish: Swish, state: str) -> None:
    torch.manual_seed(5)
    analytic = RunningBatchNorm(3, swish).double()
    if state in ("later batch", "evaluation"):
        analytic(torch.randn(4, 3, 6, dtype=torch.double) * 2 + 1)
        analytic.events += 100
    analytic.train(state != "evaluation")
    plain = copy.deepcopy(analytic)
    x = torch.randn(4, 3, 6, dtype=torch.double) * (1e-3 if state == "clamped" else 1)
    slope = torch.randn(4, 3, 6, dtype=torch.double)
    leaves, outputs = [], []
    for forward in (analytic, plain.plain):
        leaf = x.clone().requires_grad_()
        outputs.append(forward(leaf))
        (outputs[-1] * slope).sum().backward()
        leaves.append(leaf.grad)
    # sums are taken in another order
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(leaves[1], leaves[0], rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(plain.weight.grad, analytic.weight.grad, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(plain.bias.grad, analytic.bias.grad, rtol=1e-9, atol=1e-9)
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in analytic.state_dict().items())


@pytest.mark.parametrize(("kernel", "stride", "size"), [(3, 1, 5), (4, 2, 6), (4, 2, 5)])
def test_fast_convolution_equals_the_library(
    monkeypatch: pytest.MonkeyPatch, kernel: int, stride: int, size: int
) -> None:
    monkeypatch.setattr(convolution, "_LIBRARY_IS_FAST", False)
    torch.manual_seed(2)
    fast = FastConv3d(16, 18, kernel, stride, kernel // 2, bias=False)
    plain = nn.Conv3d(16, 18, kernel, stride, kernel // 2, bias=False)
    plain.load_state_dict(fast.state_dict())
    x = torch.randn(3, 16, size, size + 1, size)
    gradients = []
    for layer in (fast, plain):
        leaf = x.clone().requires_grad_()
        y = layer(leaf)
        y.backward(torch.cos(torch.arange(y.numel(), dtype=torch.float32)).view_as(y))
        gradients.append((y, leaf.grad, layer.weight.grad))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_fast_convolution_gradcheck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "_LIBRARY_IS_FAST", False)
    torch.manual_seed(3)
    layer = FastConv3d(16, 16, 4, 2, 2, bias=False).double()
    x = torch.randn(2, 16, 3, 2, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,), fast_mode=True)
    assert torch.autograd.gradcheck(
        lambda w: torch.func.functional_call(layer, {"weight": w}, x), (layer.weight,), fast_mode=True
    )


@pytest.mark.parametrize("bias", [True, False])
def test_mean_convolution_equals_pooling_and_convolution(bias: bool) -> None:
    torch.manual_seed(4)
    layer = MeanConv3d(3, 5, bias)
    plain = nn.Sequential(nn.AvgPool3d(2, 2, padding=1), nn.Conv3d(3, 5, 1, bias=bias))
    plain[1].load_state_dict(layer.state_dict())
    gradients = []
    for module, weight in ((layer, layer.weight), (plain, plain[1].weight)):
        x = torch.linspace(-2, 3, 2 * 3 * 6 * 5 * 4).view(2, 3, 6, 5, 4).sin().requires_grad_()
        y = module(x)
        y.backward(torch.cos(torch.arange(y.numel(), dtype=torch.float32)).view_as(y))
        gradients.append((y, x.grad, weight.grad))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
