"""From a simulated part to predictions with the stages themselves: a network, boosters and the table."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
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
from hitforge.stages.train_trees import read_tree_data, train_trees_of
from hitforge.stages.validate import validate_part
from hitforge.studies.base import Study, load_study
from tests.unit.given import given

SMALL: dict[str, Any] = {
    "hgb": {"trees": {"tune": None, "rounds": 20, "early_stopping_rounds": 5}},
    "ens5": {
        "network": {"channels": 8, "dense": [16], "joint": 8},
        "training": {
            "members": 2,
            "batch_size": 64,
            "max_events": 500,
            "schedule": {"warmup_epochs": 1, "decay_epochs": 1},
        },
    },
}


@pytest.fixture(scope="module")
def study() -> Study:
    settings = load_settings({"studies": ["csc_muon"], "csc_muon": {"models": SMALL}})
    return load_study("csc_muon", settings.studies["csc_muon"])


@pytest.fixture(scope="module")
def folder(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shard of some 2 300 roads and the scaling."""
    folder = tmp_path_factory.mktemp("stages")
    part = folder / "part.root"
    given(study, "simulate").simulate(part, SampleSettings(role="train", parts=1, events_per_part=3000), seed=4)
    verdict = validate_part(given(study, "validate"), "part", str(part))
    assert verdict.good and verdict.n_events == verdict.cut_flow[-1][1] <= verdict.cut_flow[0][1]
    assert build_shard(given(study, "build_shard"), "train", verdict, folder / "part.h5", "0") == verdict.n_events
    fit_scaling_of(given(study, "fit_scaling"), [folder / "part.h5"], 10, [0], folder / "scaling.json")
    return folder


def predicted(study: Study, folder: Path, model: str, manifest: Path) -> Predictions:
    out = folder / f"{model}.h5"
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
        np.testing.assert_array_equal(found.target, shard.column("targets/q_over_pt")[kept])
        np.testing.assert_array_equal(found.truth["eta"], shard.column("truth/eta")[kept])
    return found


def assert_better_than_the_mean(found: Predictions) -> None:
    error = found.ensemble["inverse_pt"] - np.abs(found.target)
    assert np.sqrt(np.mean(error**2)) < 0.8 * np.abs(found.target).std()


def test_ensemble_of_networks(study: Study, folder: Path) -> None:
    paths = [folder / f"ens5/member_{k}.safetensors" for k in range(2)]
    for k, path in enumerate(paths):
        folds = TrainingFolds(count=10, training=tuple(f for f in range(1, 10) if f != k + 1), monitoring=k + 1)
        checkpoint = folder / f"ens5/{k}.pt"
        shards, scaling = [folder / "part.h5"], folder / "scaling.json"
        train_member_of(
            given(study, "train_member", "ens5"), "ens5", k, shards, scaling, folds, 1, "cpu", checkpoint, path, "0"
        )
    history = read_json(paths[0].with_suffix(".json"))
    assert history["n_training"] == 500 and history["batches_per_epoch"] == 7
    assert {"validation_accuracy", "validation_squared_error"} <= set(history["history"][0])
    manifest = folder / "ens5/model.json"
    assemble_model(given(study, "assemble", "ens5"), "ens5", paths, manifest, "0")
    assert read_json(manifest)["weights"] == [0.5, 0.5]
    found = predicted(study, folder, "ens5", manifest)
    assert found.members["quantiles"].shape == (len(found), 2, 7)
    assert found.ensemble["quantiles"].shape == (len(found), 7)
    assert found.ensemble["class_probabilities"].shape == (len(found), 4)
    # a dozen steps teach it little; that it learns is seen in the history
    assert (found.ensemble["q_over_pt_spread"] > 0).all()
    losses = [entry["validation_loss"] for entry in history["history"]]
    assert losses[-1] < losses[0]


def test_boosters(study: Study, folder: Path) -> None:
    paths = [folder / f"hgb/booster_{k}.ubj" for k in range(3)]
    for k, path in enumerate(paths):
        folds, trials = tree_folds(10, [0]), folder / f"trials_{k}.json"
        train_trees_of(given(study, "train_trees", "hgb"), "hgb", k, [folder / "part.h5"], folds, 1, path, trials, "0")
    manifest = folder / "hgb/model.json"
    assemble_model(given(study, "assemble", "hgb"), "hgb", paths, manifest, "0")
    assert len(read_json(manifest)["members"]) == 3
    found = predicted(study, folder, "hgb", manifest)
    assert set(found.ensemble) == {"inverse_pt", "q_over_pt", "charge_probability", "class_probabilities"}
    assert_better_than_the_mean(found)
    assert np.mean(np.sign(found.ensemble["q_over_pt"]) == np.sign(found.target)) > 0.9


def test_weights_of_the_ntuple_enter_the_training(study: Study, folder: Path) -> None:
    weighted = folder / "weighted.h5"
    shutil.copy(folder / "part.h5", weighted)
    with h5py.File(weighted, "r+") as file:
        heavy = file["targets/q_over_pt"][:] > 0
        file["truth/weight"][:] = np.where(heavy, 3, 0)
        kept = heavy[np.isin(file["bucket"][:] % 10, [1, 2])]
    data = read_tree_data(given(study, "train_trees", "emtf-bdt"), [weighted], [1, 2], 10, "emtf-bdt", 0)
    plain = read_tree_data(given(study, "train_trees", "emtf-bdt"), [folder / "part.h5"], [1, 2], 10, "emtf-bdt", 0)
    # events of weight 0 are left out
    assert 0.4 < kept.mean() < 0.6 and len(plain) == len(kept)
    np.testing.assert_allclose(data.weight, 3 * plain.weight[kept])
    np.testing.assert_array_equal(data.target, plain.target[kept])


def test_lookup_table(study: Study, folder: Path) -> None:
    table, manifest = folder / "lut/table_0.json", folder / "lut/model.json"
    fit_table_of(
        given(study, "fit_table", "dphi-lut"), "dphi-lut", [folder / "part.h5"], tree_folds(10, [0]), table, "0"
    )
    assemble_model(given(study, "assemble", "dphi-lut"), "dphi-lut", [table], manifest, "0")
    assert read_json(manifest)["kind"] == "table"
    found = predicted(study, folder, "dphi-lut", manifest)
    assert set(found.ensemble) == {"inverse_pt", "q_over_pt"}
    assert_better_than_the_mean(found)
