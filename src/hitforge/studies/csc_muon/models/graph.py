"""A model of roads as a graph: the maps of ``models`` and ``evaluation.calibration`` in torch.

The columns are those that the model may see: where it must not see a plane, the features are made without its hits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from hitforge.onnx_graphs.parts import ModelGraph, StoredColumns, Tensors, interpolation_place, scaled, without_outliers
from hitforge.scaling import Scaling
from hitforge.studies.csc_muon.data.planes import CSC_PLANES, PLANE_NAMES, PLANES
from hitforge.studies.csc_muon.data.roads import BLOCKS
from hitforge.studies.csc_muon.evaluation.calibration import PtScaling
from hitforge.studies.csc_muon.features import SIGN
from hitforge.studies.csc_muon.models.inputs import output_columns
from hitforge.studies.csc_muon.models.targets import LARGEST_PT_GEV
from hitforge.studies.csc_muon.models.tensors import PLANE_CHANNELS
from hitforge.studies.csc_muon.settings import CscModelSettings

_SCALES = {"phi": 500.0, "theta": 8.0, "bend": 40.0}


def model_graph(model: CscModelSettings, scaling: Scaling | None, names: Sequence[str]) -> ModelGraph:
    """Return the parts of the graph of a model of roads."""
    if model.kind == "trees":
        return ModelGraph(trees=lambda outputs, stored: tree_columns(model, outputs, stored), calibrated=calibrated)
    assert scaling is not None
    own_scaling, architecture = scaling.select(names), model.network.architecture

    def inputs(stored: StoredColumns, own: Tensor) -> Tensors:
        if architecture == "seed_cnn1d":
            return {"features": _in_range(own, own_scaling)}
        if architecture == "seed_cnn2d":
            cells = torch.nn.functional.pad(_in_range(own, own_scaling) * 255, (0, 25 - own.shape[1]))
            return {"image": cells.reshape(-1, 1, 5, 5)}
        tensors = {"features": without_outliers(scaled(own, own_scaling))}
        if architecture in ("emtf_nn", "ensemble"):
            tensors["sign"] = stored[SIGN]
        if architecture == "ensemble":
            tensors["planes"] = plane_map(stored)
        return tensors

    return ModelGraph(
        inputs=inputs, columns=lambda output: output_columns(model, output), combine=combine, calibrated=calibrated
    )


def _in_range(own: Tensor, scaling: Scaling) -> Tensor:
    """Return columns as fractions of the range of the training events, 0 where they are missing or have no range."""
    low, high = (torch.tensor(values, dtype=torch.float32) for values in (scaling.low, scaling.high))
    part = (own - low) / torch.where(high > low, high - low, torch.inf)
    return torch.where(torch.isnan(part), 0.0, part).clamp(0, 1)


def plane_map(stored: StoredColumns) -> Tensor:
    """Return the folded hits plane by plane, shape (n, 12, channels), as ``models.tensors.plane_map`` does."""
    block = {name: stored.of([f"{name}_{plane}" for plane in PLANE_NAMES]) for name in BLOCKS}
    sign, hit = stored[SIGN][:, None], block["mask"] == 0
    inner = (block["ring"] == 1) | (block["ring"] == 4)
    middle_theta = _median_of_present(block["theta"][:, list(CSC_PLANES)]).floor()
    channels = {
        "phi": sign * (block["phi"] - _median_of_present(block["phi"])) / _SCALES["phi"],
        "theta": (block["theta"] - middle_theta) / _SCALES["theta"],
        "bend": sign * block["bend"] / _SCALES["bend"],
        "time": block["time"],
        "inner_ring": inner.float(),
        "outer_ring": (~inner).float(),
        "front": 2 * block["fr"] - 1,
        "hit": torch.ones_like(sign),
    }
    found = [torch.where(hit, channels[name], 0.0) for name in PLANE_CHANNELS[:-1]]
    z = torch.tensor([plane.z_cm for plane in PLANES], dtype=torch.float32) / 1000
    return torch.stack([*found, z + torch.zeros_like(found[0])], dim=2)


def _median_of_present(values: Tensor) -> Tensor:
    """Return the median of each row, shape (n, 1), of values, shape (n, K), NaN left out; NaN where there is none."""
    missing = torch.isnan(values)
    # no real value is infinite, so the missing ones are last
    ordered = torch.where(missing, torch.inf, values).sort(dim=1).values
    count = (~missing).sum(dim=1, keepdim=True)
    low, high = (
        torch.div((count - 1).clamp(min=0), 2, rounding_mode="floor"),
        torch.div(count, 2, rounding_mode="floor"),
    )
    middle = (ordered.gather(1, low) + ordered.gather(1, high.clamp(max=values.shape[1] - 1))) / 2
    return torch.where(count > 0, middle, torch.nan)


def combine(members: Tensors, mean: Tensors) -> Tensors:
    """Return the ensemble's columns as ``models.inputs.combine`` does."""
    if "q_over_pt_sigma" not in members:
        return mean
    spread = members["q_over_pt"].std(dim=1, correction=0)
    own = members["q_over_pt_sigma"].double().square().mean(dim=1)
    return {
        **mean,
        "q_over_pt_spread": spread,
        "q_over_pt_sigma": (own + spread.double().square()).sqrt().float(),
        "inverse_pt": mean["q_over_pt"].abs().clamp(min=1 / LARGEST_PT_GEV),
    }


