"""The maps of a graph, in torch, against those of models and evaluation, in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hitforge.onnx_graphs.parts import StoredColumns
from hitforge.studies.calo_muon.evaluation.bias import BiasCorrection
from hitforge.studies.calo_muon.features import FEATURE_NAMES, clip_features
from hitforge.studies.calo_muon.models import graph, inputs
from hitforge.studies.calo_muon.models.networks.running_norm import RunningBatchNorm, Swish
from hitforge.studies.calo_muon.settings import DensitySettings

NOTHING = StoredColumns(torch.zeros(8, 0), (), set())


def test_the_curvature_is_clipped() -> None:
    features = np.random.default_rng(1).normal(0, 2e4, (50, 28)).astype(np.float32)
    features[0, FEATURE_NAMES.index("emeas")] = np.nan
    clip = graph.clip(FEATURE_NAMES)
    assert clip is not None and graph.clip(("eabove",)) is None
    np.testing.assert_array_equal(clip(torch.from_numpy(features)).numpy(), clip_features(features))


def test_the_median_of_a_density() -> None:
    grid = DensitySettings()
    density = np.random.default_rng(1).dirichlet(np.full(grid.bins, 0.1), 200).astype(np.float32)
    density[0] = 0
    density[0, -1] = 1
    found = graph.median(torch.from_numpy(density), torch.tensor(grid.edges_gev())).numpy()
    np.testing.assert_allclose(found, inputs._median(density, grid), rtol=1e-6)


@pytest.mark.parametrize(
    "bias",
    [
        BiasCorrection(kind="linear", ok=True, e_min_gev=100, e_max_gev=4000, a=0.8, b=120),
        BiasCorrection(kind="power", ok=True, e_min_gev=100, e_max_gev=4000, a=2.0, p=0.9, c=50),
    ],
)
def test_the_bias_correction(bias: BiasCorrection) -> None:
    energy = np.array([-5.0, 30.0, 120.0, 500.0, 2000.0, 3500.0, 4000.0, 9000.0], dtype=np.float32)
    columns = {"energy": torch.from_numpy(energy)}
    found = graph.calibrated(columns, {"ensemble": bias.model_dump()}, NOTHING)["energy_calibrated"]
    np.testing.assert_allclose(found.numpy(), bias.correct(energy), rtol=1e-6)
    lacking = bias.model_copy(update={"ok": False, "reason": "too few"})
    assert graph.calibrated(columns, {"ensemble": lacking.model_dump()}, NOTHING) == {}


@pytest.mark.parametrize("swish", ["none", "before", "after"])
def test_a_running_norm_that_stands_still(swish: Swish) -> None:
    norm = RunningBatchNorm(3, swish)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, -2.0, 0.5]))
        norm.bias.copy_(torch.tensor([0.1, 0.2, -0.3]))
    for _ in range(3):
        norm(torch.randn(16, 3, 4, 5, 6, generator=torch.Generator().manual_seed(1)) * 3 + 1)
    x = torch.randn(8, 3, 4, 5, 6, generator=torch.Generator().manual_seed(2))
    network = graph.with_fixed_norms(torch.nn.Sequential(torch.nn.Identity(), norm)).eval()
    assert isinstance(network[1], graph.FixedNorm)
    torch.testing.assert_close(network(x), norm.eval()(x), rtol=1e-5, atol=1e-6)
