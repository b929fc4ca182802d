"""Settings that only scouting_egamma has; importing this module imports neither torch nor XGBoost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveInt, field_validator, model_validator

from hitforge.bdt_settings import TreeSettings
from hitforge.config import ModelSettings, StudySettings
from hitforge.report_settings import ReportSettings
from hitforge.settings_base import Settings
from hitforge.studies.scouting_egamma.data.candidates import COLUMNS
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation.settings import EvaluationSettings
from hitforge.studies.scouting_egamma.features import FEATURE_SETS
from hitforge.studies.scouting_egamma.simulation.settings import SimulationSettings

TrainingCuts = Literal["none", "observable", "truth"]
Image = Literal["ratios", "emax", "log_emax", "log_weights", "energies", "off"]
NetworkLoss = Literal["relative", "absolute", "gaussian", "student_t", "crystal_ball"]


class ReaderSettings(Settings):
    """How ntuples of candidates are read."""

    tree: str = Field("egamma", description="tree of ROOT files")
    branches: Mapping[str, str] = Field(
        {}, description="branch by column, where a ntuple names one differently (the default is the column's name)"
    )
    dataset_id: str = Field("egamma_gun", description="event numbers are unique within this data set", min_length=1)

    @field_validator("branches")
    @classmethod
    def _columns_are_known(cls, branches: Mapping[str, str]) -> Mapping[str, str]:
        unknown = sorted(set(branches) - set(COLUMNS))
        if unknown:
            raise ValueError(f"columns {unknown} are not known; known: {', '.join(COLUMNS)}")
        return branches


class CorrectionTreeSettings(TreeSettings):
    """Boosted trees of the correction, one booster for each (region, particle)."""

    objective: Literal["relative", "squared", "quantile"] = Field(
        "relative",
        description="((E_predicted - E_MC) / E_MC)^2, (E_predicted - E_MC)^2 by squares weighted with E_reco^2, or "
        "quantiles of ln y, whose median is the correction",
    )
    cuts: TrainingCuts = Field(
        "none",
        description="candidates to train on: all, good ones that pass the observable cuts, or good ones with "
        "dE > -0.4, which looks at the truth",
    )
    quantiles: tuple[float, ...] = Field(
        (0.05, 0.16, 0.5, 0.84, 0.95),
        description="levels of the quantiles of ln y; 0.5 is the correction, 0.16 and 0.84 its width",
    )

    @model_validator(mode="after")
    def _levels_are_there(self) -> Self:
        if not {0.16, 0.5, 0.84} <= set(self.quantiles):
            raise ValueError("trees: quantiles need the levels 0.16, 0.5 and 0.84: correction and width")
        return self


class TableSettings(Settings):
    """A baseline without training."""

    content: Literal["raw", "e5x5"] = Field("raw", description="no correction, or the calibrated energy of the 5 x 5")
    bins: PositiveInt = Field(25, description="bins of |eta| of the calibration")


class NetworkSettings(Settings):
    """Convolutions on the 5 x 5, dense layers on the table of features, both joined."""

    image: Image = Field(
        "ratios",
        description="E / E_5x5 with logarithmic weights and a mask, E / E_seed, ln(1 + E) over that of the seed, the "
        "weights alone, E in GeV, or no image",
    )
    channels: tuple[PositiveInt, ...] = Field((32, 64, 64), description="channels of the 3 x 3 convolutions")
    flat: PositiveInt = Field(128, description="units of the dense layer on the flattened image")
    dense: tuple[PositiveInt, ...] = Field((64, 64), description="units of the dense layers on the table")
    joint: tuple[PositiveInt, ...] = Field((128, 64), description="units of the dense layers on both")
    loss: NetworkLoss = Field(
        "relative",
        description="((E_predicted - E_MC) / E_MC)^2, (E_predicted - E_MC)^2, likelihood of a Gaussian or of "
        "Student's t (3 degrees of freedom) in ln y, or of a double-sided Crystal Ball in y",
    )


class EgammaModelSettings(ModelSettings):
    """A model of scouting_egamma: the shared blocks, and what each kind of model learns from."""

    spectrum_exponent: NonNegativeFloat = Field(
        0.0, description="n of weights pT^-n, which make the flat spectrum of true pT a falling one"
    )
    features: str = Field("ours", description="feature set; none for a network on the image alone")
    trees: CorrectionTreeSettings = Field(CorrectionTreeSettings(), description="where kind is trees")
    network: NetworkSettings = Field(NetworkSettings(), description="architecture and loss, where kind is network")
    table: TableSettings = Field(TableSettings(), description="where kind is table")

    @property
    def n_files(self) -> int:
        """How many trained files the model has: boosters for each category, or members."""
        return len(CATEGORIES) if self.kind == "trees" else super().n_files

    @model_validator(mode="after")
    def _features_are_known(self) -> EgammaModelSettings:
        if self.features not in FEATURE_SETS:
            raise ValueError(f"feature set {self.features!r} is not known; known: {', '.join(FEATURE_SETS)}")
        if self.kind == "network" and self.network.image == "off" and not FEATURE_SETS[self.features]:
            raise ValueError("a network without image needs features")
        return self


class EgammaReportSettings(ReportSettings):
    """Models that the report speaks of, besides the reference model and the baseline, and its look."""

    uncorrected_model: str | None = Field(None, description="what the baseline has to beat")
    ensemble_model: str | None = Field(
        None, description="shown on the front page beside the baseline; without it the reference model"
    )


class ScoutingEgammaSettings(StudySettings):
    """All settings of the study."""

    reader: ReaderSettings = Field(ReaderSettings(), description="names of the ntuples' branches")
    evaluation: EvaluationSettings = Field(EvaluationSettings(), description="bins, calibration and bootstrap")
    simulation: SimulationSettings = Field(SimulationSettings(), description="of samples with source: simulate")
    report: EgammaReportSettings = Field(EgammaReportSettings(), description="models of the report, and its look")
    models: Mapping[str, EgammaModelSettings] = Field({}, description="models by name; base: other inherits")

    @model_validator(mode="after")
    def _models_of_the_report_are_known(self) -> Self:
        for name in filter(None, (self.report.uncorrected_model, self.report.ensemble_model)):
            if name not in self.models:
                raise ValueError(f"report: model {name!r} is not defined; known: {', '.join(sorted(self.models))}")
        return self
