"""The muon network: sizes, initialisation, options, and equality with the plain reference implementation."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from hitforge.studies.calo_muon.models.networks.blocks import SqueezeExcitation, plan_blocks
from hitforge.studies.calo_muon.models.networks.network import MuonNetwork, build_network, describe_network
from hitforge.studies.calo_muon.models.networks.running_norm import RunningBatchNorm
from hitforge.studies.calo_muon.settings import NetworkSettings
from tests.unit.calo_muon.oracle_network import OracleNetwork, load_oracle, oracle_name

GRID = (50, 32, 32)
SMALL = (12, 9, 10)
BLOCKS = [
    ([1, 50, 32, 32], [9, 26, 17, 17], 2330),
    ([9, 26, 17, 17], [10, 26, 17, 17], 4457),
    ([10, 26, 17, 17], [11, 26, 17, 17], 5492),
    ([11, 26, 17, 17], [17, 14, 9, 9], 18576),
    ([17, 14, 9, 9], [18, 14, 9, 9], 15831),
    ([18, 14, 9, 9], [19, 14, 9, 9], 17734),
    ([19, 14, 9, 9], [29, 8, 5, 5], 56307),
    ([29, 8, 5, 5], [30, 8, 5, 5], 45972),
    ([30, 8, 5, 5], [31, 8, 5, 5], 49177),
    ([31, 8, 5, 5], [47, 5, 3, 3], 151107),
    ([47, 5, 3, 3], [48, 5, 3, 3], 120566),
    ([48, 5, 3, 3], [49, 5, 3, 3], 125820),
]


def make_batch(n: int, shape: tuple[int, int, int] = GRID, n_features: int = 28) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    grid = torch.rand(n, 1, *shape, generator=generator)
    grid = torch.where(grid < 0.06, 20 * grid, 0.0)
    return torch.randn(n, n_features, generator=generator), grid


def test_sizes_of_the_paper_network() -> None:
    network = build_network(NetworkSettings(), 28, GRID, seed=1)
    network.train()
    described = json.loads(json.dumps(describe_network(network)))
    assert network.training
    assert (described["n_parameters"], described["n_frozen"]) == (636570, 32)
    layers = {layer["name"]: layer for layer in described["layers"]}
    for index, (inputs, outputs, parameters) in enumerate(BLOCKS):
        layer = layers[f"block {index}"]
        assert (layer["input_shape"], layer["output_shape"], layer["n_parameters"]) == (inputs, outputs, parameters)
    assert layers["convolutions and pooling"]["n_parameters"] == 613369
    assert layers["convolutions and pooling"]["output_shape"] == [98]
    assert sum(layers[f"dense {i}"]["n_parameters"] for i in range(4)) == 23201
    # The description's dummy batch must leave no trace in the running sums.
    assert all(value.sum() == 0 for name, value in network.state_dict().items() if name.endswith("square_sums"))


def test_features_only() -> None:
    network = build_network(NetworkSettings(cnn=False), 28, GRID, seed=1)
    described = describe_network(network)
    assert (described["n_parameters"], described["n_frozen"]) == (15361, 0)
    assert network(torch.randn(3, 28)).shape == (3,)


@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
@pytest.mark.parametrize("blocks", [3, 1])
def test_equals_the_oracle(blocks: int, last: bool) -> None:
    network = build_network(NetworkSettings(blocks_per_resolution=blocks), 28, GRID, seed=3)
    oracle = OracleNetwork(blocks_per_resolution=blocks)
    load_oracle(oracle, network)
    if last:
        network = network.to(memory_format=torch.channels_last_3d)
    features, grid = make_batch(3)
    seed = torch.tensor([1.0, -2.0, 0.5])
    for _ in range(2):  # the second batch meets running sums that hold the first
        network.zero_grad()
        oracle.zero_grad()
        ours, theirs = network(features, grid), oracle(features, grid)
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4 * theirs.abs().max().item())
        ours.backward(seed)
        theirs.backward(seed)
        expected = dict(oracle.named_parameters())
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                counterpart = oracle_name(name)
                assert counterpart is not None
                theirs_grad = expected[counterpart].grad
                assert theirs_grad is not None and parameter.grad is not None
                assert (parameter.grad - theirs_grad).norm() <= 1e-4 * theirs_grad.norm(), name
        # Same state again: rounding differences would otherwise grow from step to step.
        load_oracle(oracle, network)
    network.eval()
    oracle.eval()
    with torch.no_grad():
        expected_values = oracle(features, grid)
        torch.testing.assert_close(network(features, grid), expected_values, rtol=1e-4, atol=1e-3)


def test_initialisation() -> None:
    network = build_network(NetworkSettings(), 28, GRID, seed=7)
    state = network.state_dict()
    kernel = state["encoder.blocks.10.convolutions.1.weight"]
    assert kernel.std().item() == pytest.approx(math.sqrt(2 / (47 * 27)), rel=0.02)
    dense = state["dense.0.weight"]
    assert dense.std().item() == pytest.approx(math.sqrt(2 / 126), rel=0.03)
    excite = state["encoder.blocks.11.excitation.excite.weight"]
    assert excite.std().item() == pytest.approx(math.sqrt(2 / (48 + 12)), rel=0.1)
    assert state["output.weight"].std().item() == pytest.approx(math.sqrt(2 / 81), rel=0.3)
    for name, value in state.items():
        if name.endswith("energy_sum.weight") or ("convolutions" in name and value.ndim == 1 and "weight" in name):
            assert (value == 1).all(), name
        if name.endswith("bias") and name != "encoder.blocks.0.shortcut.1.bias":
            assert (value == 0).all(), name
    shortcut_bias = state["encoder.blocks.0.shortcut.1.bias"]
    assert ((shortcut_bias != 0) & (shortcut_bias.abs() <= 1)).all()


def test_seed_fixes_the_parameters_and_nothing_else() -> None:
    before = torch.random.get_rng_state()
    first, same, other = (build_network(NetworkSettings(), 28, SMALL, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(value, same[name]) for name, value in first.items())
    assert not torch.equal(first["output.weight"], other["output.weight"])


def train_step(network: MuonNetwork, features: Tensor, grid: Tensor) -> dict[str, Tensor]:
    network.train()
    (network(features, grid) - 100).square().mean().backward()
    return {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


def test_repeats_bit_for_bit() -> None:
    features, grid = make_batch(4)
    gradients = []
    for _ in range(2):
        network = build_network(NetworkSettings(), 28, GRID, seed=1).to(memory_format=torch.channels_last_3d)
        gradients.append(train_step(network, features, grid))
    assert all(torch.equal(value, gradients[1][name]) for name, value in gradients[0].items())


@pytest.mark.parametrize(
    "options",
    [
        {"energy_pass": False},
        {"identity_path": False},
        {"squeeze_excitation": 0},
        {"squeeze_excitation": 0, "identity_path": False, "energy_pass": False},
        {"norm": "nominal"},
        {"norm": "off"},
        {"pooling": False},
        {"input_norm": True},
        {"coordinates": True},
        {"coordinates": True, "input_norm": True, "norm": "nominal"},
        {"bottleneck": True},
        {"bottleneck": True, "groups": 4},
        {"full_resolution_blocks": 2},
        {"first_kernel": 2},
        {"blocks_per_resolution": 1, "resolutions": 3, "channel_factor": 2.0, "first_channels": 6},
        {"cnn": False, "dense_layers": 2, "dense_width": 40},
    ],
    ids=str,
)
def test_every_option_trains(options: dict[str, Any]) -> None:
    settings = NetworkSettings.model_validate(options)
    network = build_network(settings, 5, SMALL, seed=1)
    features, grid = make_batch(4, SMALL, 5)
    gradients = train_step(network, features, grid)
    trainable = {name for name, p in network.named_parameters() if p.requires_grad}
    assert set(gradients) == trainable
    assert all(torch.isfinite(value).all() for value in gradients.values())
    network.eval()
    with torch.inference_mode():
        prediction = network(features, grid if settings.cnn else None)
    assert prediction.shape == (4,)
    assert torch.isfinite(prediction).all()
    json.dumps(describe_network(network))


def test_channel_rule_without_energy_pass() -> None:
    plans = plan_blocks(NetworkSettings(energy_pass=False), GRID)
    assert [plan.out_channels for plan in plans] == [8, 8, 8, 12, 12, 12, 18, 18, 18, 27, 27, 27]
    assert [plan.in_channels for plan in plans] == [1, 8, 8, 8, 12, 12, 12, 18, 18, 18, 27, 27]


def test_full_resolution_blocks_come_first() -> None:
    plans = plan_blocks(NetworkSettings(full_resolution_blocks=2), GRID)
    assert [(plan.out_channels, plan.grid) for plan in plans[:3]] == [(4, GRID), (5, GRID), (8, (26, 17, 17))]


def test_no_pooling_flattens() -> None:
    network = build_network(NetworkSettings(pooling=False), 28, GRID, seed=1)
    assert network.dense[0].in_features == 28 + 2205


def test_energy_channel_is_the_summed_energy() -> None:
    network = build_network(NetworkSettings(), 28, GRID, seed=1).eval()
    _, grid = make_batch(2)
    assert network.encoder is not None
    x, energy = grid, grid
    with torch.no_grad():
        for block in network.encoder.blocks:
            x, energy = block(x, energy)
            torch.testing.assert_close(x[:, :1], energy)
            torch.testing.assert_close(energy.sum((1, 2, 3, 4)), grid.sum((1, 2, 3, 4)), rtol=1e-5, atol=0)


def test_excitation_gradients() -> None:
    torch.manual_seed(1)
    module = SqueezeExcitation(4, 2).double()
    residual, skip = (torch.randn(2, 4, 2, 3, 2, dtype=torch.double, requires_grad=True) for _ in range(2))
    energy = torch.randn(2, 1, 2, 3, 2, dtype=torch.double, requires_grad=True)
    parameters = tuple(module.parameters())

    def run(residual: Tensor, skip: Tensor, energy: Tensor, *values: Tensor) -> Tensor:
        named = dict(zip(dict(module.named_parameters()), values, strict=True))
        return torch.func.functional_call(module, named, (residual, skip, energy))

    assert torch.autograd.gradcheck(run, (residual, skip, energy, *parameters))
    assert torch.autograd.gradcheck(lambda r: module(r, None, None), (residual,))


def test_compiler_sees_the_whole_network() -> None:
    """Without a break in its graph, and with the results of the written-out backward passes."""
    # in double precision: rounding grows on the way back through the norms of a few small grids
    settings = NetworkSettings(resolutions=1, blocks_per_resolution=2)
    networks = [build_network(settings, 28, SMALL, seed=1).double() for _ in range(2)]
    for module in (module for network in networks for module in network.modules()):
        if isinstance(module, RunningBatchNorm):
            # torch 2.13 takes a double without dimensions for a Python number, whose changes a graph does not keep
            module.count = module.count.float()
    compiled = torch.compile(networks[1], backend="aot_eager", fullgraph=True, dynamic=False)
    features, grid = (values.double() for values in make_batch(4, SMALL))
    for _ in range(2):  # the running sums of the first batch enter the second
        outputs = [network(features, grid) for network in (networks[0], compiled)]
        for network, output in zip(networks, outputs, strict=True):
            network.zero_grad()
            output.square().mean().backward()
        torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-6, atol=1e-6)
    for (name, ours), theirs in zip(networks[0].named_parameters(), networks[1].parameters(), strict=True):
        if ours.grad is not None:
            assert theirs.grad is not None, name
            assert (theirs.grad - ours.grad).norm() <= 1e-5 * ours.grad.norm() + 1e-6, name
    torch.testing.assert_close(networks[1].state_dict(), networks[0].state_dict(), rtol=1e-6, atol=1e-6)


def test_autocast_keeps_bfloat16_between_blocks_and_energies_whole() -> None:
    network = build_network(NetworkSettings(blocks_per_resolution=1), 28, SMALL, seed=1)
    features, grid = make_batch(4, SMALL)
    assert network.encoder is not None
    seen: list[tuple[Tensor, Tensor]] = []
    handles = [
        block.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
        for block in network.encoder.blocks
    ]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        prediction = network(features, grid)
    for handle in handles:
        handle.remove()
    assert {x.dtype for x, _ in seen} == {torch.bfloat16}
    assert {energy.dtype for _, energy in seen} == {prediction.dtype} == {torch.float32}
    torch.testing.assert_close(seen[-1][1].sum((1, 2, 3, 4)), grid.sum((1, 2, 3, 4)), rtol=1e-5, atol=0)
    wide = build_network(NetworkSettings(blocks_per_resolution=1), 28, SMALL, seed=1)(features, grid)
    assert (prediction - wide).norm() < 0.1 * wide.norm()


def test_autocast_trains() -> None:
    network = build_network(NetworkSettings(blocks_per_resolution=1), 28, SMALL, seed=1)
    features, grid = make_batch(4, SMALL)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        prediction = network(features, grid)
    prediction.float().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


def test_missing_inputs_are_named() -> None:
    network = build_network(NetworkSettings(), 28, SMALL, seed=1)
    with pytest.raises(ValueError, match="28 features"):
        network(None, torch.zeros(2, 1, *SMALL))
    with pytest.raises(ValueError, match="voxel grid"):
        network(torch.zeros(2, 28), None)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"first_kernel": 3}, "even"), ({"groups": 2}, "bottleneck"), ({"features": "none", "cnn": False}, "input")],
)
def test_contradictory_settings(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        NetworkSettings.model_validate(options)
