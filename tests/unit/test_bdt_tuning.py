from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from hitforge import bdt_tuning
from hitforge.bdt import predict_trees, train_trees, weighted_loss
from hitforge.bdt_settings import SearchRange, TreeSettings, TuneSettings
from hitforge.bdt_tuning import TuningInterruptedError, tune_trees
from tests.unit.test_bdt import NAMES, events

SETTINGS = TreeSettings(
    target_power=-1,
    rounds=25,
    early_stopping_rounds=5,
    max_bin=32,
    tune=TuneSettings(trials=8, startup_trials=4, gamma=None),
)
TRAIN, STOP, SCORE = events(600, 1), events(200, 2), events(200, 3)


def tune(path: Path, settings: TreeSettings = SETTINGS, seed: int = 11) -> tuple[TreeSettings, list[dict[str, Any]]]:
    return tune_trees([(TRAIN, SCORE)], STOP, NAMES, settings, seed, path)


def with_tune(**changes: Any) -> TreeSettings:
    assert SETTINGS.tune is not None
    return SETTINGS.model_copy(update={"tune": SETTINGS.tune.model_copy(update=changes)})


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> tuple[TreeSettings, list[dict[str, Any]], str]:
    path = tmp_path_factory.mktemp("straight") / "trials.json"
    best, trials = tune(path)
    return best, trials, path.read_text()


def test_trials_are_numbered_scored_and_within_range(straight: tuple[Any, ...]) -> None:
    best, trials, _ = straight
    assert [trial["number"] for trial in trials] == list(range(8))
    assert {trial["state"] for trial in trials} == {"complete"}
    assert set(trials[0]) == {"number", "params", "score", "best_round", "state", "losses"}
    assert all(3 <= trial["params"]["max_depth"] <= 10 for trial in trials)
    assert len({json.dumps(trial["params"]) for trial in trials}) == 8
    winner = min(trials, key=lambda trial: trial["score"])
    assert best.tune is None and best.rounds == SETTINGS.rounds
    assert all(getattr(best, name) == value for name, value in winner["params"].items())


def test_a_score_is_the_loss_on_the_scoring_events_only(straight: tuple[Any, ...]) -> None:
    best, trials, _ = straight
    fitted = train_trees(TRAIN, STOP, NAMES, best, bdt_tuning.child_seed(11, "tune", "fit"))
    predicted = predict_trees(fitted.booster, SCORE.features, NAMES)
    assert min(trial["score"] for trial in trials) == weighted_loss(predicted, SCORE, best)


