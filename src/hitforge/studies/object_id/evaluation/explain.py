"""Occlusion maps: how much less likely the true class becomes when a patch of cells is emptied."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hitforge.provenance import read_json
from hitforge.reporting.chapter import ReportInputs
from hitforge.scaling import Scaling
from hitforge.studies.object_id.features import features_of
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.objects import CHANNELS, N_CLASSES
from hitforge.studies.object_id.report.view import ObjectTable
from hitforge.studies.object_id.settings import ObjectIdSettings

PATCH = 2
"""Rows and columns of cells that are emptied together."""

OBJECTS_PER_CLASS = 24
BATCH = 256

Floats = NDArray[np.float64]


def occluded_model(inputs: ReportInputs) -> str | None:
    """Return the reference model if it is a network, else the first network; None where there is none."""
    networks = [model for model, manifest in inputs.manifest_of.items() if manifest.get("kind") == "network"]
    return inputs.reference if inputs.reference in networks else next(iter(networks), None)


def occlusion_maps(inputs: ReportInputs, model: str, scaling: Path, objects: ObjectTable) -> Floats:
    """Return the mean of ln p - ln p' of the true class, shape (4, C, H, W), for the first objects of each class.

    p' is the probability with the patch that the cell belongs to empty, in one channel, as the first member of the
    model sees it; features are made again from the image that is left. An empty patch changes nothing, and a patch
    without which nothing is left counts as no change. NaN for a class without objects.
    """
    geometry = ImageSettings.model_validate(inputs.settings["image"])
    rows, columns = geometry.rows, geometry.columns
    maps = np.full((N_CLASSES, len(CHANNELS), rows, columns), np.nan)
    predict = _Member(inputs, model, scaling, geometry)
    for label in range(N_CLASSES):
        shown = np.flatnonzero(objects.label == label)[:OBJECTS_PER_CLASS]
        images, eta = objects.image[shown], objects.eta[shown]
        if not len(images):
            continue
        maps[label] = 0.0
        before = predict(images, eta)[:, label]
        total = images.sum(axis=(1, 2, 3))
        corners, rows_of, occluded = [], [], []
        for corner in product(range(len(CHANNELS)), range(0, rows, PATCH), range(0, columns, PATCH)):
            lost = images[_patch(*corner)].sum(axis=(1, 2))
            chosen = np.flatnonzero((lost > 0) & (total - lost > 1e-3))
            left = images[chosen]
            left[_patch(*corner)] = 0.0
            corners.append(corner)
            rows_of.append(chosen)
            occluded.append(left)
        ends = np.cumsum([len(chosen) for chosen in rows_of])
        after = np.split(predict(np.concatenate(occluded), eta[np.concatenate(rows_of)])[:, label], ends[:-1])
        for corner, chosen, found in zip(corners, rows_of, after, strict=True):
            maps[label][_patch(*corner)[1:]] = (before[chosen] - found).sum() / len(images)
    return maps


def _patch(channel: int, row: int, column: int) -> tuple[slice | int, ...]:
    return slice(None), channel, slice(row, row + PATCH), slice(column, column + PATCH)


class _Member:
    """Log probabilities, shape (n, 4), that the first member of a network model gives images in GeV."""

    def __init__(self, inputs: ReportInputs, model: str, scaling: Path, geometry: ImageSettings) -> None:
        from hitforge.studies.object_id.study import ObjectId
        from hitforge.training.member_files import load_member

        study = ObjectId(ObjectIdSettings.model_validate(inputs.settings))
        self._geometry = geometry
        self._tensors = study.network_inputs(model, Scaling.model_validate(read_json(scaling)))
        self._network = study.build_network(model, 0).eval()
        file = inputs.manifest_of[model]["members"][0]["file"]
        self._network.load_state_dict(load_member(inputs.manifests[model].parent / file)[0])

    def __call__(self, images: NDArray[np.float32], eta: NDArray[np.floating]) -> Floats:
        import torch

        from hitforge.training.device import repeatable

        found = [np.zeros((0, N_CLASSES))]
        with repeatable(torch.device("cpu"), 1), torch.inference_mode():
            for start in range(0, len(images), BATCH):
                some = slice(start, start + BATCH)
                tensors = self._tensors(features_of(images[some], eta[some], self._geometry))
                output = self._network(**{name: torch.from_numpy(values) for name, values in tensors.items()})
                found.append(torch.log_softmax(output["class_logits"].double(), dim=1).numpy())
        return np.concatenate(found)
