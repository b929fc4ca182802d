"""Tensors of objects for the networks, and prediction columns of what they return."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hitforge.scaling import Scaling
from hitforge.studies.object_id.image import ImageSettings, to_image
from hitforge.studies.object_id.objects import CHANNELS

CLIP = np.float32(5.0)
"""Standardised features are cut at so many deviations."""

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
    scaling: Scaling,
    image: ImageSettings,
    without: Sequence[str],
    names: Sequence[str],
    own: Callable[[Floats], Floats],
) -> Callable[[Floats], dict[str, Floats]]:
    """Return the map from stored columns, shape (n, F), to the tensors of a network.

    ``image``, shape (n, 2, H, W), holds log(1 + ET / 0.1 GeV) over the deviation of its channel in training: it is
    not shifted, so that an empty cell, and the padding of a convolution, is 0. A channel left out is 0 everywhere.
    ``features``, where there are any, are standardised; a missing one becomes 0, the mean.

    Parameters
    ----------
    names : sequence of str
        The model's features.
    own : callable
        Stored columns to the model's features.
    """
    seen = np.array([channel not in without for channel in CHANNELS], dtype=np.float32)
    factor = (seen / channel_deviations(scaling, image))[:, None, None]
    scale = scaling.select(names)

    def inputs(raw: Floats) -> dict[str, Floats]:
        tensors = {"image": to_image(raw, image) * factor}
        if names:
            tensors["features"] = np.clip(np.nan_to_num(scale.apply(own(raw)), copy=False), -CLIP, CLIP)
        return tensors

    return inputs


def output_columns(output: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the class probabilities, shape (n, 4), of a network's outputs."""
    return {"class_probabilities": torch.softmax(output["class_logits"], dim=1)}
