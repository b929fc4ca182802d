"""Tensors of candidates for the networks, and prediction columns of what the networks return."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hitforge.scaling import Scaling
from hitforge.studies.scouting_egamma.feature_table import FEATURE_NAMES
from hitforge.studies.scouting_egamma.settings import NetworkSettings
from hitforge.studies.scouting_egamma.targets import Y_RANGE
from hitforge.studies.scouting_egamma.tensors import image_of, table_of

Floats = NDArray[np.float32]

_E_RECO = FEATURE_NAMES.index("e_reco")


def network_inputs(
    settings: NetworkSettings, scaling: Scaling, own: Callable[[Floats], Floats]
) -> Callable[[Floats], dict[str, Floats]]:
    """Return the map from all stored columns, shape (n, F), to the tensors of a network.

    Parameters
    ----------
    scaling : Scaling
        Of the model's own features, from training folds.
    own : callable
        Stored columns to the model's features.
    """

    def tensors(raw: Floats) -> dict[str, Floats]:
        made = {}
        if settings.image != "off":
            made["image"] = image_of(raw, settings.image)
        if scaling.names:
            made["features"] = table_of(own(raw), scaling)
        if settings.loss == "absolute":
            made["e_reco"] = raw[:, _E_RECO]
        return made

    return tensors


def output_columns(output: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``y`` and, where the network has a width, ``ln_y_sigma``, shape (n,).

    The scale of Student's t holds less than 68 %; calibration scales the widths of any likelihood to their coverage.
    """
    columns = {"y": output["y"].clamp(*Y_RANGE)}
    if "ln_y_log_scale" in output:
        columns["ln_y_sigma"] = torch.exp(output["ln_y_log_scale"])
    if "sigma" in output:
        columns["ln_y_sigma"] = output["sigma"] / output["mu"]
    return columns


def combine(members: Mapping[str, Floats], mean: dict[str, Floats]) -> dict[str, Floats]:
    """Return the ensemble's columns: means, with the spread of the members added to the width in quadrature."""
    columns = dict(mean)
    if "ln_y_sigma" in members:
        own = np.sqrt((members["ln_y_sigma"].astype(np.float64) ** 2).mean(axis=1))
        spread = np.log(members["y"].astype(np.float64)).std(axis=1)
        columns["ln_y_sigma"] = np.hypot(own, spread).astype(np.float32)
    return columns
