"""Stage train-trees: one booster on the high-level features."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.bdt import TreeData, importances, save_trees, train_trees
from hitforge.bdt_settings import TreeSettings
from hitforge.folds import TreeFolds
from hitforge.provenance import stamp, write_json
from hitforge.seeds import child_seed
from hitforge.stages.feature_rows import read_feature_rows
from hitforge.studies.base import Study
from hitforge.words import model_of

log = logging.getLogger(__name__)


def read_tree_data(
    study: Study, shards: Sequence[Path], folds: Collection[int], count: int, model: str, booster: int
) -> TreeData:
    """Read the events of some folds that have a weight: the model's features, shape (n, F), labels and weights."""
    task = study.booster_tasks(model)[booster]
    values, labels, weights = [], [], []
    for features, target, own_weight in read_feature_rows(study, shards, folds, count):
        weight = task.weight(features, target) * own_weight
        used = weight > 0
        features, target = features[used], target[used]
        values.append(study.model_features(model, features))
        labels.append(task.label(features, target))
        weights.append(weight[used])
    return TreeData(np.concatenate(values), np.concatenate(labels), np.concatenate(weights))


def train_trees_of(
    study: Study,
    fit: str,
    booster: int,
    shards: Sequence[Path],
    folds: TreeFolds,
    seed: int,
    out: Path,
    trials_file: Path,
    config_hash: str,
) -> None:
    """Train one booster of a fit and write it, and beside it its history as JSON."""
    model = model_of(fit)
    settings: TreeSettings = study.booster_tasks(model)[booster].settings
    names = study.feature_set(study.settings.models[model].features)

    def events(*wanted: int) -> TreeData:
        return read_tree_data(study, shards, wanted, folds.count, model, booster)

    train, monitor = events(*folds.training), events(folds.monitoring)
    own_seed = child_seed(seed, study.name, fit, f"booster_{booster}")
    trials: list[dict[str, Any]] = []
    if settings.tune is not None:
        from hitforge.bdt_tuning import tune_trees  # Optuna is slow to import, and only a search needs it

        of_folds = folds.search_splits(settings.tune.cross_validation)
        splits = ((events(*training), events(*scoring)) for training, scoring in of_folds)
        trials_file.parent.mkdir(parents=True, exist_ok=True)
        settings, trials = tune_trees(splits, monitor, names, settings, own_seed, trials_file)
    log.info("%s: %d training, %d monitoring events, %d features", fit, len(train), len(monitor), len(names))
    trained = train_trees(train, monitor, names, settings, own_seed)
    log.info("%s: best round %d, loss %.6g", fit, trained.history["best_round"], trained.history["best_loss"])
    save_trees(trained.booster, out)
    write_json(
        out.with_suffix(".json"),
        stamp(
            config_hash=config_hash,
            seed=own_seed,
            n_training=len(train),
            n_monitoring=len(monitor),
            best_loss=trained.history["best_loss"],
            best_epoch=trained.history["best_round"],
            history=trained.history,
            settings=settings.model_dump(mode="json"),
            importances=importances(trained.booster),
            trials=trials,
            provenance={"training_parts": [path.stem for path in shards]},
        ),
    )
