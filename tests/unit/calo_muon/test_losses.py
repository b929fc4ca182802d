"""Huberised fractional loss: golden values, variants, state."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from hitforge.studies.calo_muon.models.losses import HuberisedLoss
from hitforge.studies.calo_muon.settings import LossSettings
from tests import goldens
from tests.goldens import PREDICTION, TARGET


def make(**settings: object) -> HuberisedLoss:
    return HuberisedLoss(LossSettings.model_validate(settings))


def test_golden_values() -> None:
    for name, value, golden in goldens.huberised_loss(torch.device("cpu")):
        assert value.tolist() == pytest.approx(golden, rel=1e-6), name


def slow_thresholds(prediction: Tensor, target: Tensor, edges: tuple[float, ...]) -> list[float]:
    found = []
    for low, high in itertools.pairwise(edges):
        inside = sorted(((p - t) ** 2).item() for p, t in zip(prediction, target, strict=True) if low <= t < high)
        found.append(inside[round(0.68 * (len(inside) - 1))] if inside else -1.0)
    return found


@pytest.mark.parametrize("n", [1, 2, 7, 26, 60])
def test_quantiles_match_a_loop(n: int) -> None:
    # 26 events in one bin give 0.68 * 25 = 17 exactly; other sizes meet the half-to-even rule.
    torch.manual_seed(n)
    target = 50 + 1500 * torch.rand(n)
    target[::3] = 8000 * torch.rand(len(target[::3]))
    prediction = target + 100 * torch.randn(n)
    loss = make()
    loss(prediction, target)
    expected = slow_thresholds(prediction, target, loss.settings.bin_edges)
    assert loss.thresholds.tolist() == pytest.approx(expected, rel=1e-6)


def test_targets_outside_the_bins_stay_squared() -> None:
    target = torch.tensor([20.0, 8000.0, 9000.0])
    prediction = target + 1000
    values = make().per_event(prediction, target)
    torch.testing.assert_close(values, 1e6 / target)


def test_edges_are_left_closed() -> None:
    loss = make()
    loss(torch.tensor([60.0, 1645.0]), torch.tensor([50.0, 1640.0]))
    assert loss.thresholds.tolist() == [100.0, 25.0, -1.0, -1.0, -1.0]


def test_without_huber_it_is_the_weighted_mfse() -> None:
    weight = torch.rand(10)
    expected = (weight * (PREDICTION - TARGET) ** 2 / TARGET).mean()
    torch.testing.assert_close(make(huber="off")(PREDICTION, TARGET, weight), expected)
    torch.testing.assert_close(
        make(huber="off", target_power=0)(PREDICTION, TARGET), ((PREDICTION - TARGET) ** 2).mean()
    )
    unweighted = make(huber="off", weighted=False)
    torch.testing.assert_close(unweighted(PREDICTION, TARGET, weight), unweighted(PREDICTION, TARGET))


def test_batchwise_thresholds_have_no_memory() -> None:
    loss = make(huber="batchwise")
    loss(1.5 * PREDICTION, TARGET)
    assert loss(PREDICTION, TARGET).item() == pytest.approx(457.244080, rel=1e-6)


def test_single_bin() -> None:
    loss = make(bin_edges=(50.0, 8000.0))
    loss(PREDICTION, TARGET)
    assert loss.thresholds.tolist() == pytest.approx(slow_thresholds(PREDICTION, TARGET, (50.0, 8000.0)))


def test_fixed_thresholds_freeze_after_the_first_epoch() -> None:
    loss = make(huber="fixed")
    running = make()
    for variant in (loss, running):
        variant(PREDICTION, TARGET)
        variant(1.1 * PREDICTION, TARGET)
        variant.end_of_epoch(0)
    assert torch.equal(loss.thresholds, running.thresholds)
    before = loss.thresholds.clone()
    for variant in (loss, running):
        variant(1.3 * PREDICTION, TARGET)
    assert torch.equal(loss.thresholds, before)
    assert not torch.equal(running.thresholds, before)
    resumed = make(huber="fixed")
    resumed.load_state_dict(loss.state_dict())
    resumed(1.3 * PREDICTION, TARGET)
    assert torch.equal(resumed.thresholds, before)


@pytest.mark.parametrize("moves", [False, True])
def test_validation_moves_thresholds_only_on_request(moves: bool) -> None:
    loss = make(update_in_validation=moves)
    loss(PREDICTION, TARGET)
    before = loss.thresholds.clone()
    loss.eval()
    loss(1.1 * PREDICTION, TARGET)
    assert torch.equal(loss.thresholds, before) != moves


def test_evaluation_without_thresholds_is_squared() -> None:
    loss = make().eval()
    torch.testing.assert_close(loss(PREDICTION, TARGET), make(huber="off")(PREDICTION, TARGET))


def test_gradient_is_linear_beyond_the_threshold() -> None:
    loss = make()
    prediction = PREDICTION.clone().requires_grad_()
    loss(prediction, TARGET).backward()
    assert prediction.grad is not None
    distance = PREDICTION - TARGET
    index = torch.bucketize(TARGET, loss.edges, right=True) - 1
    bound = loss.thresholds[index].sqrt()
    expected = 2 * distance.clamp(-bound, bound) / TARGET / 10
    torch.testing.assert_close(prediction.grad, expected)
    outside = torch.tensor([9500.0], requires_grad=True)
    loss(outside, torch.tensor([9000.0])).backward()
    assert outside.grad is not None
    assert torch.isfinite(outside.grad).all()


def test_half_precision_predictions_are_computed_in_float32() -> None:
    assert make()(PREDICTION.half(), TARGET).dtype == torch.float32
