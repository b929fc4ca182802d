"""calo_muon: energy of 50-8000 GeV muons from radiative losses in a calorimeter (arXiv:2107.02119)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from hitforge.config import SampleSettings
from hitforge.shards import ShardBlock, ShardLayout
from hitforge.studies.base import Progress, Study
from hitforge.studies.calo_muon.feature_table import clip_features, column_units, feature_set
from hitforge.studies.calo_muon.settings import CaloMuonSettings
from hitforge.validation import PartFindings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from hitforge.predictions import EvaluationPiece, Predictions
    from hitforge.reporting.chapter import Chapter, Figure, ReportInputs, Table
    from hitforge.studies.calo_muon.geometry import Geometry
    from hitforge.training.losses import MemberLoss
    from hitforge.training.window import HitTensors


class CaloMuon(Study[CaloMuonSettings]):
    """The study; what it needs is imported where it is used, so that reading ntuples does not load torch."""

    name = "calo_muon"
    target = "energy"

    @cached_property
    def geometry(self) -> Geometry:
        """The calorimeter block."""
        from hitforge.studies.calo_muon.geometry import load_geometry

        return load_geometry(self.settings.geometry)

    # ---- ntuples to shards

    @property
    def layout(self) -> ShardLayout:
        """Features, entry point and layer summaries, sparse voxels, the energy as target, truth with oracles' bits."""
        from hitforge.studies.calo_muon.muons import LIMITS

        columns = column_units(self.settings.layers)
        return ShardLayout(
            feature_names=tuple(columns),
            feature_units=tuple(columns.values()),
            targets={"energy": "GeV"},
            truth={"x": "mm", "y": "mm", "charge": "e", **dict.fromkeys(LIMITS, "bit")},
            voxel_shape=self.geometry.shape,
        )

    def inspect(self, source: str) -> PartFindings:
        """Read a part in full and report every problem in it."""
        if _is_fold(source):
            from hitforge.studies.calo_muon.lumin import inspect_fold

            return inspect_fold(source, self.geometry)
        from hitforge.studies.calo_muon.validate import inspect_part

        return inspect_part(source, self.geometry)

    def read(self, source: str) -> Iterator[ShardBlock]:
        """Yield blocks of muons with their features."""
        if _is_fold(source):
            from hitforge.studies.calo_muon.lumin import fold_blocks

            return map(self._with_all_columns, fold_blocks(source, self.geometry))
        return self._read_ntuple(source)

    def _with_all_columns(self, block: ShardBlock) -> ShardBlock:
        """Return a fold file's muons: they have no entry point, so what is laid out around it is not there (NaN)."""
        features = np.full((len(block), len(self.layout.feature_names)), np.nan, np.float32)
        features[:, : block.features.shape[1]] = block.features
        return replace(block, features=features)

    def _read_ntuple(self, source: str) -> Iterator[ShardBlock]:
        from hitforge.studies.calo_muon.features import high_level_features
        from hitforge.studies.calo_muon.layers import layer_profiles, layer_summaries
        from hitforge.studies.calo_muon.muons import LIMITS
        from hitforge.studies.calo_muon.ntuple import event_bucket, read_muons

        layers = self.settings.layers
        for first_entry, muons in read_muons(source, self.geometry):
            profiles = layer_profiles(muons.hits, muons.x_mm, muons.y_mm, self.geometry, layers)
            columns = (
                high_level_features(muons.hits, muons.x_mm, muons.y_mm, self.geometry),
                np.stack([muons.x_mm, muons.y_mm], axis=1),
                layer_summaries(profiles, layers),
            )
            yield ShardBlock(
                features=np.concatenate(columns, axis=1),
                bucket=event_bucket(muons),
                entry=first_entry + np.arange(len(muons), dtype=np.int64),
                targets={"energy": muons.energy_gev},
                truth={
                    **{"x": muons.x_mm, "y": muons.y_mm, "charge": muons.charge.astype(np.float32)},
                    **{name: getattr(muons, name) for name in LIMITS},
                },
                hits=muons.hits,
            )

    def simulate(self, out: Path, sample: SampleSettings, seed: int, progress: Progress | None = None) -> None:
        """Write one simulated part."""
        from hitforge.studies.calo_muon.simulation.generate import simulate_muons
        from hitforge.studies.calo_muon.simulation.write import write_part

        assert sample.events_per_part is not None
        if sample.spectrum not in ("flat", "discrete"):
            raise ValueError(f"spectrum {sample.spectrum!r} is not known; known: flat, discrete")
        settings, spectrum = self.settings.simulation, cast(Literal["flat", "discrete"], sample.spectrum)
        muons = simulate_muons(sample.events_per_part, seed, self.geometry, settings, spectrum, progress)
        write_part(out, muons, self.geometry, settings)

    # ---- models

    def feature_set(self, name: str) -> tuple[str, ...]:
        """Return the columns of a feature set."""
        return feature_set(name, self.settings.layers)

    def model_features(self, model: str, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the columns of a model's feature set, all of which have values."""
        chosen = super().model_features(model, features)
        if self.settings.models[model].features == "layers" and np.isnan(chosen).any():
            raise ValueError(
                f"model {model!r} needs layer summaries, which muons of fold files do not have: they lack the entry "
                "point; read the ROOT ntuples, or leave the model out"
            )
        return chosen

    def clip_features(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Clip the energy from bending."""
        return clip_features(features)

    def event_weight(
        self, model: str, features: NDArray[np.float32], target: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return the down-weighting of high energies."""
        from hitforge.studies.calo_muon.weights import event_weights

        return event_weights(target, self.settings.weights).astype(np.float64)

    def uses_voxels(self, model: str) -> bool:
        """Whether the model has convolutions of the grid."""
        settings = self.settings.models[model]
        return settings.layer_network is None and settings.network.cnn

    def hit_tensors(self, model: str) -> HitTensors | None:
        """Return the layers' profiles, of the models that take them."""
        if self.settings.models[model].layer_network is None:
            return None
        from hitforge.studies.calo_muon.networks.build import layer_tensors

        return layer_tensors(self.layout.feature_names, self.geometry, self.settings.layers)

    def build_network(self, model: str, seed: int) -> nn.Module:
        """Return the network of a model."""
        from hitforge.studies.calo_muon.networks.build import build_network

        return build_network(self.settings, model, self.geometry, seed)

    def build_loss(self, model: str) -> MemberLoss:
        """Return the loss of a model."""
        from hitforge.studies.calo_muon.networks.build import build_loss

        return build_loss(self.settings, model)

    def output_columns(self, model: str, output: Any) -> Mapping[str, Tensor]:
        """Return the energy and, where the network gives it, its density."""
        from hitforge.studies.calo_muon.networks.build import output_columns

        return output_columns(self.settings, model, output)

    def combine(
        self, model: str, members: Mapping[str, NDArray[np.float32]], weights: Sequence[float]
    ) -> dict[str, NDArray[np.float32]]:
        """Return the weighted mean of the members; the energy of a density is that of the mean density."""
        from hitforge.studies.calo_muon.networks.build import combined_columns

        return combined_columns(self.settings, super().combine(model, members, weights))

    def network_operations(self, model: str, network: nn.Module) -> int | None:
        """Return the multiply-adds of a network for one muon."""
        from hitforge.studies.calo_muon.networks.build import multiply_adds

        return multiply_adds(self.settings, model, self.geometry, network)

    def describe_network(self, network: nn.Module) -> dict[str, Any]:
        """Return parameters and output shapes of the network's blocks."""
        from hitforge.studies.calo_muon.networks.network import MuonNetwork, describe_network

        return describe_network(network) if isinstance(network, MuonNetwork) else super().describe_network(network)

    def ensemble_weights(self, losses: Sequence[float]) -> NDArray[np.float64]:
        """Return weights inverse to the losses, as the paper has them."""
        from hitforge.evaluation.ensemble import ensemble_weights

        return ensemble_weights(losses)

    # ---- evaluation

    def calibrate(self, predictions: Predictions) -> dict[str, Any]:
        """Fit the bias corrections of the ensemble and of each member, and the density of the energy."""
        from hitforge.studies.calo_muon.evaluation.corrections import fit_corrections

        return fit_corrections(predictions, self.settings.evaluation, self.settings.density)

    def calibrated(self, pieces: Sequence[EvaluationPiece]) -> Any:
        """Return the muons of an evaluation sample, corrected."""
        from hitforge.studies.calo_muon.evaluation.corrections import as_sample

        return as_sample(pieces, self.settings.evaluation)

    def evaluate(self, model: str, samples: Mapping[str, Any], weights: Sequence[float], seed: int) -> dict[str, Any]:
        """Return the metrics of a model."""
        from hitforge.studies.calo_muon.evaluation.metrics import evaluate_model

        return evaluate_model(model, samples, self.settings.evaluation, seed, weights)

    def compare(self, models: Mapping[str, Any], seed: int, sample: str) -> Any:
        """Return paired differences of the mean improvement, the information and the measured gain."""
        from hitforge.studies.calo_muon.evaluation.comparison import compare_models

        return compare_models(models, self.settings.evaluation, seed, sample)

    # ---- report

    def chapter(self, inputs: ReportInputs) -> Chapter:
        """Return the chapter's text and the order of its tables and figures."""
        from hitforge.studies.calo_muon.report.text import chapter_text

        return chapter_text(inputs)

    def tables(self, inputs: ReportInputs) -> Sequence[Table]:
        """Return the chapter's tables."""
        from hitforge.studies.calo_muon.report.tables import all_tables

        return all_tables(inputs)

    def figures(self, inputs: ReportInputs) -> Iterator[Figure]:
        """Yield the chapter's figures."""
        from hitforge.studies.calo_muon.report.figures import all_figures

        return all_figures(inputs)


def _is_fold(source: str) -> bool:
    # not a # that belongs to the name of a ROOT file or of its folder
    return "#fold_" in source and not source.endswith(".root")


STUDY = CaloMuon
