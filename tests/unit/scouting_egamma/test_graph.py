"""The maps of a graph, in torch, against those of models and evaluation, in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hitforge.onnx_graphs.parts import StoredColumns
from hitforge.scaling import fit_scaling
from hitforge.studies.scouting_egamma.evaluation.calibration import apply_calibration
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample
from hitforge.studies.scouting_egamma.features import CELLS, FEATURE_NAMES, feature_set
from hitforge.studies.scouting_egamma.models import graph, inputs
from hitforge.studies.scouting_egamma.models.trees import categories, tree_columns
from hitforge.studies.scouting_egamma.settings import EgammaModelSettings


@pytest.fixture(scope="module")
def columns() -> NDArray[np.float32]:
    """Columns of any size and sign, some missing; cells of energies, also without any; flags of all categories."""
    random = np.random.default_rng(1)
    made = random.normal(0, 30, (200, len(FEATURE_NAMES))).astype(np.float32)
    made[random.random(made.shape) < 0.05] = np.nan
    cells = [FEATURE_NAMES.index(name) for name in CELLS]
    made[:, cells] = random.exponential(5, (200, 25)) * (random.random((200, 25)) < 0.6)
    made[:2, cells] = 0
    for name in ("is_electron", "is_eb"):
        made[:, FEATURE_NAMES.index(name)] = random.integers(0, 2, 200)
    for name in ("pt", "eta"):
        made[:, FEATURE_NAMES.index(name)] = random.normal(0, 40 if name == "pt" else 1.5, 200)
    return made


def stored(columns: NDArray[np.float32]) -> StoredColumns:
    return StoredColumns(torch.from_numpy(columns), FEATURE_NAMES, set())


@pytest.mark.parametrize("image", ["ratios", "emax", "log_emax", "log_weights", "energies", "off"])
def test_tensors_of_networks(image: str, columns: NDArray[np.float32]) -> None:
    network = {"image": image, "loss": "absolute"}
    model = EgammaModelSettings.model_validate({"kind": "network", "features": "seed_network", "network": network})
    names = feature_set("seed_network")
    scaling = fit_scaling([(columns[::2], np.zeros(100, np.int16))], FEATURE_NAMES, 10, [1])
    own = columns[:, [FEATURE_NAMES.index(name) for name in names]]
    expected = inputs.network_inputs(model, scaling, names)(columns, own.copy())
    parts = graph.model_graph(model, scaling, names)
    assert parts.inputs is not None
    found = parts.inputs(stored(columns), torch.from_numpy(own))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name].numpy(), values, rtol=1e-6, atol=1e-6, err_msg=name)


def test_the_ensemble_s_columns() -> None:
    random = np.random.default_rng(1)
    members = {name: random.uniform(0.5, 1.5, (50, 3)).astype(np.float32) for name in ("y", "ln_y_sigma")}
    mean = {name: values.mean(axis=1) for name, values in members.items()}
    model = EgammaModelSettings.model_validate({"kind": "network"})
    expected = inputs.combine(model, members, dict(mean))
    found = graph.combine(*({name: torch.from_numpy(v) for name, v in given.items()} for given in (members, mean)))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name].numpy(), values, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("objective", ["squared", "quantile"])
def test_columns_of_boosters(objective: str, columns: NDArray[np.float32]) -> None:
    trees = {"objective": objective} | ({"quantiles": (0.05, 0.16, 0.5, 0.84)} if objective == "quantile" else {})
    model = EgammaModelSettings.model_validate({"kind": "trees", "trees": trees})
    shape = (4, len(columns), 4) if objective == "quantile" else (4, len(columns))
    outputs = np.random.default_rng(1).normal(0, 0.5, shape).astype(np.float32)
    expected = tree_columns(model, list(outputs), columns)
    found = graph.tree_columns(model, list(torch.from_numpy(outputs)), stored(columns))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name].numpy(), values, rtol=1e-6, err_msg=name)


def test_calibration(columns: NDArray[np.float32]) -> None:
    random = np.random.default_rng(1)
    calibration = {
        "pt_edges_gev": [10.0, 20.0, 50.0], "eta_edges": [0.8, 1.5], "sigma_scale": [1.0, 1.1, 1.2, 1.3],
        "factors": random.uniform(0.9, 1.1, (4, 4, 3)).tolist(),
    }  # fmt: skip
    n = len(columns)
    columns = columns.copy()
    pt, eta = (FEATURE_NAMES.index(name) for name in ("pt", "eta"))
    columns[:3, pt], columns[:3, eta] = 10.0, [0.8, -0.8, 1.5]  # on the edges
    y = random.uniform(0.5, 1.5, n).astype(np.float32)
    y[:3] = 1
    ones = np.ones(n)
    unused: Any = dict.fromkeys(("y_true", "gen_pt", "gen_eta", "quality", "observable", "weights", "factor"), ones)
    sample = EnergySample(
        **unused, pt=columns[:, pt].astype(np.float64), abs_eta=np.abs(columns[:, eta]).astype(np.float64),
        category=categories(columns), observed={}, columns={"y": y.astype(np.float64), "ln_y_sigma": ones * 0.1},
    )  # fmt: skip
    expected = apply_calibration(sample, calibration)
    found = graph.calibrated(
        {"y": torch.from_numpy(y), "ln_y_sigma": torch.full((n,), 0.1)}, calibration, stored(columns)
    )
    np.testing.assert_allclose(found["y_calibrated"].numpy(), expected.factor * y, rtol=1e-6)
    np.testing.assert_allclose(found["ln_y_sigma_calibrated"].numpy(), expected.columns["ln_y_sigma"], rtol=1e-6)
    assert len(np.unique(expected.factor)) > 30
