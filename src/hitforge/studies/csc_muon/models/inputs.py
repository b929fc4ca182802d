"""Tensors of roads for each architecture, and prediction columns of what the networks return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hitforge.scaling import Scaling, without_outliers
from hitforge.studies.csc_muon.data.roads import N_VARIABLES
from hitforge.studies.csc_muon.models.targets import LARGEST_PT_GEV
from hitforge.studies.csc_muon.models.tensors import img5x5, plane_map
from hitforge.studies.csc_muon.models.trees import fold_sign
from hitforge.studies.csc_muon.settings import CscModelSettings

Floats = NDArray[np.float32]


def network_inputs(
    model: CscModelSettings, scaling: Scaling, names: tuple[str, ...]
) -> Callable[[Floats, Floats], dict[str, Floats]]:
    """Return the map to the tensors of a model's architecture.

    It takes all stored columns, shape (n, F), without the planes that the model must not see, and the model's own,
    shape (n, len(names)); NaN where a value is missing.
    """
    scale = scaling.select(names)
    low, high = (np.array(values, dtype=np.float32) for values in (scale.low, scale.high))
    width = np.where(high > low, high - low, np.float32(np.inf))

    def standardised(own: Floats) -> Floats:
        return without_outliers(scale.apply(own))

    def cnn1d(_visible: Floats, own: Floats) -> dict[str, Floats]:
        return {"features": np.clip(np.nan_to_num((own - low) / width), 0, 1)}

    def cnn2d(_visible: Floats, own: Floats) -> dict[str, Floats]:
        return {"image": img5x5(own, low, high)}

    def dense(_visible: Floats, own: Floats) -> dict[str, Floats]:
        return {"features": standardised(own)}

    def folded(visible: Floats, own: Floats) -> dict[str, Floats]:
        return {"features": standardised(own), "sign": fold_sign(visible)}

    def ensemble(visible: Floats, own: Floats) -> dict[str, Floats]:
        sign = fold_sign(visible)
        return {"features": standardised(own), "planes": plane_map(visible[:, :N_VARIABLES], sign), "sign": sign}

    made: Mapping[str, Callable[[Floats, Floats], dict[str, Floats]]] = {
        "seed_cnn1d": cnn1d,
        "seed_cnn2d": cnn2d,
        "emtf_nn": folded,
        "ensemble": ensemble,
    }
    return made.get(model.network.architecture, dense)


def output_columns(_model: CscModelSettings, output: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the prediction columns, shape (n,) or (n, k), of a network's outputs.

    A classifier alone gives ``inverse_pt`` too: the mean of its classes' typical values, for tables that need a pT.
    """
    columns: dict[str, Tensor] = {}
    if "folded" in output:
        sign = output["sign"]
        columns["q_over_pt"] = sign * output["folded"]
        columns["q_over_pt_sigma"] = torch.exp(0.5 * output["log_variance"])
        quantiles = sign[:, None] * output["folded_quantiles"]
        # unfolded, the lowest is the highest
        columns["quantiles"] = torch.where(sign[:, None] > 0, quantiles, quantiles.flip(1))
        columns["charge_probability"] = torch.sigmoid(sign * output["charge_logit"])
    columns |= {name: output[name] for name in ("q_over_pt", "inverse_pt") if name in output}
    if "class_logits" in output:
        columns["class_probabilities"] = torch.softmax(output["class_logits"], dim=1)
    if "trigger_logit" in output:
        columns["trigger_probability"] = torch.sigmoid(output["trigger_logit"])
    if "inverse_pt" not in columns:
        signed = columns.get("q_over_pt")
        columns["inverse_pt"] = _of_classes(columns["class_probabilities"]) if signed is None else signed.abs()
    columns["inverse_pt"] = columns["inverse_pt"].clamp(min=1 / LARGEST_PT_GEV)
    return columns


_CLASS_INVERSE_PT = (0.3, 0.0667, 0.0217, 0.005)
"""Mean 1/pT, 1/GeV, of a spectrum flat in 1/pT from 2 GeV in each class."""


def _of_classes(probabilities: Tensor) -> Tensor:
    return probabilities @ torch.tensor(_CLASS_INVERSE_PT, device=probabilities.device)


def combine(_model: CscModelSettings, members: Mapping[str, Any], mean: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the ensemble's columns: means, with the spread of the members added to the uncertainty.

    ``q_over_pt_spread`` is the population deviation of the members, the part that more training data would shrink;
    ``q_over_pt_sigma`` is it and the root mean square of their own widths, in quadrature. The pT is that of the mean.
    """
    columns = dict(mean)
    if "q_over_pt_sigma" in members:
        spread = members["q_over_pt"].std(axis=1)
        own = np.sqrt((members["q_over_pt_sigma"].astype(np.float64) ** 2).mean(axis=1))
        columns["q_over_pt_spread"] = spread
        columns["q_over_pt_sigma"] = np.hypot(own, spread).astype(np.float32)
        columns["inverse_pt"] = np.maximum(np.abs(columns["q_over_pt"]), np.float32(1 / LARGEST_PT_GEV))
    return columns
