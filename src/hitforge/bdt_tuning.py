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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from hitforge.bdt import TreeData, predict_trees, train_trees, weighted_loss
from hitforge.bdt_settings import TreeSettings, TuneSettings
from hitforge.provenance import read_json, write_json
from hitforge.seeds import child_seed

logger = logging.getLogger(__name__)


class TuningInterruptedError(RuntimeError):
    """The time limit was reached; the finished trials are kept and the next call continues."""


def tune_trees(
    train: TreeData,
    stop: TreeData,
    score: TreeData,
    names: Sequence[str],
    settings: TreeSettings,
    seed: int,
    path: Path,
) -> tuple[TreeSettings, list[dict[str, Any]]]:
    """Search the hyper-parameters with ``settings.tune``.

    Parameters
    ----------
    train, stop, score : TreeData
        Disjoint events: to train, to stop early, and to score a trial (with the loss that is never Huberised).
    names : sequence of str
        Feature names.
    settings : TreeSettings
        What is not searched is taken from here.
    seed : int
        Root seed.
    path : Path
        State file. It is started anew when settings, seed or data are not those it was written with.

    Returns
    -------
    settings : TreeSettings
        With the best parameters and without ``tune``: train the final booster with it.
    trials : list of dict
        ``{number, params, score, best_round, state}`` of every trial, in order.
    """
    tune = settings.tune
    if tune is None:
        raise ValueError("tune_trees: the settings have no `tune` block")
    train, stop, score = (
        data.sample(tune.max_events, child_seed(seed, "tune", "events", part))
        for part, data in (("train", train), ("stop", stop), ("score", score))
    )
    identity = _identity(train, stop, score, names, settings, seed)
    # Cut, so that fewer trials than an earlier run had give what a fresh search of so many gives.
    trials = _read(path, identity)[: tune.trials]
    distributions = _distributions(tune)
    started = time.monotonic()
    while len(trials) < tune.trials:
        number = len(trials)
        params = _propose(trials, distributions, tune, seed)
        chosen = apply_params(settings, params)
        # One seed for all trials: scores differ by their parameters only.
        fitted = train_trees(train, stop, names, chosen, child_seed(seed, "tune", "fit"))
        prediction = predict_trees(fitted.booster, score.features, names, settings.threads)
        value = weighted_loss(prediction, score, settings)
        trials.append(
            {
                "number": number,
                "params": params,
                "score": value,
                "best_round": fitted.history["best_round"],
                "state": "complete",
            }
        )
        write_json(path, {"identity": identity, "trials": trials})
        logger.info("trial %d of %d: score %.6g", number + 1, tune.trials, value)
        late = tune.timeout_min is not None and time.monotonic() - started > 60.0 * tune.timeout_min
        if late and len(trials) < tune.trials:
            raise TuningInterruptedError(
                f"{len(trials)} of {tune.trials} trials are done after {tune.timeout_min} min; start again to continue"
            )
    best = min(trials, key=lambda trial: (trial["score"], trial["number"]))
    return apply_params(settings, best["params"]), trials


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
) -> dict[str, Any]:
    """Return the parameters of the next trial, a pure function of the finished ones and the seed."""
    sampler = optuna.samplers.TPESampler(
        n_startup_trials=tune.startup_trials, seed=child_seed(seed, "tune", "trial", len(trials)) % 2**32
    )
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(sampler=sampler, direction="minimize")
        for trial in trials:
            study.add_trial(
                optuna.trial.create_trial(params=trial["params"], distributions=distributions, value=trial["score"])
            )
        return dict(study.ask(fixed_distributions=distributions).params)
    finally:
        optuna.logging.set_verbosity(verbosity)


def _identity(
    train: TreeData, stop: TreeData, score: TreeData, names: Sequence[str], settings: TreeSettings, seed: int
) -> str:
    """Return a hash of all that a trial's result depends on; more trials or another time limit keep it."""
    digest = hashlib.blake2b(digest_size=16)
    kept = settings.model_dump(mode="json", exclude={"tune": {"trials", "timeout_min"}})
    digest.update(json.dumps([kept, list(names), seed], sort_keys=True).encode())
    for data in (train, stop, score):
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
