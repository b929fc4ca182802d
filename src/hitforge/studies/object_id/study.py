"""object_id: electron, jet, muon or tau from two-channel calorimeter sub-images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hitforge.config import SampleSettings
from hitforge.shards import ShardBlock, ShardLayout
from hitforge.studies.base import Progress, Study
from hitforge.studies.object_id.features import FEATURE_SETS, FEATURE_UNITS
from hitforge.studies.object_id.data.image import SCALE_GEV
from hitforge.studies.object_id.settings import ObjectIdSettings
from hitforge.validation import PartFindings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from hitforge.predictions import EvaluationPiece, Predictions
    from hitforge.reporting.chapter import Chapter, Figure, ReportInputs, Table
    from hitforge.scaling import Scaling
    from hitforge.training.losses import MemberLoss


class ObjectId(Study[ObjectIdSettings]):
    """The study; what it needs is imported where it is used, so that reading ntuples does not load torch."""

    name = "object_id"
    target = "label"

    # ---- ntuples to shards

    @property
    def layout(self) -> ShardLayout:
        """Cells of both channels and the features made of them; the class; what the evaluation bins by."""
        cells = self.settings.image.cell_names
        return ShardLayout(
            feature_names=(*cells, *FEATURE_UNITS),
            feature_units=(*(f"ln(1 + GeV / {SCALE_GEV:g})" for _ in cells), *FEATURE_UNITS.values()),
            targets={"label": ""},
            truth={"pt": "GeV", "eta": "", "phi": "rad", "n_prong": "", "npv": "", "weight": ""},
        )

    def inspect(self, source: str) -> PartFindings:
        """Read a part in full and report every problem in it."""
        from hitforge.studies.object_id.data.validation import inspect_part

        return inspect_part(source, self.settings.reader, self.settings.image, self.settings.cuts)

    def read(self, source: str) -> Iterator[ShardBlock]:
        """Yield blocks of the objects that pass the cuts, with their features."""
        from hitforge.folds import event_bucket
        from hitforge.studies.object_id.data.cuts import select
        from hitforge.studies.object_id.features import features_of
        from hitforge.studies.object_id.data.ntuple import read_objects

        for first_entry, found in read_objects(source, self.settings.reader, self.settings.image):
            passed, _ = select(found, self.settings.cuts)
            objects = found.take(passed)
            truth = {name: getattr(objects, name).astype(np.float32) for name in ("pt", "eta", "phi", "n_prong", "npv")}
            yield ShardBlock(
                features=features_of(objects.image, objects.eta, self.settings.image),
                bucket=event_bucket(objects.event, self.settings.reader.dataset_id),
                entry=first_entry + np.flatnonzero(passed),
                targets={"label": objects.label.astype(np.float32)},
                truth={**truth, "weight": objects.w},
            )

    def simulate(self, out: Path, sample: SampleSettings, seed: int, progress: Progress | None = None) -> None:
        """Write one simulated part of ``events_per_part`` objects, two in each event."""
        from hitforge.studies.object_id.simulation.generate import simulate_objects
        from hitforge.studies.object_id.simulation.write import write_part

        assert sample.events_per_part is not None
        if sample.spectrum != "flat":
            raise ValueError(f"spectrum {sample.spectrum!r} is not known; the generator has one, leave it out")
        image = self.settings.image
        objects = simulate_objects(sample.events_per_part, seed, self.settings.simulation, image, progress)
        write_part(out, objects, image)

    # ---- models

    def feature_set(self, name: str) -> tuple[str, ...]:
        """Return the columns of a feature set."""
        return FEATURE_SETS[name]

    def event_weight(
        self, model: str, features: NDArray[np.float32], target: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return the weight of each object's class, one without such weights."""
        weights = self.settings.models[model].class_weights
        if not weights:
            return super().event_weight(model, features, target)
        return np.array(weights, dtype=np.float64)[target.astype(np.int64)]

    # ---- networks

    def network_inputs(
        self, model: str, scaling: Scaling
    ) -> Callable[[NDArray[np.float32]], Mapping[str, NDArray[np.float32]]]:
        """Return the map from stored columns to the image and, where the model has them, its features."""
        from hitforge.studies.object_id.models.inputs import network_inputs

        settings = self.settings.models[model]
        return network_inputs(
            scaling,
            self.settings.image,
            settings.network.cells,
            settings.without,
            self.feature_set(settings.features),
            lambda raw: self.model_features(model, raw),
        )

    def build_network(self, model: str, seed: int) -> nn.Module:
        """Return the network of a model."""
        from hitforge.studies.object_id.models.networks import build_network

        settings = self.settings.models[model]
        return build_network(settings.network, self.settings.image, len(self.feature_set(settings.features)), seed)

    def build_loss(self, model: str) -> MemberLoss:
        """Return the loss of a model."""
        from hitforge.studies.object_id.models.losses import ClassLoss

        network = self.settings.models[model].network
        return ClassLoss(network.loss, network.label_smoothing)

    def output_columns(self, model: str, output: Any) -> Mapping[str, Tensor]:
        """Return the class probabilities that a network's logits mean."""
        from hitforge.studies.object_id.models.inputs import output_columns

        return output_columns(output)

    # ---- boosted trees and the floor

    def tree_columns(
        self, model: str, outputs: Sequence[NDArray[np.float32]], features: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.floating]]:
        """Return the class probabilities of the booster."""
        return {"class_probabilities": outputs[0]}

    def fit_table(
        self, model: str, features: NDArray[np.float32], target: NDArray[np.float32], weight: NDArray[np.float32]
    ) -> dict[str, Any]:
        """Return the coefficients of a logistic regression on the model's features."""
        from hitforge.studies.object_id.models.floor import fit_floor

        own = self.model_features(model, features)
        return fit_floor(own, target.astype(np.int64), self.event_weight(model, features, target) * weight)

    def table_columns(
        self, model: str, table: Mapping[str, Any], features: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.floating]]:
        """Return the class probabilities of the logistic regression."""
        from hitforge.studies.object_id.models.floor import floor_probabilities

        return {"class_probabilities": floor_probabilities(table, self.model_features(model, features))}

    # ---- evaluation

    def calibrate(self, predictions: Predictions) -> dict[str, Any]:
        """Fit the temperature on held-out objects."""
        from hitforge.studies.object_id.evaluation.calibration import fit_temperature
        from hitforge.studies.object_id.evaluation.sample import classified

        return fit_temperature(classified(predictions), self.settings.evaluation.min_per_bin)

    def calibrated(self, pieces: Sequence[EvaluationPiece]) -> Any:
        """Return the objects of an evaluation sample, calibrated."""
        from hitforge.studies.object_id.evaluation.sample import calibrated_sample

        return calibrated_sample(pieces)

    def evaluate(self, model: str, samples: Mapping[str, Any], weights: Sequence[float], seed: int) -> dict[str, Any]:
        """Return the metrics of a model."""
        from hitforge.studies.object_id.evaluation.metrics import evaluate_model

        return evaluate_model(model, samples, self.settings.evaluation, seed)

    def compare(self, models: Mapping[str, Any], seed: int, sample: str) -> dict[str, Any]:
        """Return paired differences between models."""
        from hitforge.studies.object_id.evaluation.metrics import compare_models

        return compare_models(models, self.settings.evaluation, seed, sample)

    # ---- report

    def chapter(self, inputs: ReportInputs) -> Chapter:
        """Return the chapter's text and the order of its tables and figures."""
        from hitforge.studies.object_id.report.text import chapter_text

        return chapter_text(inputs)

    def tables(self, inputs: ReportInputs) -> Sequence[Table]:
        """Return the chapter's tables."""
        from hitforge.studies.object_id.report.tables import all_tables

        return all_tables(inputs)

    def figures(self, inputs: ReportInputs) -> Iterator[Figure]:
        """Yield the chapter's figures."""
        from hitforge.studies.object_id.report.figures import all_figures

        return all_figures(inputs)


STUDY = ObjectId
