"""Tensors of roads for each architecture, and prediction columns of what the networks return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hitforge.scaling import Scaling
from hitforge.studies.csc_muon.data.roads import N_VARIABLES
from hitforge.studies.csc_muon.models.targets import LARGEST_PT_GEV
from hitforge.studies.csc_muon.models.tensors import img5x5, plane_map
from hitforge.studies.csc_muon.models.trees import fold_sign

Floats = NDArray[np.float32]

CLIP = np.float32(5.0)
"""Standardised features are cut at so many deviations."""


def network_inputs(
    architecture: str,
    scaling: Scaling,
    own: Callable[[Floats], Floats],
    without: Callable[[Floats], Floats],
) -> Callable[[Floats], dict[str, Floats]]:
    """Return the map from stored columns, shape (n, F), to the tensors of an architecture.

    Parameters
    ----------
    scaling : Scaling
        Of the model's own features, from training folds.
    own : callable
        Stored columns to the model's features, NaN where a value is missing.
    without : callable
        Stored columns to those without the planes that the model must not see.
    """
    low, high = (np.array(values, dtype=np.float32) for values in (scaling.low, scaling.high))
    width = np.where(high > low, high - low, np.float32(np.inf))

    def standardised(raw: Floats) -> Floats:
        scaled = scaling.apply(own(raw))
        return np.clip(np.nan_to_num(scaled, copy=False), -CLIP, CLIP)

    def cnn1d(raw: Floats) -> dict[str, Floats]:
        return {"features": np.clip(np.nan_to_num((own(raw) - low) / width), 0, 1)}

    def cnn2d(raw: Floats) -> dict[str, Floats]:
        return {"image": img5x5(own(raw), low, high)}

    def dense(raw: Floats) -> dict[str, Floats]:
        return {"features": standardised(raw)}

    def folded(raw: Floats) -> dict[str, Floats]:
        return {"features": standardised(raw), "sign": fold_sign(without(raw))}

    def ensemble(raw: Floats) -> dict[str, Floats]:
        seen = without(raw)
        sign = fold_sign(seen)
        return {"features": standardised(raw), "planes": plane_map(seen[:, :N_VARIABLES], sign), "sign": sign}

    made: Mapping[str, Callable[[Floats], dict[str, Floats]]] = {
        "seed_cnn1d": cnn1d,
        "seed_cnn2d": cnn2d,
        "seed_fcn": dense,
        "emtf_nn": folded,
        "ensemble": ensemble,
    }
    return made[architecture]


def output_columns(output: Mapping[str, Tensor]) -> dict[str, Tensor]:
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


def combine(members: Mapping[str, Any], mean: dict[str, Floats]) -> dict[str, Floats]:
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
