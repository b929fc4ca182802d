"""Tensors of candidates for the networks, and prediction columns of what the networks return."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hitforge.scaling import Scaling, without_outliers
from hitforge.studies.scouting_egamma.data.moments import LOG_OFFSET, log_weights
from hitforge.studies.scouting_egamma.features import CELLS, FEATURE_NAMES, FEATURE_UNITS, Y_RANGE
from hitforge.studies.scouting_egamma.settings import EgammaModelSettings, Image

Floats = NDArray[np.float32]

N_CHANNELS: Final[dict[Image, int]] = {
    "ratios": 3, "emax": 1, "log_emax": 1, "log_weights": 1, "energies": 1, "off": 0,
}  # fmt: skip

LEAST_ENERGY_GEV = np.float32(0.01)
_E_RECO = FEATURE_NAMES.index("e_reco")
_CELL_PLACES = [FEATURE_NAMES.index(name) for name in CELLS]


def image_of(raw: Floats, kind: Image) -> Floats:
    """Return the image of candidates with all stored columns, shape (n, channels, 5, 5).

    ``ratios`` is E / E_5x5, max(0, 4.7 + ln(E / E_5x5)) / 4.7 and a mask of cells with energy; the others have one
    channel: E over that of the seed, ln(1 + E) over that of the seed, the logarithmic weight, or E in GeV.
    """
    cells = raw[:, _CELL_PLACES].reshape(-1, 5, 5)
    if kind == "energies":
        return np.ascontiguousarray(cells[:, None])
    if kind in ("ratios", "log_weights"):
        weights = log_weights(cells) / np.float32(LOG_OFFSET)
        if kind == "log_weights":
            return weights[:, None]
        share = _over(cells, cells.sum(axis=(1, 2)))
        return np.stack([share, weights, (cells > 0).astype(np.float32)], axis=1)
    values = cells if kind == "emax" else np.log1p(cells)
    return _over(values, values[:, 2, 2])[:, None]


def _over(values: Floats, total: Floats) -> Floats:
    return np.asarray(values / np.where(total > 0, total, np.float32(1))[:, None, None], dtype=np.float32)


def table_of(own: Floats, scaling: Scaling) -> Floats:
    """Return the standardised columns of a model, shape (n, F), 0 where a value is missing.

    Energies and momenta span decades: they become the logarithm of their ratio to the mean of the training folds.

    Parameters
    ----------
    own : ndarray, shape (n, F)
        Columns of the model's feature set.
    scaling : Scaling
        Of the same columns, from training folds.
    """
    columns = scaling.apply(own)
    for place, name in enumerate(scaling.names):
        if FEATURE_UNITS[name] == "GeV" and scaling.mean[place] > 0:
            energy = np.maximum(own[:, place], LEAST_ENERGY_GEV)
            columns[:, place] = np.log(energy / np.float32(scaling.mean[place]))
    return without_outliers(columns)


def network_inputs(
    model: EgammaModelSettings, scaling: Scaling, names: Sequence[str]
) -> Callable[[Floats, Floats], dict[str, Floats]]:
    """Return the map from all stored columns, shape (n, F), and the model's own, to the tensors of its network."""
    settings, own_scaling = model.network, scaling.select(names)

    def tensors(visible: Floats, own: Floats) -> dict[str, Floats]:
        made = {}
        if settings.image != "off":
            made["image"] = image_of(visible, settings.image)
        if names:
            made["features"] = table_of(own, own_scaling)
        if settings.loss == "absolute":
            made["e_reco"] = visible[:, _E_RECO]
        return made

    return tensors


def output_columns(_model: EgammaModelSettings, output: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``y`` and, where the network has a width, ``ln_y_sigma``, shape (n,).

    The scale of Student's t holds less than 68 %; calibration scales the widths of any likelihood to their coverage.
    """
    columns = {"y": output["y"].clamp(*Y_RANGE)}
    if "ln_y_log_scale" in output:
        columns["ln_y_sigma"] = torch.exp(output["ln_y_log_scale"])
    if "sigma" in output:
        columns["ln_y_sigma"] = output["sigma"] / output["mu"]
    return columns


def combine(model: EgammaModelSettings, members: Mapping[str, Floats], mean: dict[str, Floats]) -> dict[str, Floats]:
    """Return the ensemble's columns: means; the spread of networks is added to their width in quadrature."""
    columns = dict(mean)
    if model.kind == "network" and "ln_y_sigma" in members:
        own = np.sqrt((members["ln_y_sigma"].astype(np.float64) ** 2).mean(axis=1))
        spread = np.log(members["y"].astype(np.float64)).std(axis=1)
        columns["ln_y_sigma"] = np.hypot(own, spread).astype(np.float32)
    return columns
