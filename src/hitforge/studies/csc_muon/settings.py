"""Settings that only csc_muon has; importing this module imports neither torch nor XGBoost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from hitforge.bdt_settings import TreeSettings
from hitforge.config import ModelSettings, StudySettings
from hitforge.settings_base import Settings
from hitforge.studies.csc_muon.data.planes import PLANE_NAMES
from hitforge.studies.csc_muon.data.roads import PARAMETER_NAMES, VARIABLE_NAMES
from hitforge.studies.csc_muon.evaluation.settings import EvaluationSettings
from hitforge.studies.csc_muon.features import FEATURE_SETS
from hitforge.studies.csc_muon.models.targets import Target, Weight

SCALARS = (*VARIABLE_NAMES, *PARAMETER_NAMES)
"""The 90 columns that a mapping of scalar branches names."""

RoadWord3 = Literal["theta_median", "phi_quadstrip"]


class ReaderSettings(Settings):
    """How road ntuples are read."""

    tree: str = Field("muons", description="tree of ROOT files")
    branches: Mapping[str, str] = Field(
        {},
        description="where a ROOT file has one branch for each of the 90 columns: branch by column, and optionally "
        "those of event and w; empty for the branches variables and parameters",
    )
    road_word3: RoadWord3 = Field("theta_median", description="meaning of column 86; checked on reading")
    dataset_id: str = Field("csc_gun", description="event numbers are unique within this data set", min_length=1)

    @model_validator(mode="after")
    def _mapping_is_complete(self) -> ReaderSettings:
        missing = [name for name in SCALARS if name not in self.branches]
        unknown = sorted(set(self.branches) - {*SCALARS, "event", "w"})
        if self.branches and (missing or unknown):
            raise ValueError(f"branches: missing {missing[:5]} ({len(missing)} in all), unknown {unknown[:5]}")
        return self


class CutSettings(Settings):
    """Which roads are used. The generated pT and eta select; they are never inputs."""

    pt_min_gev: PositiveFloat = Field(2.0, description="smallest generated pT, in GeV")
    pt_max_gev: PositiveFloat = Field(7000.0, description="largest generated pT, in GeV")
    eta_min: PositiveFloat = Field(1.2, description="smallest generated |eta|")
    eta_max: PositiveFloat = Field(2.4, description="largest generated |eta|")
    modes: tuple[int, ...] = Field((11, 13, 14, 15), description="8 S1 + 4 S2 + 2 S3 + S4 of the stations with a hit")
    station1_hit: bool = Field(True, description="require a hit in ME1/1, ME1/2 or ME0")
    csc_bunch_crossings: tuple[int, ...] = Field((-1, 0), description="bunch crossings that CSC hits may have")

    @model_validator(mode="after")
    def _ranges_are_ranges(self) -> CutSettings:
        if not (self.pt_min_gev < self.pt_max_gev and self.eta_min < self.eta_max):
            raise ValueError("cuts: pt_min_gev must lie below pt_max_gev, and eta_min below eta_max")
        return self


class SimulationSettings(Settings):
    """The embedded road generator: single muons, flat in 1/pT."""

    displaced: bool = Field(False, description="muons with an impact parameter up to 120 cm, flat")
    pileup_hits: NonNegativeFloat = Field(
        0.0, description="mean number of foreign hits a plane, which replace the true one; 0.02 is realistic"
    )
    showering: bool = Field(False, description="3 % of muons above 200 GeV lose the precision of ME2 to ME4")


class RoadTreeSettings(TreeSettings):
    """Boosted trees of a road: a booster for the momentum and, if wanted, further ones for charge and classes."""

    objective: Literal["squared", "huberised", "logistic", "softprob", "quantile"] = Field(
        "squared", description="of the momentum's booster; all others follow from what they learn"
    )
    target: Target = Field("log2_pt", description="what the momentum's booster learns")
    weight: Weight = Field("one", description="its event weights")
    further: tuple[Literal["charge", "classes"], ...] = Field((), description="boosters besides that of the momentum")
    charge: Literal["bending", "none"] = Field(
        "bending", description="charge of an unsigned regression without a charge booster: that of the bending, or none"
    )


class LookupSettings(Settings):
    """A lookup of |dPhi| and zone."""

    bins: PositiveInt = Field(256, description="bins of |dPhi| of each pair of stations")


class NetworkSettings(Settings):
    """Architecture and outputs of a network."""

    architecture: Literal["ensemble", "seed_cnn1d", "seed_cnn2d", "seed_fcn", "emtf_nn"] = Field(
        "ensemble", description="planes with features (ours), the seeds' networks, or the trigger's"
    )
    output: Literal["inverse_pt", "q_over_pt", "class_logits"] = Field(
        "q_over_pt", description="what a seed's network predicts; the others have outputs of their own"
    )
    threshold_gev: PositiveFloat = Field(14.0, description="pT of the trigger network's decision, in GeV")
    channels: PositiveInt = Field(64, description="channels of the convolutions along the planes")
    kernel: PositiveInt = Field(3, description="kernel size of these convolutions")
    blocks: PositiveInt = Field(3, description="residual blocks")
    dense: tuple[PositiveInt, ...] = Field((256, 128, 64), description="units of the dense layers on the features")
    joint: PositiveInt = Field(128, description="units of the dense layer on planes and features together")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout of the dense layers")


class CscModelSettings(ModelSettings):
    """A model of csc_muon: the shared blocks, and what each kind of model learns."""

    features: str = Field("emtf", description="feature set; networks on planes read the hits besides")
    without: tuple[str, ...] = Field((), description="planes whose hits the model does not get, for ablations")
    class_weights: tuple[PositiveFloat, ...] = Field(
        (), description="event weight of each pT class, for a classifying network; empty for ones"
    )
    trees: RoadTreeSettings = Field(RoadTreeSettings(), description="where kind is trees")
    network: NetworkSettings = Field(NetworkSettings(), description="architecture, where kind is network")
    table: LookupSettings = Field(LookupSettings(), description="where kind is table")

    @property
    def n_files(self) -> int:
        """How many trained files the model has."""
        return 1 + len(self.trees.further) if self.kind == "trees" else super().n_files

    @model_validator(mode="after")
    def _is_consistent(self) -> CscModelSettings:
        if self.features not in FEATURE_SETS:
            raise ValueError(f"feature set {self.features!r} is not known; known: {', '.join(FEATURE_SETS)}")
        unknown = sorted(set(self.without) - set(PLANE_NAMES))
        if unknown:
            raise ValueError(f"without: planes {unknown} are not known; known: {', '.join(PLANE_NAMES)}")
        if self.class_weights and len(self.class_weights) != 4:
            raise ValueError(f"class_weights: four are needed, one for each pT class, not {len(self.class_weights)}")
        wanted = {"seed_cnn1d": "seed19", "seed_cnn2d": "seed23"}.get(self.network.architecture)
        if self.kind == "network" and wanted is not None and self.features != wanted:
            raise ValueError(f"{self.network.architecture} is built for the features {wanted}, not {self.features}")
        return self


class CscMuonSettings(StudySettings):
    """All settings of the study."""

    reader: ReaderSettings = Field(ReaderSettings(), description="names and meanings of the ntuples' columns")
    cuts: CutSettings = Field(CutSettings(), description="which roads are used")
    evaluation: EvaluationSettings = Field(EvaluationSettings(), description="thresholds, bins, spectra and bootstrap")
    simulation: SimulationSettings = Field(SimulationSettings(), description="of samples with source: simulate")
    models: Mapping[str, CscModelSettings] = Field({}, description="models by name; base: other inherits")

    @model_validator(mode="before")
    @classmethod
    def _rates_are_compared_with_the_baseline(cls, given: Any) -> Any:
        evaluation = given.get("evaluation")
        if not isinstance(evaluation, Mapping) or evaluation.get("rate_reference") is not None:
            return given
        return {**given, "evaluation": {**evaluation, "rate_reference": given.get("baseline_model")}}
