"""Stage train-trees: the boosted-tree baseline on the high-level features."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.bdt import TreeData, importances, save_trees, train_trees
from hitforge.bdt_settings import TreeSettings
from hitforge.bdt_tuning import tune_trees
from hitforge.folds import fold_of
from hitforge.provenance import stamp, write_json
from hitforge.seeds import child_seed
from hitforge.settings_base import Settings
from hitforge.shards import Shard
from hitforge.studies.base import Study

log = logging.getLogger(__name__)


class TreeFolds(Settings):
    """Folds of a tree training: the monitoring fold stops it, the scoring fold ranks the trials of a search."""

    count: int
    monitoring: int
    scoring: int
    training: tuple[int, ...]


def tree_folds(count: int, held_out: Collection[int]) -> TreeFolds:
    """Return the folds of boosted trees: of those not held out the first monitors, the second scores trials."""
    left = [fold for fold in range(count) if fold not in held_out]
    return TreeFolds(count=count, monitoring=left[0], scoring=left[1], training=tuple(left[1:]))


def read_tree_data(
    study: Study[Any], shards: Sequence[Path], folds: Collection[int], count: int, features: str
) -> TreeData:
    """Read the events of some folds: clipped features, shape (n, F), targets and weights."""
    names = study.feature_set(features)
    columns = [study.layout.feature_names.index(name) for name in names]
    values, targets = [], []
    for path in shards:
        with Shard(path) as shard:
            kept = np.isin(fold_of(shard.column("bucket"), count), list(folds))
            values.append(study.clip_features(shard.column("features")[kept])[:, columns])
            targets.append(shard.column(f"targets/{study.target}")[kept])
    target = np.concatenate(targets)
    return TreeData(np.concatenate(values), target, study.event_weight(target))


def train_trees_of(
    study: Study[Any],
    fit: str,
    shards: Sequence[Path],
    folds: TreeFolds,
    seed: int,
    folder: Path,
    trials_file: Path,
    config_hash: str,
) -> None:
    """Train the boosted trees of a fit and write ``booster_0.ubj``, its history and ``model.json`` to ``folder``."""
    model = fit.partition("/")[0]
    settings: TreeSettings = study.settings.models[model].trees
    features = study.settings.models[model].features
    names = study.feature_set(features)

    def events(*wanted: int) -> TreeData:
        return read_tree_data(study, shards, wanted, folds.count, features)

    train, monitor = events(*folds.training), events(folds.monitoring)
    own_seed = child_seed(seed, study.name, fit)
    trials: list[dict[str, Any]] = []
    if settings.tune is not None:
        searched = events(*(fold for fold in folds.training if fold != folds.scoring))
        scoring = events(folds.scoring)
        trials_file.parent.mkdir(parents=True, exist_ok=True)
        settings, trials = tune_trees(searched, monitor, scoring, names, settings, own_seed, trials_file)
    log.info("%s: %d training, %d monitoring events, %d features", fit, len(train), len(monitor), len(names))
    trained = train_trees(train, monitor, names, settings, own_seed)
    log.info("%s: best round %d, loss %.6g", fit, trained.history["best_round"], trained.history["best_loss"])
    folder.mkdir(parents=True, exist_ok=True)
    save_trees(trained.booster, folder / "booster_0.ubj")
    write_json(
        folder / "booster_0.json",
        stamp(
            config_hash=config_hash,
            seed=own_seed,
            n_training=len(train),
            n_monitoring=len(monitor),
            history=trained.history,
            settings=settings.model_dump(mode="json"),
        ),
    )
    write_json(
        folder / "model.json",
        stamp(
            study=study.name,
            model=model,
            fit=fit,
            kind="trees",
            config_hash=config_hash,
            features=list(names),
            members=[
                {
                    "file": "booster_0.ubj",
                    "best_loss": trained.history["best_loss"],
                    "best_epoch": trained.history["best_round"],
                }
            ],
            weights=[1.0],
            n_parameters=None,
            importances=importances(trained.booster),
            trials=trials,
            training_parts=[path.stem for path in shards],
        ),
    )
