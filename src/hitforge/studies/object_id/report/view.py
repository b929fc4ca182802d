"""What tables and figures of the chapter look up: the sweep, objects, and what the reference model says of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.metrics import shown_sample
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.stored import StoredObjects, load_objects
from hitforge.studies.object_id.evaluation.calibration import calibrated


def sweep_of(inputs: ReportInputs) -> list[str]:
    """Return the reported models of the sweep: its base and what inherits from it, directly or not."""
    base, models = inputs.settings.get("sweep_base"), inputs.settings["models"]

    def belongs(model: str | None) -> bool:
        return model is not None and (model == base or belongs(models.get(model, {}).get("base")))

    return [model for model in inputs.metrics if base and belongs(model)]


def networks_of(inputs: ReportInputs) -> list[str]:
    """Return the reported networks."""
    return [model for model, manifest in inputs.manifest_of.items() if manifest.get("kind") == "network"]


def image_settings(inputs: ReportInputs) -> ImageSettings:
    """Return the geometry of the sub-images."""
    return ImageSettings.model_validate(inputs.settings["image"])


def objects_of(inputs: ReportInputs, sample: str) -> StoredObjects:
    """Return the objects of a sample that figures show; none where the report has no shard of it."""
    return load_objects(inputs.shards.get(sample, ()), image_settings(inputs))


def train_objects(inputs: ReportInputs) -> StoredObjects:
    """Return the objects of the train sample that figures show."""
    return objects_of(inputs, inputs.train_sample)


@dataclass(frozen=True)
class PredictedObjects:
    """True classes and probabilities of N objects, and the part and entry of each."""

    label: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    part: NDArray[np.str_]
    entry: NDArray[np.int64]


def predicted_objects(inputs: ReportInputs) -> PredictedObjects | None:
    """Return what the reference model says of the shown sample; None where the report has no predictions."""
    pieces = [piece.read() for piece in inputs.outputs.get(shown_sample(inputs), ())]
    if not pieces:
        return None
    sample = calibrated(pieces)
    return PredictedObjects(
        label=sample.label,
        probabilities=sample.probabilities,
        part=np.concatenate([piece.predictions.part.astype(str) for piece in pieces]),
        entry=np.concatenate([piece.predictions.entry for piece in pieces]),
    )
