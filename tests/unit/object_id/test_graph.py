"""The maps of a graph, in torch, against those of models and evaluation, in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hitforge.onnx_graphs.parts import StoredColumns
from hitforge.scaling import fit_scaling
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.layout import layout
from hitforge.studies.object_id.evaluation.calibration import tempered
from hitforge.studies.object_id.features import feature_set
from hitforge.studies.object_id.models import graph, inputs
from hitforge.studies.object_id.settings import ObjectModelSettings

IMAGE = ImageSettings(rows=8, columns=7)


@pytest.mark.parametrize("cells", ["log", "energy", "share", "maximum"])
@pytest.mark.parametrize(
    "about",
    [
        {"features": "none", "without": ("had",), "network": {"architecture": "seed_cnn"}},
        {"features": "default", "network": {"architecture": "residual"}},
    ],
)
def test_tensors_of_networks(cells: str, about: dict[str, Any]) -> None:
    random = np.random.default_rng(1)
    names = layout(image=IMAGE).feature_names
    columns = random.exponential(1, (60, len(names))).astype(np.float32)
    columns[:, : IMAGE.n_cells * 2][random.random((60, IMAGE.n_cells * 2)) < 0.5] = 0
    columns[0] = 0
    columns[5, -1] = np.nan
    network = {**about["network"], "cells": cells}
    model = ObjectModelSettings.model_validate({"kind": "network", **about, "network": network})
    own_names = feature_set(model.features)
    scaling = fit_scaling([(columns[::2], np.zeros(30, np.int16))], names, 10, [1])
    own = columns[:, [names.index(name) for name in own_names]]
    expected = inputs.network_inputs(model, scaling, own_names, image=IMAGE)(columns, own.copy())
    parts = graph.model_graph(model, scaling, own_names, image=IMAGE)
    assert parts.inputs is not None
    found = parts.inputs(StoredColumns(torch.from_numpy(columns), names, set()), torch.from_numpy(own))
    assert found.keys() == expected.keys() and expected["image"].any()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name].numpy(), values, rtol=1e-6, atol=1e-7, err_msg=name)


def test_temperature() -> None:
    raw = np.random.default_rng(1).dirichlet(np.full(4, 0.1), 50).astype(np.float32)
    raw[0] = (1, 0, 0, 0)
    given = {"class_probabilities": torch.from_numpy(raw)}
    nothing = StoredColumns(torch.zeros(50, 0), (), set())
    found = graph.calibrated(given, {"temperature": 0.7}, nothing)["class_probabilities_calibrated"]
    np.testing.assert_allclose(found.numpy(), tempered(raw.astype(np.float64), 0.7), rtol=1e-6, atol=1e-9)
    assert graph.calibrated(given, {"temperature": None}, nothing) == {}
