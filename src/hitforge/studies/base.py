"""The interface of a study: a folder that implements this class, and one YAML file."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from hitforge.bdt_settings import BoosterTask
from hitforge.config import SampleSettings, StudySettings, merge, study_settings_type
from hitforge.shards import ShardBlock, ShardLayout
from hitforge.validation import PartFindings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from hitforge.predictions import EvaluationPiece, Predictions
    from hitforge.reporting.chapter import Chapter, Figure, ReportInputs, Table
    from hitforge.scaling import Scaling
    from hitforge.training.losses import MemberLoss
    from hitforge.training.window import HitTensors

SettingsT = TypeVar("SettingsT", bound=StudySettings)
Progress = Callable[[int, int], None]


class Study(ABC, Generic[SettingsT]):
    """One physics task. Rules, training loop, shard format, tree code and report engine are shared.

    Attributes
    ----------
    name : str
        Name of the folder under ``hitforge.studies`` and of the YAML file.
    target : str
        Name of the dataset in ``targets/`` that all models learn from, directly or by what they make of it.
    own_weight : str or None
        Name of the dataset in ``truth/`` with a weight that each event brings along; trainings multiply theirs by it.
    """

    name: str
    target: str
    own_weight: str | None = None

    def __init__(self, settings: SettingsT) -> None:
        self.settings = settings

    # ---- ntuples to shards

    @property
    @abstractmethod
    def layout(self) -> ShardLayout:
        """What this study's shards hold."""

    @abstractmethod
    def inspect(self, source: str) -> PartFindings:
        """Read a part in full and report every problem in it; raises for nothing that a file can hold."""

    @abstractmethod
    def read(self, source: str) -> Iterator[ShardBlock]:
        """Yield the events of a good part with their features, in bounded memory."""

    @abstractmethod
    def simulate(self, out: Path, sample: SampleSettings, seed: int, progress: Progress | None = None) -> None:
        """Write one simulated part in the original's file format."""

    # ---- models

    @abstractmethod
    def feature_set(self, name: str) -> tuple[str, ...]:
        """Return the feature columns of a named feature set."""

    def clip_features(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return raw features, shape (n, F), in the range that models may see."""
        return features

    def model_features(self, model: str, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the columns of a model's feature set, made of all columns of the shards, shape (n, F)."""
        names = self.feature_set(self.settings.models[model].features)
        return self.clip_features(features)[:, [self.layout.feature_names.index(name) for name in names]]

    def event_weight(
        self, model: str, features: NDArray[np.float32], target: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return the training weight of each event from all features, shape (n, F), and its target; here one."""
        return np.ones(len(target))

    def describe_model(self, model: str) -> dict[str, Any]:
        """Return a model's settings, or its parameters and layer shapes, as plain data."""
        settings = self.settings.models[model]
        about = {
            "model": model,
            "kind": settings.kind,
            "description": settings.description,
            "features": list(self.feature_set(settings.features)),
        }
        if settings.kind == "network":
            return {**about, **self.describe_network(self.build_network(model, 0))}
        # a study may have tables without settings
        own = getattr(settings, settings.kind, None)
        return about if own is None else {**about, settings.kind: own.model_dump(mode="json")}

    def describe_network(self, network: nn.Module) -> dict[str, Any]:
        """Return the number of parameters of a network, and their shapes by part."""
        parts = {name: [list(p.shape) for p in part.parameters()] for name, part in network.named_children()}
        return {"n_parameters": sum(p.numel() for p in network.parameters()), "parts": parts}

    # ---- networks: a study without them need not say anything here

    def uses_voxels(self, model: str) -> bool:
        """Whether a network model reads the voxel grid."""
        return False

    def hit_tensors(self, model: str) -> HitTensors | None:
        """Return what a network model is given of the hits besides, or in place of, the grid; here nothing."""
        return None

    def network_inputs(
        self, model: str, scaling: Scaling
    ) -> Callable[[NDArray[np.float32]], Mapping[str, NDArray[np.float32]]] | None:
        """Return the map from raw features, shape (n, F), to the tensors that the network is called with, by name.

        None reads no features. It works row by row: images and masks are made here, on the fly.
        """
        names = self.feature_set(self.settings.models[model].features)
        if not names:
            return None
        scale = scaling.select(names)
        return lambda raw: {"features": scale.apply(self.model_features(model, raw))}

    def build_network(self, model: str, seed: int) -> nn.Module:
        """Return the freshly initialised network of a model, called with `network_inputs` (and ``grid``) by name."""
        raise NotImplementedError(f"study {self.name} has no networks")

    def build_loss(self, model: str) -> MemberLoss:
        """Return a fresh loss, which takes what the network returns and the target."""
        from hitforge.studies.calo_muon.models.losses import HuberisedLoss

        return HuberisedLoss(self.settings.models[model].training.loss)

    def output_columns(self, model: str, output: Any) -> Mapping[str, Tensor]:
        """Return the prediction columns, shape (n,) or (n, k), of what a network returned."""
        return {self.target: output}

    def ensemble_weights(self, losses: Sequence[float]) -> NDArray[np.float64]:
        """Return the weights of the members, summing to one, from their best monitoring losses; here all equal."""
        return np.full(len(losses), 1 / len(losses))

    def combine(
        self, model: str, members: Mapping[str, NDArray[np.float32]], weights: Sequence[float]
    ) -> dict[str, NDArray[np.float32]]:
        """Return the columns of the ensemble, (n,) or (n, k), from those of its members, (n, M) or (n, M, k)."""
        from hitforge.evaluation.ensemble import ensemble_prediction

        mean = {name: ensemble_prediction(np.moveaxis(values, 1, 0), weights) for name, values in members.items()}
        return {name: values.astype(np.float32) for name, values in mean.items()}

    def network_operations(self, model: str, network: nn.Module) -> int | None:
        """Return the multiply-adds that a prediction takes for an event; None if the study does not say."""
        return None

    # ---- boosted trees and tables: likewise

    def booster_tasks(self, model: str) -> Sequence[BoosterTask]:
        """Return what each booster of a tree model learns, as many as its settings say; one, the target itself."""
        return [
            BoosterTask(
                self.settings.models[model].trees,
                label=lambda _features, target: target,
                weight=partial(self.event_weight, model),
            )
        ]

    def tree_columns(
        self, model: str, outputs: Sequence[NDArray[np.float32]], features: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.floating]]:
        """Return the prediction columns of what the boosters said of events with all features, shape (n, F)."""
        return {self.target: outputs[0]}

    def fit_table(
        self, model: str, features: NDArray[np.float32], target: NDArray[np.float32], weight: NDArray[np.float32]
    ) -> dict[str, Any]:
        """Return a lookup table or the constants of a formula, as plain data, from all features, shape (n, F)."""
        raise NotImplementedError(f"study {self.name} has no tables")

    def table_columns(
        self, model: str, table: Mapping[str, Any], features: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.floating]]:
        """Return the prediction columns that a table gives."""
        raise NotImplementedError(f"study {self.name} has no tables")

    # ---- evaluation

    @abstractmethod
    def calibrate(self, predictions: Predictions) -> dict[str, Any]:
        """Fit the correction of an ensemble and of each member on held-out events; plain data for JSON."""

    @abstractmethod
    def calibrated(self, pieces: Sequence[EvaluationPiece]) -> Any:
        """Return the events of an evaluation sample as metrics take them, each piece with the calibration of its fit.

        Pieces are joined in their order, which is the same for all models: they are compared event by event.
        """

    @abstractmethod
    def evaluate(self, model: str, samples: Mapping[str, Any], weights: Sequence[float], seed: int) -> dict[str, Any]:
        """Return the metrics of a model on each sample (``heldout``, test samples), made by :meth:`calibrated`."""

    @abstractmethod
    def compare(self, models: Mapping[str, Any], seed: int, sample: str) -> Any:
        """Return paired differences between models on the sample of a name, made by :meth:`calibrated`."""

    # ---- report

    @abstractmethod
    def chapter(self, inputs: ReportInputs) -> Chapter:
        """Return the text of the study's chapter and the order of its tables and figures."""

    @abstractmethod
    def tables(self, inputs: ReportInputs) -> Sequence[Table]:
        """Return the tables of the study's chapter, in the order of ``settings.TABLES``."""

    @abstractmethod
    def figures(self, inputs: ReportInputs) -> Iterator[Figure]:
        """Yield the figures of the study's chapter, in the order of ``settings.FIGURES``."""


def load_study(
    name: str,
    settings: Mapping[str, Any] | StudySettings,
    stage: str | None = None,
    beside: Mapping[str, Any] | None = None,
) -> Study[Any]:
    """Return the study ``name``; plain data are validated first.

    Parameters
    ----------
    settings : StudySettings or mapping
        All settings, or the cut of a stage as plain data.
    stage : str, optional
        The stage that they are a cut for: reading another setting is then an error.
    beside : mapping, optional
        Settings that are no part of the cut because they change no result (``StudySettings.beside``).
    """
    if not isinstance(settings, StudySettings):
        settings = study_settings_type(name).model_validate(merge(settings, beside or {}))
        if stage is not None:
            settings.as_cut_for(stage)
    study: Study[Any] = importlib.import_module(f"hitforge.studies.{name}.study").STUDY(settings)
    return study
