"""From a model's settings to its network, its tensors, its loss and what its outputs mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hitforge.hits import CellHits
from hitforge.studies.calo_muon.data.geometry import Geometry
from hitforge.studies.calo_muon.data.layers import as_tensor, channel_names, layer_profiles
from hitforge.studies.calo_muon.features import feature_set
from hitforge.studies.calo_muon.models.losses import DensityLoss, EnergyLoss
from hitforge.studies.calo_muon.models.networks import network as paper
from hitforge.studies.calo_muon.models.networks.layer_network import ENERGY_UNIT_GEV, build_layer_network
from hitforge.studies.calo_muon.settings import CaloMuonSettings, LayerSettings
from hitforge.training.losses import MemberLoss
from hitforge.training.window import HitTensors


def layer_tensors(columns: Sequence[str], geometry: Geometry, settings: LayerSettings) -> HitTensors:
    """Return the tensor ``layers``, shape (C, n_z) a muon, made of its hits around its entry point."""
    x, y = columns.index("entry_x"), columns.index("entry_y")

    def make(hits: CellHits, features: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        profiles = layer_profiles(hits, features[:, x], features[:, y], geometry, settings)
        return {"layers": as_tensor(profiles, settings)}

    return HitTensors({"layers": (len(channel_names(settings)), geometry.n_z)}, make)


def build_network(settings: CaloMuonSettings, model: str, geometry: Geometry, seed: int) -> nn.Module:
    """Return the freshly initialised network of a model: the paper's, or one on layers."""
    own = settings.models[model]
    n_features = len(feature_set(own.features, settings.layers))
    if own.layer_network is None:
        return paper.build_network(own.network, n_features, geometry.shape, seed)
    kind = own.training.loss.kind
    outputs = settings.density.bins if kind == "density" else 1
    unit = ENERGY_UNIT_GEV if kind == "squared" else 1.0
    channels = len(channel_names(settings.layers))
    return build_layer_network(own.layer_network, n_features, channels, outputs, unit, seed)


def multiply_adds(settings: CaloMuonSettings, model: str, geometry: Geometry, network: nn.Module) -> int:
    """Return the multiply-adds of a prediction for one muon: those of all convolutions and dense layers."""
    own, total = settings.models[model], 0
    inputs = {"features": torch.zeros(1, len(feature_set(own.features, settings.layers)))}
    if own.layer_network is not None:
        inputs["layers"] = torch.zeros(1, len(channel_names(settings.layers)), geometry.n_z)
    else:
        inputs["grid"] = torch.zeros(1, 1, *geometry.shape)

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


def build_loss(settings: CaloMuonSettings, model: str) -> MemberLoss:
    """Return the fresh loss of a model."""
    loss = settings.models[model].training.loss
    return DensityLoss(settings.density.edges_gev(), loss) if loss.kind == "density" else EnergyLoss(loss)


def output_columns(settings: CaloMuonSettings, model: str, output: Tensor) -> Mapping[str, Tensor]:
    """Return the columns of what a network gave for n muons.

    Returns
    -------
    mapping
        ``energy``, shape (n,), GeV, and, of a density, ``density``, shape (n, bins): the probabilities of the bins.
    """
    kind = settings.models[model].training.loss.kind
    if kind == "density":
        density = torch.softmax(output.float(), dim=1)
        return {"energy": torch.from_numpy(_median(density.detach().cpu().numpy(), settings)), "density": density}
    return {"energy": output.float().exp() if kind == "log" else output}


def combined_columns(
    settings: CaloMuonSettings, means: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """Return the columns of an ensemble from the weighted means of those of its members."""
    combined = dict(means)
    if "density" in means:
        combined["energy"] = _median(means["density"], settings)
    return combined


def _median(density: NDArray[np.floating], settings: CaloMuonSettings) -> NDArray[np.float32]:
    """Return the medians, shape (n,), GeV, of probabilities of the bins, shape (n, bins), flat within a bin."""
    edges = settings.density.edges_gev()
    below = np.cumsum(density, axis=1, dtype=np.float64)
    half = 0.5 * below[:, -1]
    k = np.argmax(below >= half[:, None], axis=1)
    rows = np.arange(len(density))
    inside = (half - (below[rows, k] - density[rows, k])) / np.maximum(density[rows, k], 1e-300)
    return np.asarray(edges[k] + inside * np.diff(edges)[k], dtype=np.float32)
