"""A correction of candidates as a graph: the maps of ``models`` and ``evaluation.calibration`` in torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from hitforge.onnx_graphs.parts import ModelGraph, StoredColumns, Tensors, interpolation_place, scaled, without_outliers
from hitforge.scaling import Scaling
from hitforge.studies.scouting_egamma.data.moments import LOG_OFFSET
from hitforge.studies.scouting_egamma.features import CELLS, FEATURE_UNITS, Y_RANGE
from hitforge.studies.scouting_egamma.models.inputs import LEAST_ENERGY_GEV
from hitforge.studies.scouting_egamma.models.trees import LEAST_SIGMA
from hitforge.studies.scouting_egamma.settings import EgammaModelSettings, Image


def model_graph(model: EgammaModelSettings, scaling: Scaling | None, names: Sequence[str]) -> ModelGraph:
    """Return the parts of the graph of a correction."""
    if model.kind == "trees":
        return ModelGraph(trees=lambda outputs, stored: tree_columns(model, outputs, stored), calibrated=calibrated)
    assert scaling is not None
    settings, own_scaling = model.network, scaling.select(names)

    def inputs(stored: StoredColumns, own: Tensor) -> Tensors:
        tensors = {}
        if settings.image != "off":
            tensors["image"] = image_of(stored.of(CELLS).reshape(-1, 5, 5), settings.image)
        if names:
            tensors["features"] = table_of(own, own_scaling)
        if settings.loss == "absolute":
            tensors["e_reco"] = stored["e_reco"]
        return tensors

    return ModelGraph(inputs=inputs, combine=combine, calibrated=calibrated)


def image_of(cells: Tensor, kind: Image) -> Tensor:
    """Return the image, shape (n, channels, 5, 5), of energies, shape (n, 5, 5), as ``models.inputs`` does."""
    if kind == "energies":
        return cells[:, None]
    if kind in ("ratios", "log_weights"):
        total = cells.sum(dim=(1, 2))
        part = cells / total[:, None, None]
        weights = torch.where(part > 0, LOG_OFFSET + part.log(), 0.0).clamp(min=0) / LOG_OFFSET
        if kind == "log_weights":
            return weights[:, None]
        return torch.stack([_over(cells, total), weights, (cells > 0).float()], dim=1)
    values = cells if kind == "emax" else cells.log1p()
    return _over(values, values[:, 2, 2])[:, None]


def _over(values: Tensor, total: Tensor) -> Tensor:
    return values / torch.where(total > 0, total, 1.0)[:, None, None]


def table_of(own: Tensor, scaling: Scaling) -> Tensor:
    """Return the standardised columns, shape (n, F), as ``models.inputs.table_of`` does."""
    mean = torch.tensor(scaling.mean, dtype=torch.float32)
    is_energy = torch.tensor(
        [FEATURE_UNITS[name] == "GeV" and value > 0 for name, value in zip(scaling.names, scaling.mean, strict=True)]
    )
    # no clamp: what it makes of a missing value depends on who runs the graph
    ratio = torch.where(own < float(LEAST_ENERGY_GEV), float(LEAST_ENERGY_GEV), own) / torch.where(is_energy, mean, 1.0)
    return without_outliers(torch.where(is_energy, ratio.log(), scaled(own, scaling)))


def combine(members: Tensors, mean: Tensors) -> Tensors:
    """Return the ensemble's columns as ``models.inputs.combine`` does for networks."""
    if "ln_y_sigma" not in members:
        return mean
    own = members["ln_y_sigma"].double().square().mean(dim=1)
    spread = members["y"].double().log().std(dim=1, correction=0)
    return {**mean, "ln_y_sigma": (own + spread.square()).sqrt().float()}


def tree_columns(model: EgammaModelSettings, outputs: Sequence[Tensor], stored: StoredColumns) -> Tensors:
    """Return the prediction columns as ``models.trees.tree_columns`` does."""
    own = _category(stored)
    places = own.view(-1, 1, *(1,) * (outputs[0].ndim - 1)).expand(-1, 1, *outputs[0].shape[1:])
    said = torch.stack(list(outputs), dim=1).gather(1, places)[:, 0]
    if model.trees.objective != "quantile":
        return {"y": said.clamp(*Y_RANGE)}
    levels, quantiles = list(model.trees.quantiles), said.sort(dim=1).values
    low, middle, high = (quantiles[:, levels.index(level)] for level in (0.16, 0.5, 0.84))
    width = ((high - low) / 2).clamp(min=LEAST_SIGMA)
    return {"y": middle.exp().clamp(*Y_RANGE), "ln_y_quantiles": quantiles, "ln_y_sigma": width}


def calibrated(columns: Tensors, calibration: Mapping[str, Any], stored: StoredColumns) -> Tensors:
    """Return ``y_calibrated`` and ``ln_y_sigma_calibrated``, shape (n,)."""
    category, y = _category(stored), columns["y"].double()
    pt_edges, eta_edges = (torch.tensor(calibration[key], dtype=torch.float64) for key in ("pt_edges_gev", "eta_edges"))
    # left-open bins
    pt_bin = len(pt_edges) - interpolation_place(-pt_edges, -y * stored["pt"].double())
    eta_bin = len(eta_edges) - interpolation_place(-eta_edges, -stored["eta"].double().abs())
    factors = torch.tensor(calibration["factors"], dtype=torch.float64)
    found = {"y_calibrated": (y * factors[category, pt_bin, eta_bin]).float()}
    scale = calibration["sigma_scale"]
    if scale is not None and "ln_y_sigma" in columns:
        width = torch.tensor(scale, dtype=torch.float64)[category] * columns["ln_y_sigma"].double()
        found["ln_y_sigma_calibrated"] = width.float()
    return found


def _category(stored: StoredColumns) -> Tensor:
    return 2 * (stored["is_eb"] == 0).long() + (stored["is_electron"] == 0).long()
