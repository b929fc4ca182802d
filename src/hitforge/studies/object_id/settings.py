"""Settings that only object_id has; importing this module imports neither torch nor XGBoost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from hitforge.bdt_settings import TreeSettings
from hitforge.config import ModelSettings, StudySettings
from hitforge.settings_base import Settings
from hitforge.studies.object_id.data.cuts import CutSettings
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.objects import N_CLASSES
from hitforge.studies.object_id.evaluation.settings import EvaluationSettings
from hitforge.studies.object_id.features import FEATURE_SETS
from hitforge.studies.object_id.simulation.settings import SimulationSettings

Cells = Literal["log", "energy", "share", "maximum"]
Activation = Literal["relu", "selu"]


class ReaderSettings(Settings):
    """How object ntuples are read."""

    tree: str = Field("objects", description="tree of ROOT files")
    layout: Literal["images", "cells"] = Field(
        "images", description="images: one array for each channel; cells: lists of cells, from which images are made"
    )
    em: str = Field("em", description="branch of the electromagnetic channel, in GeV (layout images)")
    had: str = Field("had", description="branch of the hadronic channel, in GeV (layout images)")
    dataset_id: str = Field("object_gun", description="event numbers are unique within this data set", min_length=1)


class ObjectTreeSettings(TreeSettings):
    """Boosted trees of an object: one booster for the probabilities of the four classes."""

    objective: Literal["squared", "huberised", "logistic", "softprob", "quantile"] = Field(
        "softprob", description="probability of each class; the others do not fit the labels"
    )
    classes: int = Field(N_CLASSES, ge=2, description="number of classes")


class NetworkSettings(Settings):
    """Architecture and loss of a network on sub-images."""

    architecture: Literal["seed_cnn", "residual"] = Field(
        "seed_cnn", description="the classic example network on small pictures, or residual blocks with features (ours)"
    )
    cells: Cells = Field(
        "log",
        description="what a cell of the image holds: ln(1 + ET / 0.1 GeV), ET in 10 GeV, or ET over the sum or the "
        "largest cell of both channels",
    )
    convolutions: tuple[PositiveInt, ...] = Field(
        (32, 64), description="filters of the two blocks of convolutions, or of the stages of residual blocks"
    )
    extra_convolution: int = Field(
        0, ge=0, description="filters of one more convolution behind the blocks (seed_cnn); all are padded then"
    )
    dense: PositiveInt = Field(512, description="units of the dense layer before the output")
    feature_dense: tuple[PositiveInt, ...] = Field((64, 64), description="dense layers on the features (residual)")
    dropouts: tuple[float, float, float] = Field(
        (0.25, 0.25, 0.5), description="dropout behind the two blocks and the dense layer (seed_cnn)"
    )
    activations: tuple[Activation, Activation, Activation] = Field(
        ("relu", "relu", "relu"), description="activation in the two blocks and the dense layer (seed_cnn)"
    )
    augment: bool = Field(
        False, description="vary images in training: flips, shifts by a cell, energy scale, noise of hit cells"
    )
    loss: Literal["cross_entropy", "mse"] = Field(
        "cross_entropy", description="cross entropy, or mean squared error of the four probabilities"
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of a label given to all classes evenly")


class ObjectModelSettings(ModelSettings):
    """A model of object_id: the shared blocks, and what each kind of model learns."""

    without: tuple[Literal["em", "had"], ...] = Field((), description="channels that a network on images does not get")
    class_weights: tuple[PositiveFloat, ...] = Field(
        (), description="event weight of each class: 1 / (4 x its share) in training; empty for ones"
    )
    trees: ObjectTreeSettings = Field(ObjectTreeSettings(), description="where kind is trees")
    network: NetworkSettings = Field(NetworkSettings(), description="architecture, where kind is network")

    @model_validator(mode="after")
    def _is_consistent(self) -> ObjectModelSettings:
        if self.features not in FEATURE_SETS:
            raise ValueError(f"feature set {self.features!r} is not known; known: {', '.join(FEATURE_SETS)}")
        if self.class_weights and len(self.class_weights) != N_CLASSES:
            raise ValueError(f"class_weights: one for each of {N_CLASSES} classes, not {len(self.class_weights)}")
        if self.kind == "trees" and self.trees.objective != "softprob":
            raise ValueError(f"trees.objective: {self.trees.objective} does not fit class labels, take softprob")
        images_only = self.kind == "network" and self.network.architecture == "seed_cnn"
        if self.without and not images_only:
            raise ValueError("without: features are made of both channels; only seed_cnn can do without one")
        if images_only and len(self.network.convolutions) != 2:
            raise ValueError(f"convolutions: seed_cnn has two blocks, not {len(self.network.convolutions)}")
        if not images_only and self.kind == "network" and self.features == "none":
            raise ValueError("features: the residual network needs some")
        return self


class ObjectIdSettings(StudySettings):
    """All settings of the study."""

    image: ImageSettings = Field(ImageSettings(), description="cells of a sub-image")
    reader: ReaderSettings = Field(ReaderSettings(), description="names and meanings of the ntuples' branches")
    cuts: CutSettings = Field(CutSettings(), description="which objects are used")
    evaluation: EvaluationSettings = Field(EvaluationSettings(), description="bins, working points and bootstrap")
    simulation: SimulationSettings = Field(SimulationSettings(), description="of samples with source: simulate")
    models: Mapping[str, ObjectModelSettings] = Field({}, description="models by name; base: other inherits")
    sweep_base: str | None = Field(
        None, description="it and the models that inherit from it are a sweep: they have a table and are in no figure"
    )

    @model_validator(mode="after")
    def _sweep_is_known(self) -> ObjectIdSettings:
        if self.sweep_base is not None and self.sweep_base not in self.models:
            raise ValueError(f"sweep_base: model {self.sweep_base!r} is not defined")
        return self
