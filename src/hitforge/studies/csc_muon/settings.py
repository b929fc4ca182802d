"""Settings that only csc_muon has; importing this module imports neither torch nor XGBoost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from hitforge.bdt_settings import TreeSettings
from hitforge.config import ModelSettings, StudySettings
from hitforge.settings_base import Settings
from hitforge.studies.csc_muon.data.cuts import CutSettings
from hitforge.studies.csc_muon.evaluation.settings import EvaluationSettings
from hitforge.studies.csc_muon.models.targets import Target, Weight
from hitforge.studies.csc_muon.reader_settings import ReaderSettings
from hitforge.studies.csc_muon.report import names
from hitforge.studies.csc_muon.simulation.settings import SimulationSettings

_ROADS = ("data.roads", "data.planes", "features")
_READING = (*_ROADS, "reader_settings", "data.ntuple", "data.npz", "data.checks", "data.cuts")
_INPUTS = (*_ROADS, "data.derived", "models.tensors", "models.targets")
_NETWORKS = ("models.network", "models.seed_networks", "models.build", "models.losses")


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
    """The lookup table of |dPhi| and zone."""

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
        from hitforge.studies.csc_muon.data.planes import PLANE_NAMES
        from hitforge.studies.csc_muon.features import FEATURE_SETS

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

    STAGE_BLOCKS: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "simulate": ("simulation",),
        "validate": ("reader", "cuts"),
        "build_shard": ("reader", "cuts"),
        "calibrate": ("evaluation",),
        "evaluate": ("evaluation",),
    }
    CODE: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "simulate": (*_ROADS, "simulation"),
        "validate": (*_READING, "data.validation"),
        "build_shard": (*_READING, "data.derived"),
        "fit_scaling": _ROADS,
        "train_trees": (*_INPUTS, "models.trees"),
        "fit_table": (*_INPUTS, "models.trees", "models.lookup"),
        "train_member": (*_INPUTS, *_NETWORKS, "models.inputs", "models.trees"),
        "assemble": (*_INPUTS, *_NETWORKS),
        "predict": (*_INPUTS, *_NETWORKS, "models.inputs", "models.trees", "models.lookup"),
        "calibrate": ("evaluation", "samples", "models.targets"),
        "evaluate": ("evaluation", "samples", "models.targets"),
        "tables": ("report", "evaluation", "published", *_INPUTS),
        "figures": ("report", "evaluation", "published", "samples", *_INPUTS),
    }
    TABLES: ClassVar[tuple[str, ...]] = names.TABLES
    FIGURES: ClassVar[tuple[str, ...]] = names.FIGURES

    reader: ReaderSettings = Field(ReaderSettings(), description="names and meanings of the ntuples' columns")
    cuts: CutSettings = Field(CutSettings(), description="which roads are used")
    evaluation: EvaluationSettings = Field(EvaluationSettings(), description="thresholds, bins, spectra and bootstrap")
    simulation: SimulationSettings = Field(SimulationSettings(), description="of samples with source: simulate")
    models: Mapping[str, CscModelSettings] = Field({}, description="models by name; base: other inherits")


SETTINGS = CscMuonSettings
