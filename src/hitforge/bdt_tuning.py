"""Search of tree hyper-parameters with Optuna: one trial at a time, resumable, the same after any kill.

The finished trials stand in a small JSON file that is replaced atomically after each one. Every trial builds its
sampler afresh from the seed of its number and tells it the finished trials, so a search that was killed and continued
proposes what an uninterrupted one does. A trial that was running is unknown to the file and simply runs again, with
the same parameters; Optuna's own storages would keep it as running, and hold wall times.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import xgboost

from hitforge.bdt import TreeData, predict_trees, train_trees, weighted_loss
from hitforge.bdt_settings import TreeSettings, TuneSettings
from hitforge.provenance import read_json, write_json
from hitforge.seeds import child_seed

logger = logging.getLogger(__name__)

REPORTS = 20
"""Rounds at which a trial tells its monitoring loss, evenly spread over the rounds allowed."""


class TuningInterruptedError(RuntimeError):
    """The time limit was reached; the finished trials are kept and the next call continues."""


def tune_trees(
    splits: Iterable[tuple[TreeData, TreeData]],
    stop: TreeData,
    names: Sequence[str],
    settings: TreeSettings,
    seed: int,
    path: Path,
) -> tuple[TreeSettings, list[dict[str, Any]]]:
    """Search the hyper-parameters with ``settings.tune``; what is not searched is taken from the settings.

    Parameters
    ----------
    splits : iterable of pairs of TreeData
        Events to train with and to score with (with the loss that is never Huberised), one pair for each training
        that a trial consists of; disjoint in a pair.
    stop : TreeData
        Events to stop early with, in no split.
    path : Path
        State file. It is started anew when settings, seed or data are not those it was written with.

    Returns
    -------
    settings : TreeSettings
        With the best parameters and without ``tune``: train the final booster with it.
    trials : list of dict
        ``{number, params, score, best_round, state, losses}`` of every trial, in order: the mean loss over the splits,
        the best round of each, and monitoring losses by round. A trial whose state is ``pruned`` has no score.
    """
    tune = settings.tune
    if tune is None:
        raise ValueError("tune_trees: the settings have no `tune` block")

    def few(data: TreeData, part: str) -> TreeData:
        return data.sample(tune.max_events, child_seed(seed, "tune", "events", part))

    stop = few(stop, "stop")
    splits = [(few(train, "train"), few(score, "score")) for train, score in splits]
    identity = _identity([stop, *(data for split in splits for data in split)], names, settings, seed)
    # Cut, so that fewer trials than an earlier run had give what a fresh search of so many gives.
    trials = _read(path, identity)[: tune.trials]
    distributions = _distributions(tune)
    started = time.monotonic()
    while len(trials) < tune.trials:
        trial = _propose(trials, distributions, tune, seed)
        done = _run(trial, len(trials), splits, stop, names, settings, seed)
        trials.append(done)
        write_json(path, {"identity": identity, "trials": trials})
        logger.info("trial %d of %d: %s, score %s", len(trials), tune.trials, done["state"], done["score"])
        late = tune.timeout_min is not None and time.monotonic() - started > 60.0 * tune.timeout_min
        if late and len(trials) < tune.trials:
            raise TuningInterruptedError(
                f"{len(trials)} of {tune.trials} trials are done after {tune.timeout_min} min; start again to continue"
            )
    best = min(
        (trial for trial in trials if trial["state"] == "complete"),
        key=lambda trial: (trial["score"], trial["number"]),
    )
    return apply_params(settings, best["params"]), trials


def _run(
    trial: optuna.Trial,
    number: int,
    splits: Sequence[tuple[TreeData, TreeData]],
    stop: TreeData,
    names: Sequence[str],
    settings: TreeSettings,
    seed: int,
) -> dict[str, Any]:
    """Train the boosters of a trial and return what is kept of it."""
    chosen = apply_params(settings, trial.params)
    watch = _Pruning(trial, max(settings.rounds // REPORTS, 1))
    scores, best_rounds = [], []
    for train, score in splits:
        # One seed for all trials: scores differ by their parameters only.
        fit_seed = child_seed(seed, "tune", "fit")
        fitted = train_trees(train, stop, names, chosen, fit_seed, callbacks=[watch] if len(splits) == 1 else ())
        best_rounds.append(fitted.history["best_round"])
        if not watch.pruned:
            prediction = predict_trees(fitted.booster, score.features, names, settings.threads)
            scores.append(weighted_loss(prediction, score, settings))
    return {
        "number": number,
        "params": dict(trial.params),
        "score": float(np.mean(scores)) if scores else None,
        "best_round": best_rounds,
        "state": "pruned" if watch.pruned else "complete",
        "losses": watch.losses,
    }


class _Pruning(xgboost.callback.TrainingCallback):  # type: ignore[misc]  # XGBoost has no type hints
    """Tells Optuna the monitoring loss every few rounds, and ends the training when its pruner says so."""

    def __init__(self, trial: optuna.Trial, every: int) -> None:
        self._trial, self._every = trial, every
        self.losses: dict[str, float] = {}
        self.pruned = False

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Report a round; return whether the training ends here."""
        step = epoch + 1
        if step % self._every == 0:
            loss = float(evals_log["monitor"]["loss"][-1])
            self.losses[str(step)] = loss
            self._trial.report(loss, step)
            self.pruned = self._trial.should_prune()
        return self.pruned


