"""What a network looks at: how much less likely the true class becomes when a patch of cells is emptied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from hitforge.config import SampleSettings
from hitforge.provenance import read_json
from hitforge.scaling import Scaling
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.objects import CHANNELS, N_CLASSES
from hitforge.studies.object_id.data.stored import StoredObjects, load_objects
from hitforge.studies.object_id.features import features_of
from hitforge.training.device import repeatable
from hitforge.training.member_files import load_member

if TYPE_CHECKING:
    from hitforge.studies.base import TrainedModel

PATCH = 2
"""Rows and columns of cells that are emptied together."""

OBJECTS_PER_CLASS = 24
BATCH = 256

Floats = NDArray[np.float64]
Predict = Callable[[NDArray[np.float32], NDArray[np.floating]], Floats]
"""From images in GeV, shape (n, 2, H, W), and eta of their axes to log probabilities, shape (n, 4)."""


def explain(
    model: str, trained: TrainedModel, *, image: ImageSettings, samples: Mapping[str, SampleSettings]
) -> dict[str, Any]:
    """Return the occlusion maps of a network's first member; nothing for other models.

    Returns
    -------
    dict
        ``occlusion``: ``patch``, ``objects_per_class`` and ``maps``, shape (4, 2, H, W), null for a class without
        objects. They are of the first test sample of which there are shards, else of the train sample.
    """
    if trained.scaling is None or read_json(trained.manifest)["kind"] != "network":
        return {}
    tests = [name for name in trained.shards if samples[name].role == "test"]
    objects = load_objects(trained.shards[tests[0] if tests else next(iter(trained.shards))], image)
    if not len(objects):
        return {}
    maps = occlusion_maps(_first_member(model, trained, trained.scaling, image), objects, image)
    known = [of_class.tolist() if np.isfinite(of_class).all() else None for of_class in maps]
    return {"occlusion": {"patch": PATCH, "objects_per_class": OBJECTS_PER_CLASS, "maps": known}}


def occlusion_maps(log_probabilities: Predict, objects: StoredObjects, image: ImageSettings) -> Floats:
    """Return the mean of ln p - ln p' of the true class, shape (4, C, H, W), for the first objects of each class.

    p' is the probability with the patch that the cell belongs to empty, in one channel. An empty patch changes nothing,
    and a patch without which nothing is left counts as no change. NaN for a class without objects.
    """
    maps = np.full((N_CLASSES, *image.shape), np.nan)
    for label in range(N_CLASSES):
        shown = np.flatnonzero(objects.label == label)[:OBJECTS_PER_CLASS]
        images, eta = objects.image[shown], objects.eta[shown]
        if not len(images):
            continue
        maps[label] = 0.0
        before = log_probabilities(images, eta)[:, label]
        total = images.sum(axis=(1, 2, 3))
        corners, rows_of, occluded = [], [], []
        for corner in product(range(len(CHANNELS)), range(0, image.rows, PATCH), range(0, image.columns, PATCH)):
            lost = images[_patch(*corner)].sum(axis=(1, 2))
            chosen = np.flatnonzero((lost > 0) & (total - lost > 1e-3))
            left = images[chosen]
            left[_patch(*corner)] = 0.0
            corners.append(corner)
            rows_of.append(chosen)
            occluded.append(left)
        ends = np.cumsum([len(chosen) for chosen in rows_of])
        after = np.split(log_probabilities(np.concatenate(occluded), eta[np.concatenate(rows_of)])[:, label], ends[:-1])
        for corner, chosen, found in zip(corners, rows_of, after, strict=True):
            maps[label][_patch(*corner)[1:]] = (before[chosen] - found).sum() / len(images)
    return maps


def _patch(channel: int, row: int, column: int) -> tuple[slice | int, ...]:
    return slice(None), channel, slice(row, row + PATCH), slice(column, column + PATCH)


def _first_member(model: str, trained: TrainedModel, scaling: Path, image: ImageSettings) -> Predict:
    """Return what the first member says of images; features are made again from what is left of them."""
    inputs = trained.study.network_inputs(model, Scaling.model_validate(read_json(scaling)))
    assert inputs is not None
    network = trained.study.build_network(model, 0).eval()
    file = read_json(trained.manifest)["members"][0]["file"]
    network.load_state_dict(load_member(trained.manifest.parent / file)[0])

    def log_probabilities(images: NDArray[np.float32], eta: NDArray[np.floating]) -> Floats:
        found = [np.zeros((0, N_CLASSES))]
        with repeatable(torch.device("cpu"), 1), torch.inference_mode():
            for start in range(0, len(images), BATCH):
                some = slice(start, start + BATCH)
                tensors = inputs(features_of(images[some], eta[some], image))
                output = network(**{name: torch.from_numpy(values) for name, values in tensors.items()})
                found.append(torch.log_softmax(output["class_logits"].double(), dim=1).numpy())
        return np.concatenate(found)

    return log_probabilities
