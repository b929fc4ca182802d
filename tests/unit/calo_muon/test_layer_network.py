"""The network on layers, its losses, and what its outputs mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from hitforge.config import load_settings
from hitforge.hits import CellHits
from hitforge.scaling import Scaling
from hitforge.stages.predict import ensemble_prediction
from hitforge.studies.base import Study, load_study
from hitforge.studies.calo_muon.data.geometry import load_geometry
from hitforge.studies.calo_muon.data.layers import as_tensor, layer_profiles
from hitforge.studies.calo_muon.models.losses import DensityLoss, EnergyLoss
from hitforge.studies.calo_muon.settings import DensitySettings, LossSettings
from tests.unit.calo_muon.part_builders import make_muons

MODELS = ("layers", "layers_w", "layers_we", "layers_log", "layers_density")


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study("calo_muon", load_settings({"studies": ["calo_muon"]}).studies["calo_muon"])


def inputs_of(study: Study, model: str, n: int) -> dict[str, torch.Tensor]:
    muons = make_muons(n)
    columns = study.layout.feature_names
    raw = np.zeros((n, len(columns)), np.float32)
    raw[:, columns.index("entry_x")], raw[:, columns.index("entry_y")] = muons.x_mm, muons.y_mm
    ones, zeros = (1.0,) * len(columns), (0.0,) * len(columns)
    scaling = Scaling(names=columns, mean=zeros, std=ones, low=zeros, high=ones, n_events=n, held_out=(0,))
    features = study.network_inputs(model, scaling)
    tensors = study.hit_tensors(model)
    assert features is not None and tensors is not None
    made = {**features(raw), **tensors.make(muons.hits, raw)}
    assert {name: made[name].shape[1:] for name in tensors.shapes} == tensors.shapes
    return {name: torch.from_numpy(values) for name, values in made.items()}


@pytest.mark.parametrize("model", MODELS)
def test_every_model_builds_predicts_and_learns(study: Study, model: str) -> None:
    network, loss = study.build_network(model, 1), study.build_loss(model)
    inputs = inputs_of(study, model, 6)
    assert not study.uses_voxels(model)
    target = torch.tensor([80.0, 500.0, 1000.0, 2500.0, 5000.0, 7900.0])
    columns = study.output_columns(model, network(**inputs))
    assert columns["energy"].shape == (6,)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        value = loss(network(**inputs), target, torch.ones(6))
        value.backward()
        optimiser.step()
        losses.append(value.item())
    assert np.mean(losses[-10:]) < 0.6 * losses[0]
    assert sum(p.numel() for p in network.parameters()) < 70_000


def test_the_seed_fixes_the_network(study: Study) -> None:
    first, same, other = (study.build_network("layers", seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["output.weight"], other["output.weight"])


def test_the_cost_is_that_of_convolutions_and_dense_layers(study: Study) -> None:
    # 24 places of 25 x 4 x 48, four times 24 x 48 x 3 x 48, and 172 x 96 + 96 x 96 + 96
    by_hand = 24 * 25 * 4 * 48 + 4 * 24 * 48 * 3 * 48 + 172 * 96 + 96 * 96 + 96
    assert study.network_operations("layers", study.build_network("layers", 0)) == by_hand
    # arXiv:2107.02119's network: 0.38 GFLOP forward
    paper = study.network_operations("cnn", study.build_network("cnn", 0))
    assert paper == pytest.approx(0.38e9 / 2, rel=0.05)


def test_the_tensor_is_made_around_the_entry_point(study: Study) -> None:
    muons = make_muons(4)
    own = study.settings.layers
    expected = as_tensor(
        layer_profiles(muons.hits, muons.x_mm, muons.y_mm, load_geometry(study.settings.geometry), own), own
    )
    np.testing.assert_array_equal(inputs_of(study, "layers", 4)["layers"].numpy(), expected)


def test_density_loss_is_the_cross_entropy_of_smeared_labels() -> None:
    edges = np.array([50.0, 100.0, 400.0, 1000.0])
    loss = DensityLoss(edges, LossSettings(kind="density", smearing=0.5))
    logits, target = torch.tensor([[0.2, 1.0, -0.5], [0.0, 0.3, 2.0]]), torch.tensor([120.0, 1000.0])
    log_p = torch.log_softmax(logits, 1)
    expected = -torch.stack([log_p[0] @ torch.tensor([0.25, 0.5, 0.25]), log_p[1] @ torch.tensor([0.0, 0.25, 0.75])])
    torch.testing.assert_close(loss.per_event(logits, target), expected)
    prior = torch.tensor([300.0, 600.0]) / 950
    bits = (torch.stack([log_p[0, 1], log_p[1, 2]]) - prior.log()) / np.log(2)
    torch.testing.assert_close(loss.metrics(logits, target)["information"], bits)


def test_a_density_that_knows_nothing_has_no_information() -> None:
    edges = DensitySettings().edges_gev()
    loss = DensityLoss(edges, LossSettings(kind="density"))
    prior = torch.tensor(np.log(np.diff(edges)), dtype=torch.float32).expand(50, -1)
    energies = torch.linspace(50, 8000, 50)
    torch.testing.assert_close(loss.metrics(prior, energies)["information"], torch.zeros(50), atol=1e-5, rtol=0)


def test_energy_loss_measures_information_of_the_whole_sample() -> None:
    energies = torch.linspace(50, 8000, 2000)
    loss = EnergyLoss(LossSettings())
    assert loss.sample_metrics(energies**2, energies)["information"] > 3
    noise = torch.rand(2000, generator=torch.Generator().manual_seed(1))
    assert abs(loss.sample_metrics(noise, energies)["information"]) < 0.05


def test_the_energy_of_a_density_is_its_median(study: Study) -> None:
    edges = study.settings.density.edges_gev()
    density = np.zeros((3, 64), np.float32)
    density[0, 10] = 1.0
    density[1] = 1 / 64
    density[2, :2] = 0.5
    mean = {"energy": np.zeros(3, np.float32), "density": density}
    energy = study.combine("layers_density", {}, mean)["energy"]
    np.testing.assert_allclose(energy, [(edges[10] + edges[11]) / 2, edges[32], edges[1]], rtol=1e-6)


def test_members_of_a_density_are_averaged_as_probabilities(study: Study) -> None:
    density = np.zeros((1, 2, 64), np.float32)
    density[0, 0, 5], density[0, 1, 50] = 1.0, 1.0
    columns = {"energy": np.array([[1.0, 2.0]], np.float32), "density": density}
    mean = {name: ensemble_prediction(np.moveaxis(values, 1, 0), [0.5, 0.5]) for name, values in columns.items()}
    combined = study.combine("layers_density", columns, mean)
    assert combined["density"][0, [5, 50]].tolist() == [0.5, 0.5]
    assert combined["energy"][0] == pytest.approx(study.settings.density.edges_gev()[6])


def test_the_logarithm_becomes_an_energy(study: Study) -> None:
    columns = study.output_columns("layers_log", torch.tensor([np.log(300.0)]))
    assert float(columns["energy"][0]) == pytest.approx(300.0)


def test_settings_that_do_not_fit() -> None:
    def with_model(entry: dict[str, Any]) -> None:
        load_settings({"studies": ["calo_muon"], "calo_muon": {"models": {"mine": entry}}})

    with pytest.raises((ValueError, ValidationError), match="needs a layer_network"):
        with_model({"kind": "network", "training": {"loss": {"kind": "density"}}})
    with_model({"kind": "network", "features": "none", "layer_network": {}})


def test_fold_files_are_refused_by_models_with_layers(study: Study) -> None:
    raw = np.full((2, len(study.layout.feature_names)), np.nan, np.float32)
    raw[:, :28] = 1.0
    assert study.model_features("bdt", raw).shape == (2, 28)
    with pytest.raises(ValueError, match="entry point"):
        study.model_features("bdt_layers", raw)
    tensors = study.hit_tensors("layers")
    assert tensors is not None
    with pytest.raises(ValueError, match="entry point"):
        tensors.make(CellHits.from_dense(np.zeros((2, 51_200))), raw)
