"""From a model's settings to its network: the paper's, or one on layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hitforge.studies.calo_muon.data.geometry import Geometry, load_geometry
from hitforge.studies.calo_muon.data.layers import channel_names
from hitforge.studies.calo_muon.features import feature_set
from hitforge.studies.calo_muon.models.networks import network as paper
from hitforge.studies.calo_muon.models.networks.layer_network import ENERGY_UNIT_GEV, build_layer_network
from hitforge.studies.calo_muon.settings import CaloModelSettings, DensitySettings, LayerSettings


def build_network(
    model: CaloModelSettings,
    n_features: int,
    seed: int,
    *,
    geometry: str | Geometry,
    layers: LayerSettings,
    density: DensitySettings,
) -> nn.Module:
    """Return the freshly initialised network of a model."""
    if model.layer_network is None:
        return paper.build_network(model.network, n_features, load_geometry(geometry).shape, seed)
    kind = model.training.loss.kind
    outputs = density.bins if kind == "density" else 1
    unit = ENERGY_UNIT_GEV if kind == "squared" else 1.0
    return build_layer_network(model.layer_network, n_features, len(channel_names(layers)), outputs, unit, seed)


def multiply_adds(
    model: CaloModelSettings, network: nn.Module, *, geometry: str | Geometry, layers: LayerSettings
) -> int:
    """Return the multiply-adds of a prediction for one muon: those of all convolutions and dense layers."""
    block, total = load_geometry(geometry), 0
    inputs = {"features": torch.zeros(1, len(feature_set(model.features, layers=layers)))}
    if model.layer_network is not None:
        inputs["layers"] = torch.zeros(1, len(channel_names(layers)), block.n_z)
    else:
        inputs["grid"] = torch.zeros(1, 1, *block.shape)

    def count(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        # each output is a sum over what one row of the weights sees
        total += output.numel() * next(module.parameters())[0].numel()

    counted = [m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv1d | nn.Conv3d)]
    handles = [module.register_forward_hook(count) for module in counted]
    try:
        with torch.inference_mode():
            network.eval()(**inputs)
    finally:
        for handle in handles:
            handle.remove()
    return total