def apply_params(settings: TreeSettings, params: dict[str, Any]) -> TreeSettings:
    """Return the settings with the parameters of a trial and without the search."""
    return type(settings).model_validate(settings.model_dump() | params | {"tune": None})


def _distributions(tune: TuneSettings) -> dict[str, optuna.distributions.BaseDistribution]:
    result: dict[str, optuna.distributions.BaseDistribution] = {}
    for name, value in tune.ranges().items():
        if name == "max_depth":
            result[name] = optuna.distributions.IntDistribution(int(value.low), int(value.high), log=value.log)
        else:
            result[name] = optuna.distributions.FloatDistribution(value.low, value.high, log=value.log)
    return result


def _propose(
    trials: list[dict[str, Any]],
    distributions: dict[str, optuna.distributions.BaseDistribution],
    tune: TuneSettings,
    seed: int,
) -> optuna.Trial:
    """Return the next trial, whose parameters and whose pruning depend on the finished ones and the seed alone."""
    sampler = optuna.samplers.TPESampler(
        n_startup_trials=tune.startup_trials, seed=child_seed(seed, "tune", "trial", len(trials)) % 2**32
    )
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        median = tune.pruner == "median"
        pruner = optuna.pruners.MedianPruner(tune.startup_trials) if median else optuna.pruners.NopPruner()
        study = optuna.create_study(sampler=sampler, pruner=pruner, direction="minimize")
        for trial in trials:
            study.add_trial(
                optuna.trial.create_trial(
                    state=optuna.trial.TrialState[trial["state"].upper()],
                    params=trial["params"],
                    distributions=distributions,
                    value=trial["score"],
                    intermediate_values={int(step): loss for step, loss in trial["losses"].items()},
                )
            )
        return study.ask(fixed_distributions=distributions)
    finally:
        optuna.logging.set_verbosity(verbosity)


def _identity(parts: Iterable[TreeData], names: Sequence[str], settings: TreeSettings, seed: int) -> str:
    """Return a hash of all that a trial's result depends on; more trials or another time limit keep it."""
    digest = hashlib.blake2b(digest_size=16)
    kept = settings.model_dump(mode="json", exclude={"tune": {"trials", "timeout_min"}})
    digest.update(json.dumps([kept, list(names), seed], sort_keys=True).encode())
    for data in parts:
        for array in (data.features, data.target, data.weight):
            digest.update(f"{array.shape}{array.dtype.str}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _read(path: Path, identity: str) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        state = read_json(path)
        known, trials = state["identity"], list(state["trials"])
    except (KeyError, TypeError) as failure:
        raise ValueError(f"{path} is not a tuning state: delete it to start the search again") from failure
    if known != identity:
        logger.warning("%s belongs to other settings, seed or data: the search starts again", path)
        return []
    return trials
