"""A classifier of objects as a graph: the maps of ``models.inputs`` and ``evaluation.calibration`` in torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from hitforge.onnx_graphs.parts import ModelGraph, StoredColumns, Tensors, scaled, without_outliers
from hitforge.scaling import Scaling
from hitforge.studies.object_id.data.image import SCALE_GEV, ImageSettings
from hitforge.studies.object_id.data.objects import CHANNELS
from hitforge.studies.object_id.evaluation.calibration import SMALLEST
from hitforge.studies.object_id.models.inputs import ENERGY_UNIT_GEV, channel_deviations
from hitforge.studies.object_id.settings import Cells, ObjectModelSettings


def model_graph(
    model: ObjectModelSettings, scaling: Scaling | None, names: Sequence[str], *, image: ImageSettings
) -> ModelGraph:
    """Return the parts of the graph of a classifier."""
    if model.kind == "trees":
        return ModelGraph(trees=lambda outputs, _: {"class_probabilities": outputs[0]}, calibrated=calibrated)
    assert scaling is not None
    cells, own_scaling = model.network.cells, scaling.select(names)
    seen = torch.tensor([float(channel not in model.without) for channel in CHANNELS])
    factor = seen / torch.from_numpy(channel_deviations(scaling, image)) if cells == "log" else seen

    def inputs(stored: StoredColumns, own: Tensor) -> Tensors:
        logarithms = stored.of(image.cell_names).reshape(-1, *image.shape)
        tensors = {"image": _filled(logarithms, cells) * factor[:, None, None]}
        if names:
            tensors["features"] = without_outliers(scaled(own, own_scaling))
        return tensors

    return ModelGraph(inputs=inputs, calibrated=calibrated)


def _filled(logarithms: Tensor, cells: Cells) -> Tensor:
    if cells == "log":
        return logarithms
    energy = SCALE_GEV * logarithms.expm1()
    if cells == "energy":
        return energy / float(ENERGY_UNIT_GEV)
    flat = energy.flatten(1)
    total = flat.sum(dim=1) if cells == "share" else flat.amax(dim=1)
    return energy / torch.where(total > 0, total, 1.0)[:, None, None, None]


def calibrated(columns: Tensors, calibration: Mapping[str, Any], _stored: StoredColumns) -> Tensors:
    """Return ``class_probabilities_calibrated``, shape (n, 4): at the temperature, where there is one."""
    temperature = calibration["temperature"]
    if temperature is None:
        return {}
    logits = columns["class_probabilities"].double().clamp(min=SMALLEST).log() / temperature
    return {"class_probabilities_calibrated": torch.softmax(logits, dim=1).float()}
