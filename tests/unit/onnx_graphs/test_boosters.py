"""Boosters as tree ensembles: onnxruntime gives what XGBoost gives, at thresholds and for missing values too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import xgboost
from numpy.typing import NDArray

from hitforge.bdt import TreeData, load_trees, predict_trees, save_trees, train_trees
from hitforge.bdt_settings import TreeSettings
from hitforge.onnx_graphs.boosters import BoosterTrees, booster_trees, tree_node

NAMES = ["a", "b", "c"]
KINDS = {
    "squared": {},
    "log": {"objective": "log"},
    "logistic": {"objective": "logistic"},
    "softprob": {"objective": "softprob", "classes": 3},
    "quantile": {"objective": "quantile", "quantiles": (0.16, 0.5, 0.84)},
}


def trained(kind: str, seed: int = 1) -> xgboost.Booster:
    """Return a booster of features on a coarse grid, one value in five missing."""
    random = np.random.default_rng(seed)
    features = (np.round(random.normal(0, 2, (800, 3)) * 4) / 4).astype(np.float32)
    features[random.random(features.shape) < 0.2] = np.nan
    signal = np.nan_to_num(features).sum(axis=1) + random.normal(0, 0.5, 800)
    labels = {"logistic": signal > 0, "softprob": np.digitize(signal, [-1, 1]), "log": np.exp(0.3 * signal)}
    target = np.asarray(labels.get(kind, signal), dtype=np.float32)
    data = TreeData(features, target, np.ones(800, np.float32))
    settings = TreeSettings.model_validate(
        {"rounds": 12, "early_stopping_rounds": 12, "target_power": 0, **KINDS[kind]}
    )
    return train_trees(data, data, NAMES, settings, seed).booster


def hard_rows(trees: BoosterTrees) -> NDArray[np.float32]:
    """Return rows of all thresholds, their next neighbours and NaN, in random places."""
    cuts = np.array(
        [
            v
            for t in trees.trees
            for v, left in zip(t["split_conditions"], t["left_children"], strict=True)
            if left >= 0
        ],
        dtype=np.float32,
    )
    around = [cuts, np.nextafter(cuts, np.float32(-np.inf)), np.nextafter(cuts, np.float32(np.inf))]
    values = np.concatenate([*around, np.full(len(cuts), np.nan, np.float32)])
    return np.random.default_rng(2).choice(values, (3000, 3)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_onnxruntime_gives_what_xgboost_gives(kind: str, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="pip install 'hitforge[onnx]'")
    helper = pytest.importorskip("onnx.helper")
    # as it is read from a model's folder: attributes and base score go through the file
    save_trees(trained(kind), tmp_path / "booster.ubj")
    booster = load_trees(tmp_path / "booster.ubj")
    trees = booster_trees(booster)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [tree_node(trees, "x", "leaves")],
        "trees",
        [value("x", 1, ["n", 3])],
        [value("leaves", 1, ["n", len(trees.base)])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    rows = hard_rows(trees)
    (leaves,) = runtime.InferenceSession(model.SerializeToString()).run(None, {"x": rows})
    found = trees.outputs(torch.from_numpy(leaves)).numpy()
    expected = predict_trees(booster, rows, NAMES)
    assert found.shape == expected.shape and len(np.unique(expected)) > 20
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_kind_of_booster_that_no_graph_is_made_of() -> None:
    data = xgboost.DMatrix(np.arange(8.0).reshape(-1, 1), label=np.arange(8.0))
    dart = xgboost.train({"booster": "dart"}, data, 2)
    with pytest.raises(ValueError, match="boosters of kind dart"):
        booster_trees(dart)
    counts = xgboost.train({"objective": "count:poisson"}, data, 2)
    with pytest.raises(ValueError, match="objective count:poisson"):
        booster_trees(counts)
