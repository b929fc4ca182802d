"""Settings that only scouting_egamma has; importing this module imports neither torch nor XGBoost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from hitforge.bdt_settings import TreeSettings
from hitforge.config import ModelSettings, StudySettings
from hitforge.settings_base import Settings
from hitforge.studies.scouting_egamma.evaluation.settings import EvaluationSettings
from hitforge.studies.scouting_egamma.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.reading import ReaderSettings
from hitforge.studies.scouting_egamma.report import names
from hitforge.studies.scouting_egamma.simulation.options import SimulationSettings

_CANDIDATES = ("candidates", "geometry", "feature_table")
_READING = (*_CANDIDATES, "moments", "reading", "ntuple", "checks", "selection")
_INPUTS = (*_CANDIDATES, "moments", "selection", "targets", "trees")

TrainingCuts = Literal["none", "observable", "truth"]


class CorrectionTreeSettings(TreeSettings):
    """Boosted trees of the correction, one booster for each (region, particle)."""

    objective: Literal["relative", "squared"] = Field(
        "relative", description="((E_predicted - E_MC) / E_MC)^2, or the squared error of the correction"
    )
    cuts: TrainingCuts = Field(
        "none",
        description="candidates to train on: all, good ones that pass the observable cuts, or good ones with "
        "dE > -0.4, which looks at the truth",
    )


class TableSettings(Settings):
    """A baseline without training."""

    content: Literal["raw", "e5x5"] = Field("raw", description="no correction, or the calibrated energy of the 5 x 5")
    bins: PositiveInt = Field(25, description="bins of |eta| of the calibration")


class EgammaModelSettings(ModelSettings):
    """A model of scouting_egamma: boosted trees or a baseline; there are no networks yet."""

    kind: Literal["trees", "table"] = Field(description="boosted trees, or a baseline without training")

    features: str = Field("ours", description="feature set")
    trees: CorrectionTreeSettings = Field(CorrectionTreeSettings(), description="where kind is trees")
    table: TableSettings = Field(TableSettings(), description="where kind is table")

    @property
    def n_files(self) -> int:
        """How many trained files the model has: a booster for each category."""
        return len(CATEGORIES) if self.kind == "trees" else super().n_files

    @model_validator(mode="after")
    def _features_are_known(self) -> EgammaModelSettings:
        from hitforge.studies.scouting_egamma.feature_table import FEATURE_SETS

        if self.features not in FEATURE_SETS:
            raise ValueError(f"feature set {self.features!r} is not known; known: {', '.join(FEATURE_SETS)}")
        return self


class ScoutingEgammaSettings(StudySettings):
    """All settings of the study."""

    STAGE_BLOCKS: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "simulate": ("simulation",),
        "validate": ("reader",),
        "build_shard": ("reader",),
        "fit_scaling": ("folds",),
        "calibrate": ("evaluation",),
        "evaluate": ("evaluation",),
    }
    CODE: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "simulate": (*_CANDIDATES, "moments", "simulation"),
        "validate": (*_READING, "validate"),
        "build_shard": (*_READING, "features"),
        "fit_scaling": _CANDIDATES,
        "train_trees": _INPUTS,
        "fit_table": (*_INPUTS, "lookup"),
        "assemble": _INPUTS,
        "predict": (*_INPUTS, "lookup"),
        "calibrate": ("evaluation", "samples", *_CANDIDATES),
        "evaluate": ("evaluation", "samples", *_CANDIDATES),
        "tables": ("report", "evaluation", "samples", *_INPUTS),
        "figures": ("report", "evaluation", "samples", *_INPUTS),
    }
    TABLES: ClassVar[tuple[str, ...]] = names.TABLES
    FIGURES: ClassVar[tuple[str, ...]] = names.FIGURES

    reader: ReaderSettings = Field(ReaderSettings(), description="names of the ntuples' branches")
    evaluation: EvaluationSettings = Field(EvaluationSettings(), description="bins, calibration and bootstrap")
    simulation: SimulationSettings = Field(SimulationSettings(), description="of samples with source: simulate")
    models: Mapping[str, EgammaModelSettings] = Field({}, description="models by name; base: other inherits")


SETTINGS = ScoutingEgammaSettings
