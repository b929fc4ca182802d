"""What networks are given of a muon's hits, and what their outputs and those of an ensemble mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hitforge.hits import CellHits
from hitforge.studies.calo_muon.data.geometry import Geometry, load_geometry
from hitforge.studies.calo_muon.data.layers import as_tensor, channel_names, layer_profiles
from hitforge.studies.calo_muon.features import column_units
from hitforge.studies.calo_muon.settings import CaloModelSettings, DensitySettings, LayerSettings
from hitforge.training.window import HitTensors


def uses_voxels(model: CaloModelSettings) -> bool:
    """Whether a network has convolutions of the grid."""
    return model.layer_network is None and model.network.cnn


def hit_tensors(model: CaloModelSettings, *, geometry: str | Geometry, layers: LayerSettings) -> HitTensors | None:
    """Return the tensor ``layers`` of the models that take it, shape (C, n_z) a muon: its hits around its entry."""
    if model.layer_network is None:
        return None
    block, columns = load_geometry(geometry), list(column_units(layers))
    x, y = columns.index("entry_x"), columns.index("entry_y")

    def make(hits: CellHits, features: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        profiles = layer_profiles(hits, features[:, x], features[:, y], block, layers)
        return {"layers": as_tensor(profiles, layers)}

    return HitTensors({"layers": (len(channel_names(layers)), block.n_z)}, make)


def output_columns(model: CaloModelSettings, output: Tensor, *, density: DensitySettings) -> Mapping[str, Tensor]:
    """Return the columns of what a network gave for n muons.

    Returns
    -------
    mapping
        ``energy``, shape (n,), GeV, and, of a density, ``density``, shape (n, bins): the probabilities of the bins.
    """
    kind = model.training.loss.kind
    if kind == "density":
        found = torch.softmax(output.float(), dim=1)
        return {"energy": torch.from_numpy(_median(found.detach().cpu().numpy(), density)), "density": found}
    return {"energy": output.float().exp() if kind == "log" else output}


def combine(
    model: CaloModelSettings,
    members: Mapping[str, NDArray[np.float32]],
    mean: Mapping[str, NDArray[np.float32]],
    *,
    density: DensitySettings,
) -> dict[str, NDArray[np.float32]]:
    """Return the weighted mean of the members; the energy of a density is that of the mean density."""
    return {**mean, "energy": _median(mean["density"], density)} if "density" in mean else dict(mean)


def ensemble_weights(losses: Sequence[float] | NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the weights of the members, inverse to their best monitoring loss and summing to one.

    As arXiv:2107.02119 has it (ensembling). Each member has its own monitoring fold, so the losses are not on identical
    data; the paper accepts that.

    Parameters
    ----------
    losses : sequence of float, length M
        Best weighted monitoring loss of every member, finite and positive.

    Returns
    -------
    ndarray, shape (M,), float64
    """
    values = np.asarray(losses, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError("ensemble_weights: needs the loss of at least one member")
    if not np.all(np.isfinite(values) & (values > 0)):
        raise ValueError(f"ensemble_weights: losses must be finite and positive, got {values.tolist()}")
    # Relative to the smallest loss: 1/loss itself could overflow.
    inverse = values.min() / values
    return np.asarray(inverse / inverse.sum(), dtype=np.float64)


def _median(density: NDArray[np.floating], grid: DensitySettings) -> NDArray[np.float32]:
    """Return the medians, shape (n,), GeV, of probabilities of the bins, shape (n, bins), flat within a bin."""
    edges = grid.edges_gev()
    below = np.cumsum(density, axis=1, dtype=np.float64)
    half = 0.5 * below[:, -1]
    k = np.argmax(below >= half[:, None], axis=1)
    rows = np.arange(len(density))
    inside = (half - (below[rows, k] - density[rows, k])) / np.maximum(density[rows, k], 1e-300)
    return np.asarray(edges[k] + inside * np.diff(edges)[k], dtype=np.float32)
