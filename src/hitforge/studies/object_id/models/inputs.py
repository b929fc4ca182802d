"""Tensors of objects for the networks, and prediction columns of what they return."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hitforge.scaling import Scaling, without_outliers
from hitforge.studies.object_id.data.image import ImageSettings, to_gev, to_image
from hitforge.studies.object_id.data.objects import CHANNELS
from hitforge.studies.object_id.settings import Cells, ObjectModelSettings

ENERGY_UNIT_GEV = np.float32(10.0)
"""Of images of energies, so that most cells lie below 1."""

Floats = NDArray[np.float32]


def channel_deviations(scaling: Scaling, image: ImageSettings) -> Floats:
    """Return the deviation of a channel's cells over all training objects and cells, shape (C,); 1 for a dead channel.

    Made of the means and deviations of its cells.
    """
    own = scaling.select(image.cell_names)
    mean, std = (np.array(values).reshape(len(CHANNELS), -1) for values in (own.mean, own.std))
    variance = (std**2 + mean**2).mean(axis=1) - mean.mean(axis=1) ** 2
    return np.where(variance > 0, np.sqrt(np.maximum(variance, 0.0)), 1.0).astype(np.float32)


def network_inputs(
    model: ObjectModelSettings, scaling: Scaling, names: Sequence[str], *, image: ImageSettings
) -> Callable[[Floats, Floats], dict[str, Floats]]:
    """Return the map from stored columns, shape (n, F), and the model's own, to the tensors of a network.

    ``image``, shape (n, 2, H, W), is not shifted, so that an empty cell, and the padding of a convolution, is 0. A
    channel left out is 0 everywhere. ``features``, where there are any, are standardised; a missing one becomes 0,
    the mean.
    """
    cells = model.network.cells
    seen = np.array([channel not in model.without for channel in CHANNELS], dtype=np.float32)
    factor = seen / channel_deviations(scaling, image) if cells == "log" else seen
    scale = scaling.select(names)

    def inputs(columns: Floats, own: Floats) -> dict[str, Floats]:
        tensors = {"image": _filled(to_image(columns, image), cells) * factor[:, None, None]}
        if names:
            tensors["features"] = without_outliers(scale.apply(own))
        return tensors

    return inputs


def _filled(logarithms: Floats, cells: Cells) -> Floats:
    """Return what the cells hold: see :class:`hitforge.studies.object_id.settings.NetworkSettings`."""
    if cells == "log":
        return logarithms
    energy = to_gev(logarithms)
    if cells == "energy":
        return energy / ENERGY_UNIT_GEV
    flat = energy.reshape(len(energy), -1)
    total = flat.sum(axis=1) if cells == "share" else flat.max(axis=1)
    return np.asarray(energy / np.where(total > 0, total, np.float32(1))[:, None, None, None])


def output_columns(model: ObjectModelSettings, output: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the class probabilities, shape (n, 4), of a network's outputs."""
    return {"class_probabilities": torch.softmax(output["class_logits"], dim=1)}
