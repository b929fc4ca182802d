"""From a simulated part to predictions with the stages themselves: a network, boosters and the floors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.config import SampleSettings, load_settings
from hitforge.folds import tree_folds
from hitforge.predictions import Predictions, read_predictions
from hitforge.provenance import read_json
from hitforge.shards import Shard
from hitforge.stages.assemble import assemble_model
from hitforge.stages.build_shard import build_shard
from hitforge.stages.fit_scaling import fit_scaling_of
from hitforge.stages.fit_table import fit_table_of
from hitforge.stages.predict import predict_block
from hitforge.stages.train_member import TrainingFolds, train_member_of
from hitforge.stages.train_trees import train_trees_of
from hitforge.stages.validate import validate_part
from hitforge.studies.base import Study, load_study
from tests.unit.given import given

SMALL: dict[str, Any] = {
    "hgb": {"trees": {"tune": None, "rounds": 15, "early_stopping_rounds": 5, "max_depth": 3}},
    "ens5": {
        "network": {"convolutions": [8, 8], "dense": 16},
        "training": {"members": 1, "batch_size": 50, "schedule": {"warmup_epochs": 1, "decay_epochs": 1}},
    },
}


@pytest.fixture(scope="module")
def study() -> Study:
    settings = load_settings({"studies": ["object_id"], "object_id": {"models": SMALL}})
    return load_study("object_id", settings.studies["object_id"])


@pytest.fixture(scope="module")
def folder(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shard of some 1 000 objects and the scaling."""
    folder = tmp_path_factory.mktemp("stages")
    part = folder / "part.root"
    given(study, "simulate").simulate(part, SampleSettings(role="train", parts=1, events_per_part=1200), seed=4)
    verdict = validate_part(given(study, "validate"), "part", str(part))
    assert verdict.good and verdict.n_events == verdict.cut_flow[-1][1] < verdict.cut_flow[0][1] == 1200
    assert build_shard(given(study, "build_shard"), "train", verdict, folder / "part.h5", "0") == verdict.n_events
    fit_scaling_of(given(study, "fit_scaling"), [folder / "part.h5"], 10, [0], folder / "scaling.json")
    return folder


def predicted(study: Study, folder: Path, model: str, trained: Path) -> Predictions:
    manifest, out = folder / model / "model.json", folder / f"{model}.h5"
    assemble_model(given(study, "assemble", model), model, [trained], manifest, "0")
    predict_block(
        given(study, "predict", model),
        manifest,
        [folder / "part.h5"],
        [0],
        10,
        folder / "scaling.json",
        "cpu",
        out,
        "0",
    )
    found = read_predictions([out])
    with Shard(folder / "part.h5") as shard:
        kept = shard.column("bucket") % 10 == 0
        np.testing.assert_array_equal(found.target, shard.column("targets/label")[kept])
    assert found.ensemble["class_probabilities"].shape == (len(found), 4)
    np.testing.assert_allclose(found.ensemble["class_probabilities"].sum(axis=1), 1, atol=1e-5)
    return found


def accuracy(found: Predictions) -> float:
    return float(np.mean(found.ensemble["class_probabilities"].argmax(axis=1) == found.target))


def test_network_learns_and_logs_its_accuracy(study: Study, folder: Path) -> None:
    path = folder / "ens5/member_0.safetensors"
    folds = TrainingFolds(count=10, training=tuple(range(2, 10)), monitoring=1)
    scaling = folder / "scaling.json"
    train_member_of(
        given(study, "train_member", "ens5"),
        "ens5",
        0,
        [folder / "part.h5"],
        scaling,
        folds,
        1,
        "cpu",
        folder / "0.pt",
        path,
        "0",
    )
    history = read_json(path.with_suffix(".json"))["history"]
    assert {"train_accuracy", "validation_accuracy"} <= set(history[0])
    assert history[-1]["train_accuracy"] > max(0.5, history[0]["train_accuracy"])
    assert accuracy(predicted(study, folder, "ens5", path)) > 0.5


def test_booster_beats_the_floors(study: Study, folder: Path) -> None:
    booster = folder / "hgb/booster_0.ubj"
    folds = tree_folds(10, [0])
    train_trees_of(
        given(study, "train_trees", "hgb"),
        "hgb",
        0,
        [folder / "part.h5"],
        folds,
        1,
        booster,
        folder / "trials.json",
        "0",
    )
    found = {"hgb": accuracy(predicted(study, folder, "hgb", booster))}
    for model in ("logreg-T", "majority"):
        table = folder / f"{model}/table_0.json"
        fit_table_of(given(study, "fit_table", model), model, [folder / "part.h5"], folds, table, "0")
        found[model] = accuracy(predicted(study, folder, model, table))
    assert found["hgb"] > found["logreg-T"] + 0.15 and found["logreg-T"] > found["majority"] + 0.1