@pytest.mark.parametrize("killed_in", [0, 3, 6])
def test_a_killed_search_continues_to_the_same_trials(
    killed_in: int, straight: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "trials.json"
    calls = 0

    def killed(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > killed_in:
            raise KeyboardInterrupt
        return train_trees(*args, **kwargs)

    monkeypatch.setattr(bdt_tuning, "train_trees", killed)
    with pytest.raises(KeyboardInterrupt):
        tune(path)
    monkeypatch.undo()
    best, trials = tune(path)
    assert (best, trials, path.read_text()) == straight


def test_a_finished_search_trains_nothing(
    straight: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "trials.json"
    path.write_text(straight[2])
    monkeypatch.delattr(bdt_tuning, "train_trees")
    assert tune(path) == straight[:2]
    # Fewer trials are the first ones, as if only they had been asked for.
    best, trials = tune(path, with_tune(trials=5))
    assert trials == straight[1][:5]
    assert best.eta == min(trials, key=lambda trial: trial["score"])["params"]["eta"]


def test_the_time_limit_stops_and_the_next_call_continues(straight: tuple[Any, ...], tmp_path: Path) -> None:
    path = tmp_path / "trials.json"
    hurried = with_tune(timeout_min=1e-9)
    for done in range(1, 8):
        with pytest.raises(TuningInterruptedError, match=f"{done} of 8"):
            tune(path, hurried)
    assert tune(path, hurried)[1] == straight[1]


def test_other_seed_or_data_start_again(
    straight: tuple[Any, ...], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "trials.json"
    path.write_text(straight[2])
    with caplog.at_level(logging.WARNING):
        _, trials = tune(path, with_tune(trials=2), seed=12)
    assert "search starts again" in caplog.text
    assert trials[0]["params"] != straight[1][0]["params"]


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    path = tmp_path / "trials.json"
    for text in ("{", "[]", "{}"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"trials\.json"):
            tune(path)


def test_only_given_ranges_are_searched_and_optuna_stays_quiet(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    none = dict.fromkeys(TuneSettings().ranges()) | {"gamma": SearchRange(low=0.0, high=1.0), "trials": 3}
    verbosity = optuna.logging.get_verbosity()
    settings = SETTINGS.model_copy(update={"tune": TuneSettings.model_validate(none)})
    best, trials = tune(tmp_path / "trials.json", settings)
    assert all(set(trial["params"]) == {"gamma"} for trial in trials)
    assert best.eta == SETTINGS.eta and 0.0 <= best.gamma <= 1.0
    assert capfd.readouterr().err == "" and optuna.logging.get_verbosity() == verbosity


def test_the_sampler_learns() -> None:
    """After the random trials, proposals crowd where scores are best (here: at small eta)."""
    tune_settings = TuneSettings.model_validate(
        dict.fromkeys(TuneSettings().ranges()) | {"eta": {"low": 0.01, "high": 1.0}, "startup_trials": 10}
    )
    distributions = bdt_tuning._distributions(tune_settings)
    trials: list[dict[str, Any]] = []
    for _ in range(40):
        params = bdt_tuning._propose(trials, distributions, tune_settings, 1).params
        trials.append({"params": params, "score": (params["eta"] - 0.1) ** 2, "state": "complete", "losses": {}})
    eta = [trial["params"]["eta"] for trial in trials]
    assert np.mean(np.abs(np.array(eta[20:]) - 0.1)) < 0.5 * np.mean(np.abs(np.array(eta[:10]) - 0.1))


def test_a_cross_validated_score_is_the_mean_of_its_trainings(tmp_path: Path) -> None:
    splits = [(TRAIN, SCORE), (SCORE, TRAIN)]
    settings = with_tune(trials=2, cross_validation=2)
    best, trials = tune_trees(splits, STOP, NAMES, settings, 11, tmp_path / "trials.json")
    losses = []
    for train, score in splits:
        fitted = train_trees(train, STOP, NAMES, best, bdt_tuning.child_seed(11, "tune", "fit"))
        losses.append(weighted_loss(predict_trees(fitted.booster, score.features, NAMES), score, best))
    assert min(trial["score"] for trial in trials) == pytest.approx(np.mean(losses))
    assert all(len(trial["best_round"]) == 2 for trial in trials)


def test_median_pruning_ends_trials_early_and_never_picks_one(tmp_path: Path) -> None:
    """Slow learners lose against the median; a search for fewer trials has the first of them."""
    pruned = {"pruner": "median", "startup_trials": 3, "trials": 12}
    settings = SETTINGS.model_copy(update={"rounds": 60})
    settings = settings.model_copy(update={"tune": TuneSettings.model_validate(with_tune(**pruned).tune)})
    best, trials = tune_trees([(TRAIN, SCORE)], STOP, NAMES, settings, 11, tmp_path / "trials.json")
    ended = [trial for trial in trials if trial["state"] == "pruned"]
    assert 0 < len(ended) < 9 and all(trial["number"] >= 3 and trial["score"] is None for trial in ended)
    for trial in ended:
        step = max(map(int, trial["losses"]))
        assert step < 60
        before = [t["losses"][str(step)] for t in trials[: trial["number"]] if str(step) in t["losses"]]
        assert min(trial["losses"].values()) > np.median(before)
    winner = min((trial for trial in trials if trial["score"] is not None), key=lambda trial: trial["score"])
    assert best.eta == winner["params"]["eta"]
    fewer = settings.model_copy(update={"tune": settings.tune.model_copy(update={"trials": 7})})
    again = tune_trees([(TRAIN, SCORE)], STOP, NAMES, fewer, 11, tmp_path / "fewer.json")[1]
    assert again == trials[:7]


def test_pruning_and_cross_validation_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="none of which can be pruned"):
        TuneSettings(pruner="median", cross_validation=3)


def test_without_tune_settings_it_refuses(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no `tune` block"):
        tune(tmp_path / "trials.json", TreeSettings())
