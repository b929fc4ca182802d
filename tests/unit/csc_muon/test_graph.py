"""The maps of a graph, in torch, against those of models and evaluation, in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hitforge.onnx_graphs.parts import StoredColumns
from hitforge.scaling import fit_scaling
from hitforge.studies.csc_muon.data.derived import features_of
from hitforge.studies.csc_muon.evaluation.calibration import PtScaling
from hitforge.studies.csc_muon.features import FEATURE_NAMES, feature_set
from hitforge.studies.csc_muon.models import graph, inputs
from hitforge.studies.csc_muon.models.trees import tree_columns
from hitforge.studies.csc_muon.settings import CscModelSettings
from tests.unit.csc_muon.part_builders import some_roads

NETWORKS = {"seed_cnn1d": "seed19", "seed_cnn2d": "seed23", "seed_fcn": "raw35", "emtf_nn": "emtf", "ensemble": "emtf"}


@pytest.fixture(scope="module")
def columns() -> NDArray[np.float32]:
    roads = some_roads(300)
    return features_of(roads.variables)


def stored(columns: NDArray[np.float32]) -> StoredColumns:
    return StoredColumns(torch.from_numpy(columns), FEATURE_NAMES, set())


@pytest.mark.parametrize("architecture", NETWORKS)
def test_tensors_of_networks(architecture: str, columns: NDArray[np.float32]) -> None:
    names = feature_set(NETWORKS[architecture])
    model = CscModelSettings.model_validate(
        {"kind": "network", "features": NETWORKS[architecture], "network": {"architecture": architecture}}
    )
    half = (columns[::2], np.zeros(len(columns[::2]), np.int16))
    scaling = fit_scaling([half], FEATURE_NAMES, 10, [1])
    assert np.isnan(columns).any()
    own = columns[:, [FEATURE_NAMES.index(name) for name in names]]
    expected = inputs.network_inputs(model, scaling, names)(columns, own.copy())
    parts = graph.model_graph(model, scaling, names)
    assert parts.inputs is not None
    found = parts.inputs(stored(columns), torch.from_numpy(own))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name].numpy(), values, rtol=2e-7, atol=1e-7, err_msg=name)


def test_the_ensemble_s_columns() -> None:
    random = np.random.default_rng(1)
    members = {
        "q_over_pt": random.normal(0, 0.1, (50, 3)).astype(np.float32),
        "q_over_pt_sigma": random.uniform(0.01, 0.1, (50, 3)).astype(np.float32),
    }
    mean = {name: values.mean(axis=1) for name, values in members.items()}
    mean["q_over_pt"][0] = 0
    model: Any = None
    expected = inputs.combine(model, members, mean)
    found = graph.combine(*({name: torch.from_numpy(v) for name, v in given.items()} for given in (members, mean)))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name].numpy(), values, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    "trees",
    [
        {"target": "q_over_pt"},
        {"target": "log2_pt", "further": ("charge", "classes")},
        {"target": "inverse_pt", "charge": "bending"},
    ],
)
def test_columns_of_boosters(trees: dict[str, Any], columns: NDArray[np.float32]) -> None:
    model = CscModelSettings.model_validate({"kind": "trees", "trees": trees})
    random = np.random.default_rng(1)
    said = {
        "pt": random.normal(1, 2, len(columns)),
        "charge": random.uniform(0, 1, len(columns)),
        "classes": random.dirichlet(np.ones(4), len(columns)),
    }
    outputs = [said[name].astype(np.float32) for name in ("pt", *model.trees.further)]
    expected = tree_columns(model, outputs, columns)
    found = graph.tree_columns(model, [torch.from_numpy(values) for values in outputs], stored(columns))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name].numpy(), values, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("cuts", [(2.0, 5.0, 5.0, 9.0), (3.0,)])
def test_pt_scaled_to_equal_efficiency(cuts: tuple[float, ...]) -> None:
    scaling = PtScaling(ok=True, thresholds_gev=(3.0, 6.0, 8.0, 12.0)[: len(cuts)], cuts_gev=cuts)
    pt = np.array([0.5, 1.99, 2.0, 3.7, 5.0, 5.1, 8.99, 9.0, 500.0])
    found = graph.scaled_pt(torch.from_numpy(pt), scaling).numpy()
    np.testing.assert_allclose(found, scaling.apply(pt), rtol=1e-12)
    calibrated = graph.calibrated(
        {"inverse_pt": torch.from_numpy(1 / pt).float(), "q_over_pt_sigma": torch.ones(9)},
        {"pt_scaling": scaling.model_dump(), "sigma_scale": 1.5},
        stored(np.zeros((9, len(FEATURE_NAMES)), np.float32)),
    )
    assert calibrated["pt_calibrated"][-1] == pytest.approx(scaling.apply(pt)[-1])
    assert (calibrated["q_over_pt_sigma_calibrated"] == 1.5).all()
