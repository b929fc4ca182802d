"""conifer, which turns boosters into firmware, reads those of the study."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from numpy.typing import NDArray

from hitforge.bdt import TreeData, train_trees
from hitforge.studies.csc_muon.data.derived import features_of
from hitforge.studies.csc_muon.features import FEATURE_NAMES, feature_set
from hitforge.studies.csc_muon.models.targets import label_of
from hitforge.studies.csc_muon.settings import CscModelSettings
from tests.unit.csc_muon.part_builders import some_roads

ABSENT = np.float32(-9999)


def leaves(tree: Any, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the leaf of each row in a tree as conifer holds it."""
    feature, left, right = (np.array(getattr(tree, name)) for name in ("feature", "children_left", "children_right"))
    node, threshold, value = np.zeros(len(rows), int), np.array(tree.threshold), np.array(tree.value)
    for _ in range(len(feature)):
        inner = left[node] >= 0
        goes_left = rows[np.arange(len(rows)), np.maximum(feature[node], 0)] < threshold[node]
        node = np.where(inner, np.where(goes_left, left[node], right[node]), node)
    return np.asarray(value[node], dtype=np.float64)


@pytest.mark.filterwarnings("default")
def test_conifer_reads_a_regression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Firmware knows no missing value, so the hardware's features have a number in its place, in training too."""
    conifer = pytest.importorskip("conifer", reason="pip install conifer")
    importlib.import_module("conifer.backends.cpp")
    monkeypatch.chdir(tmp_path)  # it names folders
    roads = some_roads(600)
    names = feature_set("hardware")
    columns = features_of(roads.variables)[:, [FEATURE_NAMES.index(name) for name in names]]
    features = np.nan_to_num(columns, nan=ABSENT)
    settings = CscModelSettings.model_validate({"kind": "trees", "trees": {"rounds": 10, "target": "log2_pt"}}).trees
    data = TreeData(features, label_of("log2_pt", roads.q_over_pt), np.ones(len(roads), np.float32))
    booster = train_trees(data, data, names, settings, 1).booster
    read = conifer.converters.convert_from_xgboost(booster, conifer.backends.cpp.auto_config())
    found = read.init_predict[0] + read.norm * sum(leaves(tree, features) for (tree,) in read.trees)
    expected = booster.predict(xgboost.DMatrix(features, feature_names=list(names)), output_margin=True)
    assert read.splitting_convention == "<" and read.n_features == len(names) and len(np.unique(expected)) > 20
    np.testing.assert_allclose(found, expected, rtol=1e-5)
