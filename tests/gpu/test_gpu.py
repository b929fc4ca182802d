"""On a GPU the network gives what it gives on the CPU, within single precision."""

from __future__ import annotations

import pytest
import torch

from hitforge.studies.calo_muon.models.networks.network import build_network
from hitforge.studies.calo_muon.settings import NetworkSettings
from hitforge.training.device import resolve_device

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


def test_outputs_and_gradients_agree_with_the_cpu() -> None:
    generator = torch.Generator().manual_seed(1)
    grid = torch.rand(8, 1, 50, 32, 32, generator=generator)
    features = torch.randn(8, 28, generator=generator)
    outputs, gradients = [], []
    for device in (torch.device("cpu"), resolve_device("cuda")):
        network = build_network(NetworkSettings(), 28, (50, 32, 32), seed=1).to(device)
        output = network(features.to(device), grid.to(device))
        output.square().mean().backward()
        outputs.append(output.detach().cpu())
        weight = network.output.weight.grad
        assert weight is not None
        gradients.append(weight.cpu())
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-2, atol=1e-3)
