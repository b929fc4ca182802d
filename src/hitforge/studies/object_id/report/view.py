"""What tables and figures of the chapter look up: the sweep, objects, and what the reference model says of them."""

from __future__ import annotations

from hitforge.predictions import EvaluationPiece
from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.metrics import shown_sample
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.stored import StoredObjects, load_objects
from hitforge.studies.object_id.evaluation.calibration import calibrated
from hitforge.studies.object_id.evaluation.sample import Classified


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


def predicted_objects(inputs: ReportInputs) -> Classified | None:
    """Return what the reference model says of the shown sample; None where the report has no predictions."""
    pieces = _pieces(inputs)
    return calibrated(pieces) if pieces else None


def places_of(inputs: ReportInputs) -> list[tuple[str, int]]:
    """Return part and entry of each of the predicted objects."""
    found = [piece.predictions for piece in _pieces(inputs)]
    return [place for own in found for place in zip(own.part.astype(str).tolist(), own.entry.tolist(), strict=True)]


def _pieces(inputs: ReportInputs) -> list[EvaluationPiece]:
    return [piece.read() for piece in inputs.reference_outputs.get(shown_sample(inputs), ())]
