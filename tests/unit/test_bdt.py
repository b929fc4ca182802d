from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xgboost

from hitforge.bdt import (
    TrainedTrees,
    TreeData,
    _HuberObjective,
    importances,
    load_trees,
    loss_weight,
    predict_trees,
    save_trees,
    train_trees,
    weighted_loss,
)
from hitforge.bdt_settings import SearchRange, TreeSettings, TuneSettings

NAMES = ["sum", "moment", "noise"]
SETTINGS = TreeSettings(
    target_power=-1, rounds=120, early_stopping_rounds=8, max_depth=4, eta=0.2, min_child_weight=5.0
)


def events(n: int, seed: int) -> TreeData:
    """Events of 50-8000 GeV with one feature that measures the target to 25 %, one weak one and noise."""
    rng = np.random.default_rng(seed)
    target = rng.uniform(50.0, 8000.0, n)
    features = np.stack(
        [
            target * np.maximum(rng.normal(1.0, 0.25, n), 0.05) / 1000,
            np.log(target) + rng.normal(size=n),
            rng.normal(size=n),
        ],
        axis=1,
    )
    weight = 1.0 / (1.0 + np.exp((target - 5000.0) / 400.0))
    return TreeData(features.astype(np.float32), target.astype(np.float32), weight.astype(np.float32))


TRAIN, MONITOR = events(3000, 1), events(800, 2)


@pytest.fixture(scope="module")
def trained() -> TrainedTrees:
    return train_trees(TRAIN, MONITOR, NAMES, SETTINGS, seed=3)


def test_training_learns_and_stops_at_the_best_round(trained: TrainedTrees) -> None:
    history = trained.history
    monitor = history["monitor"]
    assert history["best_round"] == int(np.argmin(monitor)) == trained.booster.num_boosted_rounds() - 1
    assert len(monitor) == min(history["best_round"] + 1 + SETTINGS.early_stopping_rounds, SETTINGS.rounds)
    constant = np.full(len(MONITOR), history["base_score"])
    assert history["best_loss"] < 0.3 * weighted_loss(constant, MONITOR, SETTINGS)
    assert 10 < history["best_round"] < SETTINGS.rounds


def test_history_is_the_paper_loss_of_the_saved_booster(trained: TrainedTrees) -> None:
    predicted = predict_trees(trained.booster, MONITOR.features, NAMES).astype(float)
    weight, target = MONITOR.weight.astype(float), MONITOR.target.astype(float)
    by_hand = sum(w * (y - p) ** 2 / y for w, y, p in zip(weight, target, predicted, strict=True)) / len(MONITOR)
    assert trained.history["best_loss"] == pytest.approx(by_hand, rel=1e-5)
    assert weighted_loss(predicted, MONITOR, SETTINGS) == pytest.approx(by_hand)


def test_golden_plain_weighted_loss() -> None:
    """Three muons by hand: w (y - y_hat)^2 / y, without thresholds."""
    target = np.array([100.0, 1000.0, 5000.0])
    predicted = np.array([150.0, 1500.0, 9000.0])
    weight = np.array([1.0, 0.9999984, 0.5])
    data = TreeData(np.zeros((3, 1)), target, weight)
    assert weighted_loss(predicted, data, TreeSettings(target_power=-1)) == pytest.approx(
        (25.0 + 0.9999984 * 250.0 + 1600.0) / 3
    )
    np.testing.assert_allclose(loss_weight(data, TreeSettings(objective="squared")), weight)


def test_base_score_is_the_weighted_mean(trained: TrainedTrees) -> None:
    weight = TRAIN.weight.astype(float)
    expected = weight.sum() / (weight / TRAIN.target).sum()
    assert trained.history["base_score"] == pytest.approx(expected)


def test_small_raw_weights_still_split() -> None:
    """Without the scaling, Hessian sums of w / y stay below min_child_weight and every tree is one leaf."""
    tiny = TreeData(TRAIN.features, TRAIN.target, TRAIN.weight * 1e-6)
    fitted = train_trees(tiny, MONITOR, NAMES, SETTINGS, seed=3)
    assert max(len(tree.splitlines()) for tree in fitted.booster.get_dump()) > 10


