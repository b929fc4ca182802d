"""The interface of a study: a folder that implements this class, and one YAML file."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from hitforge.config import SampleSettings, StudySettings, study_settings_type
from hitforge.shards import ShardBlock, ShardLayout
from hitforge.validation import PartFindings

if TYPE_CHECKING:
    from torch import nn

    from hitforge.predictions import EvaluationPiece, Predictions
    from hitforge.reporting.chapter import Chapter, Figure, ReportInputs, Table

SettingsT = TypeVar("SettingsT", bound=StudySettings)
Progress = Callable[[int, int], None]


class Study(ABC, Generic[SettingsT]):
    """One physics task. Rules, training loop, shard format, tree code and report engine are shared.

    Attributes
    ----------
    name : str
        Name of the folder under ``hitforge.studies`` and of the YAML file.
    target : str
        Name of the regression target in ``targets/``.
    """

    name: str
    target: str

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

    @abstractmethod
    def event_weight(self, target: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the training weight of each event from its target."""

    @abstractmethod
    def uses_voxels(self, model: str) -> bool:
        """Whether a network model reads the voxel grid."""

    @abstractmethod
    def build_network(self, model: str, seed: int) -> nn.Module:
        """Return the freshly initialised network of a model; it maps (features, grid or None) to (n,)."""

    @abstractmethod
    def describe_model(self, model: str) -> dict[str, Any]:
        """Return parameters and layer shapes of a model as plain data."""

    # ---- evaluation

    @abstractmethod
    def calibrate(self, predictions: Predictions) -> dict[str, Any]:
        """Fit the correction of an ensemble and of each member on held-out events; plain data for JSON."""

    @abstractmethod
    def evaluate(
        self, model: str, samples: Mapping[str, Sequence[EvaluationPiece]], weights: Sequence[float], seed: int
    ) -> dict[str, Any]:
        """Return the metrics of a model on each evaluation sample (``heldout`` and the test samples)."""

    @abstractmethod
    def compare(self, models: Mapping[str, Mapping[str, Sequence[EvaluationPiece]]], seed: int) -> dict[str, Any]:
        """Return paired differences between models on each evaluation sample."""

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


def load_study(name: str, settings: Mapping[str, Any] | StudySettings) -> Study[Any]:
    """Return the study ``name``; plain data, for example a stage's cut, are validated first."""
    if not isinstance(settings, StudySettings):
        settings = study_settings_type(name).model_validate(settings)
    study: Study[Any] = importlib.import_module(f"hitforge.studies.{name}.study").STUDY(settings)
    return study
