"""Stage fit-table: a study's lookup table or formula, fitted on the folds that boosted trees train on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hitforge.folds import TreeFolds
from hitforge.provenance import stamp, write_json
from hitforge.stages.feature_rows import read_feature_rows
from hitforge.studies.base import Study
from hitforge.words import model_of

log = logging.getLogger(__name__)


def fit_table_of(study: Study, fit: str, shards: Sequence[Path], folds: TreeFolds, out: Path, config_hash: str) -> None:
    """Fit the table of a fit and write it as JSON."""
    model = model_of(fit)
    rows = zip(*read_feature_rows(study, shards, folds.training, folds.count), strict=True)
    features, target, weight = map(np.concatenate, rows)
    table = study.fit_table(model, features, target, weight)
    log.info("%s: table fitted on %d events", fit, len(target))
    about = stamp(
        config_hash=config_hash,
        n_training=len(target),
        best_loss=None,
        best_epoch=None,
        table=table,
        provenance={"training_parts": [path.stem for path in shards]},
    )
    write_json(out, about)
