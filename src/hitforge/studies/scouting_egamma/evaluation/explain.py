"""What a model of boosted trees owes to its features and to its hyper-parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import optuna
from numpy.typing import NDArray

from hitforge.bdt import load_trees, predict_trees
from hitforge.evaluation.statistics import plain
from hitforge.provenance import read_json
from hitforge.seeds import child_generator
from hitforge.shards import Shard
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.models.trees import categories

if TYPE_CHECKING:
    from hitforge.config import SampleSettings
    from hitforge.studies.base import TrainedModel

MAX_SHUFFLED: Final = 1500
"""Candidates of a category; more would not change the order."""


def explain(model: str, trained: TrainedModel, *, samples: Mapping[str, SampleSettings]) -> dict[str, Any]:
    """Return what shuffling a feature costs, and how much of the search's score is due to each hyper-parameter.

    Returns
    -------
    dict
        Nothing for other models. ``permutation``: the ``sample``, the ``most`` candidates of a category, the
        ``features`` and by category the growth of the error for each of them (:func:`_growth`), null without
        candidates; absent without shards of a test sample.
        ``tuning``: the share of each hyper-parameter (:func:`tuning_shares`), empty without a search.
    """
    manifest = read_json(trained.manifest)
    if manifest["kind"] != "trees":
        return {}
    found: dict[str, Any] = {"tuning": tuning_shares(manifest.get("trials") or [])}
    sample = next(name for name, about in samples.items() if about.role == "test")
    shards = trained.shards.get(sample)
    if shards:
        growth = {name: _growth(model, trained, manifest, shards[0], c) for c, name in enumerate(CATEGORIES)}
        found["permutation"] = {
            "sample": sample,
            "most": MAX_SHUFFLED,
            "features": manifest["features"],
            "growth": {name: plain(values) for name, values in growth.items()},
        }
    return found


def _growth(
    model: str, trained: TrainedModel, manifest: Mapping[str, Any], shard: Path, category: int
) -> NDArray[np.float64]:
    """Return the relative growth of the error when a feature is shuffled among the candidates of a category.

    The error is the mean of |ln(E_corrected / E_MC)| about its median. Shape (F,), NaN without candidates.
    """
    names = manifest["features"]
    with Shard(shard) as opened:
        features, target = opened.column("features"), opened.column("targets/y")
    own = np.flatnonzero(categories(features) == category)[:MAX_SHUFFLED]
    if not len(own):
        return np.full(len(names), np.nan)
    features, ln_y = features[own], np.log(target[own])
    booster = load_trees(trained.manifest.parent / manifest["members"][category]["file"])

    def error(table: NDArray[np.float32]) -> float:
        said = predict_trees(booster, table, names)
        y = trained.study.tree_columns(model, [said] * len(CATEGORIES), features)["y"]
        difference = np.log(y) - ln_y
        return float(np.mean(np.abs(difference - np.median(difference))))

    table = trained.study.model_features(model, features)
    whole = error(table)
    result = np.empty(len(names))
    for place in range(len(names)):
        generator = child_generator(0, "permutation", category, place)
        shuffled = table.copy()
        shuffled[:, place] = generator.permutation(table[:, place])
        result[place] = error(shuffled) / whole - 1
    return result


def tuning_shares(trials: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the importance of each hyper-parameter (PED-ANOVA, arXiv:2304.10255); none with fewer than ten scores."""
    known = [trial for trial in trials if trial["score"] is not None]
    if len(known) < 10:
        return {}
    # the study below has no name and no file; its log line would say nothing
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    spaces = {}
    for name in known[0]["params"]:
        values = [float(trial["params"][name]) for trial in known]
        if min(values) < max(values):
            spaces[name] = optuna.distributions.FloatDistribution(min(values), max(values))
    for trial in known:
        params = {name: float(trial["params"][name]) for name in spaces}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=dict(spaces), value=trial["score"]))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    found: dict[str, float] = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return found