def tree_columns(model: CscModelSettings, outputs: Sequence[Tensor], stored: StoredColumns) -> Tensors:
    """Return the prediction columns as ``models.trees.tree_columns`` does."""
    settings = model.trees
    said = dict(zip(("pt", *settings.further), outputs, strict=True))
    inverse = torch.exp2(-said["pt"]) if settings.target == "log2_pt" else said["pt"].abs()
    columns = {"inverse_pt": inverse.clamp(min=1 / LARGEST_PT_GEV)}
    if "charge" in said:
        positive = torch.where(stored[SIGN] > 0, said["charge"], 1 - said["charge"])
        columns["charge_probability"] = positive
    if settings.target == "q_over_pt":
        columns["q_over_pt"] = said["pt"]
    elif settings.charge != "none":
        sign = torch.where(columns["charge_probability"] > 0.5, 1.0, -1.0) if "charge" in said else stored[SIGN]
        columns["q_over_pt"] = sign * columns["inverse_pt"]
    if "classes" in said:
        columns["class_probabilities"] = said["classes"]
    return columns


def calibrated(columns: Tensors, calibration: Mapping[str, Any], _stored: StoredColumns) -> Tensors:
    """Return ``pt_calibrated``, GeV, scaled to equal efficiency, and ``q_over_pt_sigma_calibrated``, 1/GeV."""
    found = {}
    scaling = PtScaling.model_validate(calibration["pt_scaling"])
    if scaling.ok:
        found["pt_calibrated"] = scaled_pt(1 / columns["inverse_pt"].double(), scaling).float()
    if "q_over_pt_sigma" in columns:
        found["q_over_pt_sigma_calibrated"] = columns["q_over_pt_sigma"] * (calibration["sigma_scale"] or 1.0)
    return found


def scaled_pt(pt: Tensor, scaling: PtScaling) -> Tensor:
    """Return the scaled pT, shape (n,), GeV, as :meth:`PtScaling.apply` does."""
    cuts, thresholds = (
        torch.tensor(values, dtype=torch.float64) for values in (scaling.cuts_gev, scaling.thresholds_gev)
    )
    last = len(cuts) - 1
    index = interpolation_place(cuts, pt) - 1
    low = index.clamp(0, max(last - 1, 0))
    high = (low + 1).clamp(max=last)
    part = (pt / cuts[low]).log() / (cuts[high] / cuts[low]).log()
    between = thresholds[low] * (thresholds[high] / thresholds[low]) ** part
    found = torch.where(index < 0, pt * thresholds[0] / cuts[0], between)
    found = torch.where(index == last, pt * thresholds[-1] / cuts[-1], found)
    return torch.maximum(found, torch.where(index >= 0, thresholds[index.clamp(min=0)], 0.0))
