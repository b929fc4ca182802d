"""csc_muon: transverse momentum of endcap muons from trigger primitives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hitforge.bdt_settings import BoosterTask
from hitforge.config import SampleSettings
from hitforge.shards import ShardBlock, ShardLayout
from hitforge.studies.base import Progress, Study
from hitforge.studies.csc_muon.data.planes import PLANE
from hitforge.studies.csc_muon.features import FEATURE_NAMES, FEATURE_SETS, FEATURE_UNITS
from hitforge.studies.csc_muon.settings import CscMuonSettings
from hitforge.validation import PartFindings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from hitforge.predictions import EvaluationPiece, Predictions
    from hitforge.reporting.chapter import Chapter, Figure, ReportInputs, Table
    from hitforge.scaling import Scaling
    from hitforge.training.losses import MemberLoss

FOUR_CSC = tuple(PLANE[name] for name in ("me11", "me2", "me3", "me4"))
"""Planes that all have a hit in the rows of the public benchmark."""


class CscMuon(Study[CscMuonSettings]):
    """The study; what it needs is imported where it is used, so that reading ntuples does not load torch."""

    name = "csc_muon"
    target = "q_over_pt"
    own_weight = "weight"

    # ---- ntuples to shards

    @property
    def layout(self) -> ShardLayout:
        """87 columns of a road and the features derived from them; q/pT; what the evaluation bins and selects by."""
        return ShardLayout(
            feature_names=FEATURE_NAMES,
            feature_units=tuple(FEATURE_UNITS[name] for name in FEATURE_NAMES),
            targets={"q_over_pt": "1/GeV"},
            truth={"phi": "rad", "eta": "", "zone": "", "mode": "", "four_csc": "", "weight": ""},
        )

    def inspect(self, source: str) -> PartFindings:
        """Read a part in full and report every problem in it."""
        from hitforge.studies.csc_muon.data.validation import inspect_part

        return inspect_part(source, self.settings.reader, self.settings.cuts)

    def read(self, source: str) -> Iterator[ShardBlock]:
        """Yield blocks of the roads that pass the cuts, with their features."""
        from hitforge.folds import event_bucket
        from hitforge.studies.csc_muon.data.cuts import select
        from hitforge.studies.csc_muon.data.derived import features_of
        from hitforge.studies.csc_muon.data.ntuple import read_roads
        from hitforge.studies.csc_muon.data.roads import ZONE

        for first_entry, found in read_roads(source, self.settings.reader):
            passed, _ = select(found, self.settings.cuts)
            roads = found.take(passed)
            four_csc = np.asarray(roads.hit[:, FOUR_CSC].all(axis=1))
            yield ShardBlock(
                features=features_of(roads.variables),
                bucket=event_bucket(roads.event, self.settings.reader.dataset_id),
                entry=first_entry + np.flatnonzero(passed),
                targets={"q_over_pt": roads.q_over_pt},
                truth={
                    "phi": roads.parameters[:, 1],
                    "eta": roads.parameters[:, 2],
                    "zone": roads.variables[:, ZONE],
                    "mode": roads.mode.astype(np.float32),
                    "four_csc": np.asarray(four_csc, dtype=np.float32),
                    "weight": roads.weight,
                },
            )

    def simulate(self, out: Path, sample: SampleSettings, seed: int, progress: Progress | None = None) -> None:
        """Write one simulated part of ``events_per_part`` muons, about 0.78 of which make a road."""
        from hitforge.studies.csc_muon.simulation.generate import simulate_roads
        from hitforge.studies.csc_muon.simulation.write import write_part

        assert sample.events_per_part is not None
        if sample.spectrum != "flat":
            raise ValueError(f"spectrum {sample.spectrum!r} is not known; known: flat (in 1/pT)")
        write_part(out, simulate_roads(sample.events_per_part, seed, self.settings.simulation, progress))

    # ---- models

    def feature_set(self, name: str) -> tuple[str, ...]:
        """Return the columns of a feature set."""
        return FEATURE_SETS[name]

    def model_features(self, model: str, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the columns of a model's feature set, without the planes that it must not see."""
        return super().model_features(model, self._seen(model, features))

    def _seen(self, model: str, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return all stored columns, shape (n, F), made anew without the hits of the planes left out."""
        planes = self.settings.models[model].without
        if not planes:
            return features
        from hitforge.studies.csc_muon.data.derived import features_of, without_planes
        from hitforge.studies.csc_muon.data.roads import N_VARIABLES

        return features_of(without_planes(features[:, :N_VARIABLES], planes))

    def event_weight(
        self, model: str, features: NDArray[np.float32], target: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return the weight of each muon's pT class, one without such weights."""
        from hitforge.studies.csc_muon.models.targets import class_of

        weights = self.settings.models[model].class_weights
        return (
            np.array(weights, dtype=np.float64)[class_of(target)]
            if weights
            else super().event_weight(model, features, target)
        )

    # ---- networks

    def network_inputs(
        self, model: str, scaling: Scaling
    ) -> Callable[[NDArray[np.float32]], Mapping[str, NDArray[np.float32]]]:
        """Return the map from stored columns to the tensors of the model's architecture."""
        from hitforge.studies.csc_muon.models.inputs import network_inputs

        settings = self.settings.models[model]
        return network_inputs(
            settings.network.architecture,
            scaling.select(self.feature_set(settings.features)),
            lambda raw: self.model_features(model, raw),
            lambda raw: self._seen(model, raw),
        )

    def build_network(self, model: str, seed: int) -> nn.Module:
        """Return the network of a model."""
        from hitforge.studies.csc_muon.models.build import build_network

        settings = self.settings.models[model]
        return build_network(settings.network, len(self.feature_set(settings.features)), seed)

    def build_loss(self, model: str) -> MemberLoss:
        """Return the loss of a model's architecture."""
        from hitforge.studies.csc_muon.models.losses import build_loss

        settings = self.settings.models[model].network
        return build_loss(settings.architecture, settings.output, settings.threshold_gev)

    def output_columns(self, model: str, output: Any) -> Mapping[str, Tensor]:
        """Return the prediction columns of a network's outputs."""
        from hitforge.studies.csc_muon.models.inputs import output_columns

        return output_columns(output)

    def combine(
        self, model: str, members: Mapping[str, NDArray[np.float32]], weights: Sequence[float]
    ) -> dict[str, NDArray[np.float32]]:
        """Return the means over the members, and the uncertainty with their spread."""
        from hitforge.studies.csc_muon.models.inputs import combine

        return combine(members, super().combine(model, members, weights))

    # ---- boosted trees and tables

    def booster_tasks(self, model: str) -> Sequence[BoosterTask]:
        """Return what the boosters of a model learn, from the hits that it may see."""
        from hitforge.studies.csc_muon.models.trees import booster_tasks

        def hidden(task: BoosterTask) -> BoosterTask:
            return replace(
                task,
                label=lambda features, target: task.label(self._seen(model, features), target),
                weight=lambda features, target: task.weight(self._seen(model, features), target),
            )

        return [hidden(task) for task in booster_tasks(self.settings.models[model].trees)]

    def tree_columns(
        self, model: str, outputs: Sequence[NDArray[np.float32]], features: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.floating]]:
        """Return the prediction columns of what the boosters said."""
        from hitforge.studies.csc_muon.models.trees import tree_columns

        return tree_columns(self.settings.models[model].trees, outputs, self._seen(model, features))

    def fit_table(
        self, model: str, features: NDArray[np.float32], target: NDArray[np.float32], weight: NDArray[np.float32]
    ) -> dict[str, Any]:
        """Return the lookup table of |dPhi| and zone."""
        from hitforge.studies.csc_muon.models.lookup import fit_lookup

        return fit_lookup(self._seen(model, features), target, weight, self.settings.models[model].table.bins)

    def table_columns(
        self, model: str, table: Mapping[str, Any], features: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.floating]]:
        """Return the prediction columns of the lookup table."""
        from hitforge.studies.csc_muon.models.lookup import lookup_columns

        return lookup_columns(table, self._seen(model, features))

    # ---- evaluation

    def calibrate(self, predictions: Predictions) -> dict[str, Any]:
        """Fit the scaling of pT and that of the uncertainty on held-out muons."""
        from hitforge.studies.csc_muon.evaluation.metrics import calibrate
        from hitforge.studies.csc_muon.samples import muon_sample

        return calibrate(muon_sample(predictions), self.settings.evaluation)

    def calibrated(self, pieces: Sequence[EvaluationPiece]) -> Any:
        """Return the muons of an evaluation sample, calibrated."""
        from hitforge.studies.csc_muon.samples import calibrated

        return calibrated(pieces)

    def evaluate(self, model: str, samples: Mapping[str, Any], weights: Sequence[float], seed: int) -> dict[str, Any]:
        """Return the metrics of a model."""
        from hitforge.studies.csc_muon.evaluation.metrics import evaluate_model

        return evaluate_model(model, samples, self.settings.evaluation, seed)

    def compare(self, models: Mapping[str, Any], seed: int, sample: str) -> dict[str, Any]:
        """Return paired differences between models."""
        from hitforge.studies.csc_muon.evaluation.metrics import compare_models

        return compare_models(models, self.settings.evaluation, seed, sample)

    # ---- report

    def chapter(self, inputs: ReportInputs) -> Chapter:
        """Return the chapter's text and the order of its tables and figures."""
        from hitforge.studies.csc_muon.report.text import chapter_text

        return chapter_text(inputs)

    def tables(self, inputs: ReportInputs) -> Sequence[Table]:
        """Return the chapter's tables."""
        from hitforge.studies.csc_muon.report.tables import all_tables

        return all_tables(inputs)

    def figures(self, inputs: ReportInputs) -> Iterator[Figure]:
        """Yield the chapter's figures."""
        from hitforge.studies.csc_muon.report.figures import all_figures

        return all_figures(inputs)


STUDY = CscMuon
