"""Network predictions: against a plain forward pass, whatever else is in the job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hitforge.prediction import predict_members
from hitforge.shards import Shard
from hitforge.studies.calo_muon.models.losses import HuberisedLoss
from hitforge.studies.calo_muon.models.networks.network import build_network
from hitforge.studies.calo_muon.settings import NetworkSettings
from hitforge.training.dataset import index_events
from hitforge.training.loop import train_member
from hitforge.training.member_files import TrainedMember, load_member, save_member
from hitforge.training.settings import ScheduleSettings
from hitforge.training.window import EventSource
from tests.unit.training.training_toy import CPU, N_FOLDS, ToyNetwork, toy_settings, toy_source, write_toy_shards

SETTINGS = toy_settings(prediction_batch=32)


def energy_and_pair(output: Tensor) -> dict[str, Tensor]:
    return {"energy": output, "pair": torch.stack([output, -output], dim=1)}


def predict_network(network: nn.Module, source: EventSource) -> NDArray[np.float32]:
    """Energies of a single network, shape (N,)."""
    return predict_members([network], energy_and_pair, source, SETTINGS, CPU)["energy"][:, 0]


def test_against_a_plain_forward_pass(shards: list[Path]) -> None:
    index = index_events(shards)
    networks = [ToyNetwork(seed) for seed in (1, 2)]
    found = predict_members(networks, energy_and_pair, toy_source(index, target=None), SETTINGS, CPU)
    np.testing.assert_array_equal(found["pair"], np.stack([found["energy"], -found["energy"]], axis=-1))
    found = found["energy"]
    assert found.shape == (290, 2) and found.dtype == np.float32
    expected = []
    for path in shards:
        with Shard(path) as shard:
            grid = torch.from_numpy(shard.hits(0, len(shard)).to_dense(24))
            features = torch.from_numpy(shard.column("features")[:, 1:])
        with torch.no_grad():
            expected.append(torch.stack([network(features, grid) for network in networks], dim=1).numpy())
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-5)
    one = predict_network(networks[1], toy_source(index, target=None))
    np.testing.assert_array_equal(one, found[:, 1])


def test_bits_do_not_depend_on_the_other_shards(shards: list[Path]) -> None:
    network = ToyNetwork(3)
    together = predict_network(network, toy_source(index_events(shards), target=None))
    alone = [predict_network(network, toy_source(index_events([path]), target=None)) for path in shards]
    np.testing.assert_array_equal(np.concatenate(alone), together)


def test_chosen_folds_and_no_events(shards: list[Path], tmp_path: Path) -> None:
    network = ToyNetwork(3)
    index = index_events(shards)
    everything = predict_network(network, toy_source(index))
    some = predict_network(network, toy_source(index, [0]))
    np.testing.assert_allclose(some, everything[index.bucket % N_FOLDS == 0], rtol=1e-6)
    empty = index_events(write_toy_shards(tmp_path, [0]))
    nothing = predict_members([network] * 3, energy_and_pair, toy_source(empty), SETTINGS, CPU)
    assert {name: values.shape for name, values in nothing.items()} == {"energy": (0, 3), "pair": (0, 3, 2)}


def test_the_paper_network_resumes_and_predicts(tmp_path: Path) -> None:
    """The study's network with one block per resolution: running norm and frozen kernels go through it all."""
    settings = toy_settings(
        batch_size=8,
        prediction_batch=8,
        schedule=ScheduleSettings(warmup_epochs=1, decay_epochs=1, step_epochs=1),
    )
    shape = (12, 8, 8)
    paths = write_toy_shards(tmp_path, [60], voxel_shape=shape)
    index = index_events(paths)

    def build(seed: int) -> nn.Module:
        return build_network(NetworkSettings(blocks_per_resolution=1, resolutions=2), 1, grid_shape=shape, seed=seed)

    def run(name: str, on_batch: Callable[[int, int], None] | None = None) -> TrainedMember:
        return train_member(
            build, HuberisedLoss(settings.loss), toy_source(index, (2, 3, 4, 5)), toy_source(index, (1,)),
            settings, seed=1, device=CPU, checkpoint=tmp_path / f"{name}.pt", config_hash="", on_batch=on_batch,
        )  # fmt: skip

    def kill(epoch: int, batch: int) -> None:
        if (epoch, batch) == (2, 1):
            raise KeyboardInterrupt

    straight = run("a")
    with pytest.raises(KeyboardInterrupt):
        run("b", kill)
    resumed = run("b")
    assert resumed.history == straight.history
    networks = []
    for name, member in (("a", straight), ("b", resumed)):
        path = tmp_path / f"{name}.safetensors"
        save_member(path, member, {})
        weights, _ = load_member(path)
        network = build(99)
        network.load_state_dict(weights)
        networks.append(network)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    found = predict_members(networks, energy_and_pair, toy_source(index), settings, CPU)["energy"]
    assert np.isfinite(found).all() and found.std() > 0
    np.testing.assert_array_equal(found[:, 0], found[:, 1])
