"""Objectives for probabilities, classes and quantiles: losses by hand, and boosters that reach what they aim at."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from hitforge.bdt import TreeData, predict_trees, train_trees, weighted_loss
from hitforge.bdt_objectives import event_losses, relative_derivatives
from hitforge.bdt_settings import TreeSettings

NAMES = ["x", "noise"]


def settings(objective: str, **changes: object) -> TreeSettings:
    common = {"rounds": 40, "early_stopping_rounds": 5, "max_depth": 3, "eta": 0.3, "max_bin": 32}
    return TreeSettings.model_validate({"objective": objective, **common, **changes})


def data(n: int, seed: int, label: str) -> TreeData:
    rng = np.random.default_rng(seed)
    features = rng.uniform(-1, 1, (n, 2)).astype(np.float32)
    noisy = features[:, 0] + rng.normal(0, 0.3, n)
    target: NDArray[np.floating] = noisy
    if label == "sign":
        target = (noisy > 0).astype(np.float64)
    elif label == "class":
        target = np.digitize(noisy, [-0.5, 0.5]).astype(np.float64)
    return TreeData(features, target, np.ones(n))


def test_losses_by_hand() -> None:
    found = event_losses(np.array([0.8, 0.8]), np.array([1, 0]), settings("logistic"))
    np.testing.assert_allclose(found, [-math.log(0.8), -math.log(0.2)])
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    found = event_losses(probabilities, np.array([0, 1]), settings("softprob", classes=3))
    np.testing.assert_allclose(found, [-math.log(0.7), -math.log(0.1)])
    quantiles = np.array([[1.0, 3.0]])
    found = event_losses(quantiles, np.array([2.0]), settings("quantile", quantiles=[0.25, 0.75]))
    np.testing.assert_allclose(found, [0.25 * 1 + 0.25 * 1])


def test_probability_of_one() -> None:
    trained = train_trees(data(2000, 1, "sign"), data(500, 2, "sign"), NAMES, settings("logistic"), seed=1)
    test = data(4000, 3, "sign")
    probability = predict_trees(trained.booster, test.features, NAMES)
    assert probability.shape == (4000,) and probability.min() >= 0 and probability.max() <= 1
    # calibrated: of the events with some probability that fraction are ones
    for low, high in pairwise([0.0, 0.3, 0.7, 1.0]):
        inside = (probability >= low) & (probability < high)
        assert test.target[inside].mean() == pytest.approx(probability[inside].mean(), abs=0.06)
    assert trained.history["best_loss"] < 0.75 * math.log(2)


def test_probabilities_of_classes() -> None:
    chosen = settings("softprob", classes=3)
    trained = train_trees(data(2000, 1, "class"), data(500, 2, "class"), NAMES, chosen, seed=1)
    test = data(2000, 3, "class")
    found = predict_trees(trained.booster, test.features, NAMES)
    assert found.shape == (2000, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert (found.argmax(axis=1) == test.target).mean() > 0.7
    monitor = data(500, 2, "class")
    own = weighted_loss(predict_trees(trained.booster, monitor.features, NAMES), monitor, chosen)
    assert trained.history["best_loss"] == pytest.approx(own, rel=1e-4)


def test_quantiles_cover_what_they_say() -> None:
    chosen = settings("quantile", quantiles=[0.16, 0.5, 0.84], rounds=80)
    trained = train_trees(data(4000, 1, "value"), data(1000, 2, "value"), NAMES, chosen, seed=1)
    test = data(4000, 3, "value")
    found = predict_trees(trained.booster, test.features, NAMES)
    assert found.shape == (4000, 3)
    np.testing.assert_allclose((test.target[:, None] < found).mean(axis=0), [0.16, 0.5, 0.84], atol=0.04)


@pytest.mark.parametrize(("objective", "message"), [("logistic", "0 and 1"), ("softprob", "from 0 to 1")])
def test_foreign_labels_are_refused(objective: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train_trees(data(100, 1, "value"), data(100, 2, "value"), NAMES, settings(objective), seed=1)


def test_a_sample_is_a_part_of_the_events_in_order() -> None:
    whole = data(100, 1, "value")
    few = whole.sample(30, seed=2)
    places = [int(np.flatnonzero(whole.target == value)[0]) for value in few.target]
    assert len(few) == 30 and places == sorted(set(places))
    np.testing.assert_array_equal(few.features, whole.features[places])
    assert whole.sample(None, seed=2) is whole and whole.sample(100, seed=2) is whole


def test_relative_derivatives_are_those_of_the_loss() -> None:
    rng = np.random.default_rng(5)
    label, prediction = rng.uniform(0.2, 2.0, 40), rng.uniform(0.2, 2.0, 40)
    settings = TreeSettings(objective="relative")
    step = 1e-4
    below, here, above = (event_losses(prediction + shift, label, settings) for shift in (-step, 0.0, step))
    gradient, hessian = relative_derivatives(prediction, label)
    np.testing.assert_allclose(gradient, (above - below) / (2 * step), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(hessian, (above - 2 * here + below) / step**2, rtol=1e-5)
    # the same as ((E_predicted - E_true) / E_true)^2 for any reconstructed energy
    energy = rng.uniform(1.0, 100.0, 40)
    np.testing.assert_allclose(here, ((prediction * energy - label * energy) / (label * energy)) ** 2)


def test_a_booster_of_the_relative_loss_finds_its_minimum() -> None:
    """A constant feature leaves a constant prediction: E[1/y] / E[1/y^2] minimises the relative loss."""
    rng = np.random.default_rng(6)
    label, weight = rng.uniform(0.5, 2.0, 400), rng.uniform(0.5, 1.5, 400)
    data = TreeData(np.zeros((400, 1), np.float32), label, weight)
    settings = TreeSettings(objective="relative", rounds=60, eta=0.5, reg_lambda=0.0, max_depth=1)
    found = train_trees(data, data, ["constant"], settings, seed=1)
    assert found.history["base_score"] == pytest.approx(np.median(label))
    predicted = predict_trees(found.booster, data.features, ["constant"])
    expected = (weight / label).sum() / (weight / label**2).sum()
    np.testing.assert_allclose(predicted, expected, rtol=1e-3)  # the loss is flat in float32 closer to its minimum