def test_training_repeats_to_the_byte(trained: TrainedTrees) -> None:
    again = train_trees(TRAIN, MONITOR, NAMES, SETTINGS, seed=3)
    assert again.booster.save_raw("ubj") == trained.booster.save_raw("ubj")
    assert again.history == trained.history
    sampled = SETTINGS.model_copy(update={"subsample": 0.7})
    first, other = (train_trees(TRAIN, MONITOR, NAMES, sampled, seed=seed).booster for seed in (1, 2))
    assert first.save_raw("ubj") != other.save_raw("ubj")


def test_file_round_trip(trained: TrainedTrees, tmp_path: Path) -> None:
    path = tmp_path / "trees_0.ubj"
    save_trees(trained.booster, path)
    loaded = load_trees(path)
    assert [p.name for p in tmp_path.iterdir()] == ["trees_0.ubj"]
    expected = predict_trees(trained.booster, MONITOR.features, NAMES)
    assert expected.dtype == np.float32
    np.testing.assert_array_equal(predict_trees(loaded, MONITOR.features, NAMES), expected)
    np.testing.assert_array_equal(predict_trees(loaded, MONITOR.features, NAMES, threads=2), expected)
    matrix = xgboost.DMatrix(MONITOR.features, feature_names=NAMES)
    np.testing.assert_allclose(loaded.predict(matrix), expected, rtol=1e-6)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "trees_0.ubj"
    path.write_bytes(b"{not a booster")
    with pytest.raises(ValueError, match=r"trees_0\.ubj is not a booster"):
        load_trees(path)


def test_other_features_are_an_error(trained: TrainedTrees) -> None:
    with pytest.raises(ValueError, match="same feature set"):
        predict_trees(trained.booster, MONITOR.features, ["moment", "sum", "noise"])


def test_importances_name_every_feature(trained: TrainedTrees) -> None:
    rows = importances(trained.booster)
    assert rows[0]["feature"] == "sum" and {row["feature"] for row in rows} == set(NAMES)
    assert rows[0]["gain"] >= rows[1]["gain"] >= rows[2]["gain"] and rows[0]["weight"] > 0


def test_squared_objective_takes_any_target() -> None:
    settings = SETTINGS.model_copy(update={"target_power": 0.0})
    shifted, monitor = (TreeData(d.features, d.target - 4000.0, d.weight) for d in (TRAIN, MONITOR))
    fitted = train_trees(shifted, monitor, NAMES, settings, seed=3)
    predicted = predict_trees(fitted.booster, MONITOR.features, NAMES)
    assert np.corrcoef(predicted, monitor.target)[0, 1] > 0.8


def test_huberised_objective_resists_outliers() -> None:
    rng = np.random.default_rng(5)
    outlier = rng.random(len(TRAIN)) < 0.1
    features = TRAIN.features.copy()
    features[outlier, 0] *= 8.0
    spoiled = TreeData(features, TRAIN.target, TRAIN.weight)
    predictions = {}
    for objective in ("squared", "huberised"):
        settings = TreeSettings.model_validate(SETTINGS.model_dump() | {"objective": objective})
        fitted = train_trees(spoiled, MONITOR, NAMES, settings, seed=3)
        assert np.isfinite(fitted.history["best_loss"])
        predictions[objective] = predict_trees(fitted.booster, MONITOR.features, NAMES)
    assert np.all(np.isfinite(predictions["huberised"]))
    constant = np.full(len(MONITOR), 1000.0)
    assert weighted_loss(predictions["huberised"], MONITOR, SETTINGS) < 0.5 * weighted_loss(constant, MONITOR, SETTINGS)


