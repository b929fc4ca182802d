"""scouting_egamma: energies of electrons and photons from the calorimeter data stored by the trigger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hitforge.bdt_settings import BoosterTask
from hitforge.config import SampleSettings
from hitforge.shards import ShardBlock, ShardLayout
from hitforge.studies.base import Progress, Study
from hitforge.studies.scouting_egamma.features import FEATURE_NAMES, FEATURE_SETS, FEATURE_UNITS
from hitforge.studies.scouting_egamma.settings import ScoutingEgammaSettings
from hitforge.validation import PartFindings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from hitforge.predictions import EvaluationPiece, Predictions
    from hitforge.reporting.chapter import Chapter, Figure, ReportInputs, Table
    from hitforge.scaling import Scaling
    from hitforge.training.losses import MemberLoss


PIVOT_GEV = 20.0
"""Weights of a falling spectrum are one here, so that they are near one on average."""


class ScoutingEgamma(Study[ScoutingEgammaSettings]):
    """The study; what it needs is imported where it is used, so that reading ntuples does not load torch."""

    name = "scouting_egamma"
    target = "y"
    own_weight = "weight"

    # ---- ntuples to shards

    @property
    def layout(self) -> ShardLayout:
        """The 5 x 5, cluster, track and derived features; E_MC / E_reco; what the evaluation bins and selects by."""
        return ShardLayout(
            feature_names=FEATURE_NAMES,
            feature_units=tuple(FEATURE_UNITS[name] for name in FEATURE_NAMES),
            targets={"y": ""},
            truth={
                "gen_pt": "GeV", "gen_eta": "", "gen_phi": "rad", "candidate_pt": "GeV", "candidate_abs_eta": "",
                "category": "", "quality": "", "observable": "", "weight": "",
                "e5x5_response": "", "candidate_r9": "", "candidate_fbrem": "", "supermodule_place": "crystals",
            },
        )  # fmt: skip

    def inspect(self, source: str) -> PartFindings:
        """Read a part in full and report every problem in it."""
        from hitforge.studies.scouting_egamma.data.validation import inspect_part

        return inspect_part(source, self.settings.reader)

    def read(self, source: str) -> Iterator[ShardBlock]:
        """Yield blocks of the candidates that have a target, with their features."""
        from hitforge.folds import event_bucket
        from hitforge.studies.scouting_egamma.data.high_level import features_of
        from hitforge.studies.scouting_egamma.data.ntuple import read_candidates
        from hitforge.studies.scouting_egamma.data.selection import columns_of, passes_observable, quality_of, select

        for first_entry, found in read_candidates(source, self.settings.reader):
            passed, _ = select(found)
            candidates = found.take(passed)
            features = features_of(candidates)
            columns = columns_of(features)
            truth = {name: candidates[name] for name in ("gen_pt", "gen_eta", "gen_phi")} | {
                "candidate_pt": candidates["pt"],
                "candidate_abs_eta": np.abs(candidates["eta"]),
                "category": candidates.category,
                "quality": quality_of(features),
                "observable": passes_observable(features),
                "weight": candidates["w"],
                "e5x5_response": columns["e5x5"] / candidates.true_energy,
                "candidate_r9": columns["r9"],
                "candidate_fbrem": columns["fbrem"],
                "supermodule_place": columns["iphi_20"],
            }
            yield ShardBlock(
                features=features,
                bucket=event_bucket(candidates["event"], self.settings.reader.dataset_id),
                entry=first_entry + np.flatnonzero(passed),
                targets={"y": (candidates.true_energy / candidates["e_reco"]).astype(np.float32)},
                truth={name: np.asarray(values, dtype=np.float32) for name, values in truth.items()},
            )

    def simulate(self, out: Path, sample: SampleSettings, seed: int, progress: Progress | None = None) -> None:
        """Write one simulated part of ``events_per_part`` candidates."""
        from hitforge.studies.scouting_egamma.simulation.generate import dead_channels, simulate_candidates
        from hitforge.studies.scouting_egamma.simulation.write import write_part

        assert sample.events_per_part is not None
        settings = self.settings.simulation.of_spectrum(sample.spectrum)
        candidates = simulate_candidates(sample.events_per_part, seed, settings, progress)
        write_part(out, candidates, dead_channels(settings))

    # ---- models

    def feature_set(self, name: str) -> tuple[str, ...]:
        """Return the columns of a feature set."""
        return FEATURE_SETS[name]

    def event_weight(
        self, model: str, features: NDArray[np.float32], target: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return (pT / 20 GeV)^-n of each candidate, which makes a flat spectrum of true pT a falling one."""
        from hitforge.studies.scouting_egamma.data.selection import columns_of

        # the true pT, not the reconstructed one: what a crack has swallowed would count a thousandfold
        pt = columns_of(features)["pt"].astype(np.float64) * target
        return np.asarray((pt / PIVOT_GEV) ** -self.settings.models[model].spectrum_exponent)

    # ---- networks

    def network_inputs(
        self, model: str, scaling: Scaling
    ) -> Callable[[NDArray[np.float32]], Mapping[str, NDArray[np.float32]]]:
        """Return the map from stored columns to the image and the table of a network."""
        from hitforge.studies.scouting_egamma.models.inputs import network_inputs

        settings = self.settings.models[model]
        scale = scaling.select(self.feature_set(settings.features))
        return network_inputs(settings.network, scale, lambda raw: self.model_features(model, raw))

    def build_network(self, model: str, seed: int) -> nn.Module:
        """Return the freshly initialised network of a model."""
        from hitforge.studies.scouting_egamma.models.network import build_network

        settings = self.settings.models[model]
        return build_network(settings.network, len(self.feature_set(settings.features)), seed)

    def build_loss(self, model: str) -> MemberLoss:
        """Return the loss of a model's network."""
        from hitforge.studies.scouting_egamma.models.losses import CorrectionLoss

        return CorrectionLoss(self.settings.models[model].network)

    def output_columns(self, model: str, output: Any) -> Mapping[str, Tensor]:
        """Return the correction, and its width where the network has one."""
        from hitforge.studies.scouting_egamma.models.inputs import output_columns

        return output_columns(output)

    def combine(
        self, model: str, members: Mapping[str, NDArray[np.float32]], weights: Sequence[float]
    ) -> dict[str, NDArray[np.float32]]:
        """Return the means over the members, and the width with their spread."""
        mean = super().combine(model, members, weights)
        if self.settings.models[model].kind != "network":
            return mean
        from hitforge.studies.scouting_egamma.models.inputs import combine

        return combine(members, mean)

    # ---- boosted trees and tables

    def booster_tasks(self, model: str) -> Sequence[BoosterTask]:
        """Return one booster for each (region, particle)."""
        from hitforge.studies.scouting_egamma.models.trees import booster_tasks

        return booster_tasks(self.settings.models[model].trees, partial(self.event_weight, model))

    def tree_columns(
        self, model: str, outputs: Sequence[NDArray[np.float32]], features: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.floating]]:
        """Return the correction of each candidate's own booster."""
        from hitforge.studies.scouting_egamma.models.trees import tree_columns

        return tree_columns(self.settings.models[model].trees, outputs, features)

    def fit_table(
        self, model: str, features: NDArray[np.float32], target: NDArray[np.float32], weight: NDArray[np.float32]
    ) -> dict[str, Any]:
        """Return the medians of a baseline."""
        from hitforge.studies.scouting_egamma.models.lookup import fit_lookup

        return fit_lookup(features, target, weight, self.settings.models[model].table)

    def table_columns(
        self, model: str, table: Mapping[str, Any], features: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.floating]]:
        """Return the correction of a baseline."""
        from hitforge.studies.scouting_egamma.models.lookup import lookup_columns

        return lookup_columns(table, features)

    # ---- evaluation

    def calibrate(self, predictions: Predictions) -> dict[str, Any]:
        """Fit the energy scale, and that of the width, on held-out candidates."""
        from hitforge.studies.scouting_egamma.evaluation.calibration import calibrate
        from hitforge.studies.scouting_egamma.evaluation.calibration import energy_sample

        return calibrate(energy_sample(predictions), self.settings.evaluation)

    def calibrated(self, pieces: Sequence[EvaluationPiece]) -> Any:
        """Return the candidates of an evaluation sample, calibrated."""
        from hitforge.studies.scouting_egamma.evaluation.calibration import calibrated

        return calibrated(pieces)

    def evaluate(self, model: str, samples: Mapping[str, Any], weights: Sequence[float], seed: int) -> dict[str, Any]:
        """Return the metrics of a model."""
        from hitforge.studies.scouting_egamma.evaluation.metrics import evaluate_model

        return evaluate_model(model, samples, self.settings.evaluation, seed)

    def compare(self, models: Mapping[str, Any], seed: int, sample: str) -> dict[str, Any]:
        """Return paired differences between models."""
        from hitforge.studies.scouting_egamma.evaluation.metrics import compare_models

        return compare_models(models, self.settings.evaluation, seed, sample)

    # ---- report

    def chapter(self, inputs: ReportInputs) -> Chapter:
        """Return the chapter's text and the order of its tables and figures."""
        from hitforge.studies.scouting_egamma.report.text import chapter_text

        return chapter_text(inputs)

    def tables(self, inputs: ReportInputs) -> Sequence[Table]:
        """Return the chapter's tables."""
        from hitforge.studies.scouting_egamma.report.tables import all_tables

        return all_tables(inputs)

    def figures(self, inputs: ReportInputs) -> Iterator[Figure]:
        """Yield the chapter's figures."""
        from hitforge.studies.scouting_egamma.report.figures import all_figures

        return all_figures(inputs)


STUDY = ScoutingEgamma