def test_huber_loss_golden_and_gradient() -> None:
    """First call of the loss golden: thresholds per bin, and a gradient that is the derivative of the loss."""
    target = np.array([100, 200, 400, 1000, 1600, 2000, 3000, 4000, 5000, 7000], dtype=np.float64)
    predicted = np.array([150, 100, 700, 1500, 1000, 2500, 2000, 4100, 9000, 6000], dtype=np.float64)
    matrix = xgboost.DMatrix(np.zeros((10, 1)), label=target, weight=1 / target)
    huber = _HuberObjective(TreeSettings(objective="huberised", target_power=-1))
    gradient, hessian = huber(predicted, matrix)
    np.testing.assert_allclose(huber._thresholds, [2.5e5, 1.0e6, 1.0e4, 1.6e7, 1.0e6])

    def total(p: np.ndarray) -> float:
        return float(np.sum(huber.loss((p - target) ** 2, target) / target))

    assert total(predicted) / 10 == pytest.approx(457.244080, rel=1e-6)
    for i in (0, 2, 4, 5):
        step = np.zeros(10)
        step[i] = 1e-3
        numeric = (total(predicted + step) - total(predicted - step)) / 2e-3
        assert 2 * gradient[i] == pytest.approx(numeric, rel=1e-5)
    assert np.all(hessian > 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": np.array([1.0, -1.0])}, "positive targets"),
        ({"weight": np.array([1.0, -1.0])}, "not negative"),
        ({"weight": np.zeros(2)}, "weights are zero"),
        ({"features": np.zeros((2, 2))}, "3 names"),
        ({"target": np.array([1.0, np.nan])}, "finite"),
    ],
)
def test_bad_events_are_named(change: dict[str, np.ndarray], message: str) -> None:
    arrays = {"features": np.zeros((2, 3)), "target": np.ones(2), "weight": np.ones(2)} | change
    with pytest.raises(ValueError, match=message):
        train_trees(TreeData(**arrays), MONITOR, NAMES, SETTINGS, seed=1)
    with pytest.raises(ValueError, match=message):
        train_trees(TRAIN, TreeData(**arrays), NAMES, SETTINGS, seed=1)


def test_no_events_are_an_error() -> None:
    nothing = TreeData(np.zeros((0, 3)), np.zeros(0), np.zeros(0))
    with pytest.raises(ValueError, match="no monitoring events"):
        train_trees(TRAIN, nothing, NAMES, SETTINGS, seed=1)


def test_search_ranges_are_checked() -> None:
    assert list(TuneSettings().ranges()) == sorted(TuneSettings().ranges())
    with pytest.raises(ValueError, match="must lie below"):
        SearchRange(low=2.0, high=1.0)
    with pytest.raises(ValueError, match="low > 0"):
        SearchRange(low=0.0, high=1.0, log=True)
    with pytest.raises(ValueError, match="subsample"):
        TuneSettings(subsample=SearchRange(low=0.5, high=1.5))
    with pytest.raises(ValueError, match="whole numbers"):
        TuneSettings(max_depth=SearchRange(low=2.5, high=6))
    none = dict.fromkeys(TuneSettings().ranges())
    with pytest.raises(ValueError, match="no hyper-parameter"):
        TuneSettings.model_validate(none)


@pytest.mark.parametrize("power", [-1.0, 0.0, 1.0])
def test_the_power_of_the_target_weighs_the_squared_error(power: float) -> None:
    settings = SETTINGS.model_copy(update={"target_power": power})
    fitted = train_trees(TRAIN, MONITOR, NAMES, settings, seed=3)
    predicted = predict_trees(fitted.booster, MONITOR.features, NAMES).astype(float)
    target = MONITOR.target.astype(float)
    by_hand = np.mean(MONITOR.weight * target**power * (predicted - target) ** 2)
    assert fitted.history["best_loss"] == pytest.approx(by_hand, rel=1e-4)


def test_the_logarithm_is_learnt_and_the_target_predicted(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"objective": "log", "target_power": 0.0})
    save_trees(train_trees(TRAIN, MONITOR, NAMES, settings, seed=3).booster, tmp_path / "booster.ubj")
    fitted = train_trees(TRAIN, MONITOR, NAMES, settings, seed=3)
    predicted = predict_trees(load_trees(tmp_path / "booster.ubj"), MONITOR.features, NAMES).astype(float)
    by_hand = np.mean(MONITOR.weight * (np.log(predicted) - np.log(MONITOR.target)) ** 2)
    assert fitted.history["best_loss"] == pytest.approx(by_hand, rel=1e-4)
    assert np.corrcoef(np.log(predicted), np.log(MONITOR.target))[0, 1] > 0.8


def test_the_round_can_be_chosen_by_information() -> None:
    settings = SETTINGS.model_copy(update={"monitor": "information"})
    history = train_trees(TRAIN, MONITOR, NAMES, settings, seed=3).history
    assert history["best_round"] == int(np.argmax(history["information"]))
    assert history["best_loss"] == history["monitor"][history["best_round"]]
    assert 1.0 < max(history["information"]) < 2.0
