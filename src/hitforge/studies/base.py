"""A study as stages use it: what was declared, bound to the settings that the stage was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hitforge.bdt_settings import BoosterTask
from hitforge.config import ModelSettings, SampleSettings, StudySettings, merge
from hitforge.studies.declaration import STAGES, Declaration, declaration_of, model_settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from hitforge.entries import Column, OpenEntries
    from hitforge.evaluation.binned import BinnedNumbers
    from hitforge.onnx_graphs.parts import ModelGraph
    from hitforge.predictions import EvaluationPiece, Predictions
    from hitforge.scaling import Scaling
    from hitforge.shards import ShardBlock, ShardLayout
    from hitforge.training.losses import MemberLoss
    from hitforge.training.window import HitTensors
    from hitforge.validation import PartFindings

Progress = Callable[[int, int], None]
Floats = NDArray[np.floating]
Features = NDArray[np.float32]


class Study:
    """One physics task. Rules, training loop, shard format, tree code and report engine are shared.

    A method asks the entry point of its name. Those that are about a model take its name and hand its settings on.
    Features of methods are all columns of the shards, shape (n, F).
    """

    def __init__(self, declared: Declaration, settings: StudySettings, stage: str | None = None) -> None:
        self.declared = declared
        self.name, self.target, self.own_weight = declared.name, declared.target, declared.own_weight
        # of the study's own class, which only its own functions know
        self.settings: Any = settings
        self._stage = stage

    def _function(self, name: str) -> Callable[..., Any] | None:
        """Return an entry point's function with its settings bound; None if the study does not declare it."""
        if self._stage is not None and name not in STAGES[self._stage]:
            raise LookupError(f"stage {self._stage} asks study {self.name} for {name}: add it to declaration.STAGES")
        entry = getattr(self.declared, name)
        if entry is None:
            return None
        return partial(entry.load(self.name), **{block: getattr(self.settings, block) for block in entry.settings})

    def _call(self, name: str, *arguments: Any) -> Any:
        function = self._function(name)
        if function is None:
            raise NotImplementedError(f"study {self.name} declares no entry point {name!r} in its study.py")
        return function(*arguments)

    def _model(self, model: str) -> ModelSettings:
        return model_settings(self.settings, model)

    # ---- ntuples to shards

    @cached_property
    def layout(self) -> ShardLayout:
        """What this study's shards hold; ``layout()``."""
        layout: ShardLayout = self._call("layout")
        return layout

    def inspect(self, source: str) -> PartFindings:
        """Read a part in full and report every problem in it; raises for nothing that a file can hold."""
        findings: PartFindings = self._call("inspect", source)
        return findings

    def read(self, source: str) -> Iterator[ShardBlock]:
        """Yield the events of a good part with their features, in bounded memory."""
        yield from self._call("read", source)

    def simulate(self, out: Path, sample: SampleSettings, seed: int, progress: Progress | None = None) -> None:
        """Write one simulated part in the original's file format; not declared: there is no generator."""
        self._call("simulate", out, sample, seed, progress)

    # ---- models

    def feature_set(self, name: str) -> tuple[str, ...]:
        """Return the columns of a named feature set, ``feature_set(name)``; not declared: all columns."""
        function = self._function("feature_set")
        return self.layout.feature_names if function is None else tuple(function(name))

    def clip_features(self, features: Features) -> Features:
        """Return raw features in the range that models may see, ``clip(features)``; not declared: as they are."""
        function = self._function("clip_features")
        return features if function is None else function(features)

    def visible_features(self, model: str, features: Features) -> Features:
        """Return the columns as a model may see them, ``visible(model, features)``; not declared: as they are."""
        function = self._function("visible_features")
        return features if function is None else function(self._model(model), features)

    def model_features(self, model: str, features: Features) -> Features:
        """Return the columns of a model's feature set, clipped, shape (n, k)."""
        return self._columns(model, self.visible_features(model, features))

    def _columns(self, model: str, visible: Features) -> Features:
        names = self.feature_set(self._model(model).features)
        return self.clip_features(visible)[:, [self.layout.feature_names.index(name) for name in names]]

    def event_weight(self, model: str, features: Features, target: Floats) -> NDArray[np.float64]:
        """Return the training weight of each event, ``weight(model, features, target)``; not declared: one."""
        function = self._function("event_weight")
        return np.ones(len(target)) if function is None else function(self._model(model), features, target)

    # ---- networks

    def uses_voxels(self, model: str) -> bool:
        """Whether a network reads the voxel grid, ``uses(model)``; not declared: none does."""
        function = self._function("uses_voxels")
        return function is not None and bool(function(self._model(model)))

    def hit_tensors(self, model: str) -> HitTensors | None:
        """Return what a network is given of the hits besides the grid, ``tensors(model)``; not declared: nothing."""
        function = self._function("hit_tensors")
        return None if function is None else function(self._model(model))

    def network_inputs(self, model: str, scaling: Scaling) -> Callable[[Features], Mapping[str, Features]] | None:
        """Return the map from raw features to the tensors that the network is called with, by name.

        ``inputs(model, scaling, names)`` returns a function of the visible columns and of the model's own, clipped; it
        works row by row: images and masks are made there. None reads no features. Not declared: the own columns,
        scaled, as ``features``.
        """
        names = self.feature_set(self._model(model).features)
        function = self._function("network_inputs") or _own_columns
        make: Callable[[Features, Features], Mapping[str, Features]] | None
        make = function(self._model(model), scaling, names)
        if make is None:
            return None

        def inputs(raw: Features) -> Mapping[str, Features]:
            visible = self.visible_features(model, raw)
            return make(visible, self._columns(model, visible))

        return inputs

    def build_network(self, model: str, seed: int) -> nn.Module:
        """Return the freshly initialised network of a model, ``build(model, n_features, seed)``.

        It is called with :meth:`network_inputs` (and ``grid``) by name.
        """
        own = self._model(model)
        network: nn.Module = self._call("build_network", own, len(self.feature_set(own.features)), seed)
        return network

    def build_loss(self, model: str) -> MemberLoss:
        """Return a fresh loss, ``loss(model)``, which takes what the network returns and the target."""
        loss: MemberLoss = self._call("build_loss", self._model(model))
        return loss

    def output_columns(self, model: str, output: Any) -> Mapping[str, Tensor]:
        """Return the prediction columns, shape (n,) or (n, k), of what a network returned, ``columns(model, output)``.

        Not declared: the output is the target.
        """
        function = self._function("output_columns")
        return {self.target: output} if function is None else function(self._model(model), output)

    def ensemble_weights(self, losses: Sequence[float]) -> NDArray[np.float64]:
        """Return the weights of the members, summing to one, from their best monitoring losses; not declared: equal."""
        function = self._function("ensemble_weights")
        return np.full(len(losses), 1 / len(losses)) if function is None else function(losses)

    def combine(self, model: str, members: Mapping[str, Features], mean: Mapping[str, Features]) -> dict[str, Features]:
        """Return the columns of the ensemble, (n,) or (n, k), ``combine(model, members, mean)``.

        ``members`` are those of its members, (n, M) or (n, M, k), and ``mean`` their weighted mean. Not declared: that.
        """
        function = self._function("combine")
        return dict(mean if function is None else function(self._model(model), members, mean))

    def network_operations(self, model: str, network: nn.Module) -> int | None:
        """Return the multiply-adds for an event, ``operations(model, network)``; not declared: unknown."""
        function = self._function("network_operations")
        return None if function is None else function(self._model(model), network)

    def describe_network(self, network: nn.Module) -> dict[str, Any]:
        """Return parameters and shapes of a network; not declared: the number of parameters, and shapes by part."""
        function = self._function("describe_network")
        if function is not None:
            return dict(function(network))
        parts = {name: [list(p.shape) for p in part.parameters()] for name, part in network.named_children()}
        return {"n_parameters": sum(p.numel() for p in network.parameters()), "parts": parts}

    def describe_model(self, model: str) -> dict[str, Any]:
        """Return a model's settings, or its parameters and layer shapes, as plain data."""
        settings = self._model(model)
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

    # ---- boosted trees and tables

    def booster_tasks(self, model: str) -> Sequence[BoosterTask]:
        """Return what each booster of a tree model learns, ``tasks(model, event_weight)``, as many as its settings say.

        Labels and weights are made of the visible columns. Not declared: one booster, of the target itself.
        """
        weigh = partial(self.event_weight, model)
        function = self._function("booster_tasks")
        if function is None:
            return [BoosterTask(self._model(model).trees, label=lambda _features, target: target, weight=weigh)]

        def visible(task: BoosterTask) -> BoosterTask:
            return replace(
                task,
                label=lambda features, target: task.label(self.visible_features(model, features), target),
                weight=lambda features, target: task.weight(self.visible_features(model, features), target),
            )

        return [visible(task) for task in function(self._model(model), weigh)]

    def tree_columns(self, model: str, outputs: Sequence[Features], features: Features) -> Mapping[str, Floats]:
        """Return the prediction columns of what the boosters said, ``columns(model, outputs, visible)``.

        Not declared: the first booster's output is the target.
        """
        function = self._function("tree_columns")
        if function is None:
            return {self.target: outputs[0]}
        columns: Mapping[str, Floats] = function(self._model(model), outputs, self.visible_features(model, features))
        return columns

    def fit_table(self, model: str, features: Features, target: Features, weight: Features) -> dict[str, Any]:
        """Return a lookup table or constants of a formula as plain data, ``fit(model, visible, target, weight)``."""
        return dict(self._call("fit_table", self._model(model), self.visible_features(model, features), target, weight))

    def table_columns(self, model: str, table: Mapping[str, Any], features: Features) -> Mapping[str, Floats]:
        """Return the prediction columns that a table gives, ``columns(model, table, visible)``."""
        columns: Mapping[str, Floats] = self._call(
            "table_columns", self._model(model), table, self.visible_features(model, features)
        )
        return columns

    # ---- evaluation

    def calibrate(self, predictions: Predictions) -> dict[str, Any]:
        """Fit the correction of an ensemble and of each member on held-out events; plain data for JSON."""
        return dict(self._call("calibrate", predictions))

    def calibrated(self, pieces: Sequence[EvaluationPiece]) -> Any:
        """Return the events of an evaluation sample as metrics take them, each piece with the calibration of its fit.

        Pieces are joined in their order, which is the same for all models: they are compared event by event.
        """
        return self._call("calibrated", pieces)

    def evaluate(self, model: str, samples: Mapping[str, Any], weights: Sequence[float], seed: int) -> dict[str, Any]:
        """Return the metrics of a model on each sample (``heldout``, test samples), made by :meth:`calibrated`."""
        return dict(self._call("evaluate", model, samples, weights, seed))

    def compare(self, models: Mapping[str, Any], seed: int, sample: str) -> list[dict[str, Any]]:
        """Return paired differences between models on a sample, made by :meth:`calibrated`.

        They are rows ``{first, second, quantity, where, difference}``, see :mod:`hitforge.evaluation.differences`.
        """
        return list(self._call("compare", models, seed, sample))

    def explain(self, model: str, trained: TrainedModel) -> dict[str, Any]:
        """Return what a trained model looks at, as plain data; not declared: nothing."""
        function = self._function("explain")
        return {} if function is None else dict(function(model, trained))

    # ---- application to other files

    def open_entries(self, source: str) -> Iterator[OpenEntries]:
        """Yield the one open part of a source for the application of models; it needs no truth.

        A generator, so that the file closes when the caller is done. Raises NtupleError for what is wrong with the
        whole file; an entry that cannot be used has its reason.
        """
        yield from self._call("open_entries", source)

    def friend_columns(self, model: str, predictions: Predictions, calibration: Mapping[str, Any]) -> dict[str, Column]:
        """Return what a user is told of predicted events, calibrated, ``columns(model, predictions, calibration)``.

        Not declared: nothing beside the outputs of the ensemble.
        """
        function = self._function("friend_columns")
        return {} if function is None else dict(function(self._model(model), predictions, calibration))

    def onnx_graph(self, model: str, scaling: Scaling | None) -> ModelGraph:
        """Return what a model's graph needs beside its trained parts, ``graph(model, scaling, names)``.

        ``scaling`` is that of a network. Not declared: the defaults of :class:`ModelGraph`.
        """
        from hitforge.onnx_graphs.parts import ModelGraph

        own = self._model(model)
        function = self._function("onnx_graph")
        graph: ModelGraph = ModelGraph() if function is None else function(own, scaling, self.feature_set(own.features))
        return graph

    def portable_settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings of stage ``apply`` that name no file of this machine, ``portable(given)``: plain data.

        Not declared: none of them does.
        """
        function = self._function("portable_settings")
        return dict(given) if function is None else dict(function(given))

    def resolution(self, metrics: Mapping[str, Any], sample: str) -> BinnedNumbers:
        """Return what a model reaches on a sample in bins of the energy, ``resolution(metrics, sample)``.

        Not declared: a ValueError says that the study quotes nothing in bins.
        """
        function = self._function("resolution")
        if function is None:
            raise ValueError(f"study {self.name} quotes no resolution: its study.py declares no entry point resolution")
        numbers: BinnedNumbers = function(metrics, sample)
        return numbers


@dataclass(frozen=True)
class TrainedModel:
    """What the entry point ``explain`` is given of a trained model; the study makes its inputs and columns."""

    study: Study
    manifest: Path
    """``model.json`` of the main fit; the trained files stand beside it."""
    scaling: Path | None
    """Scaling of the main fit, for a network."""
    shards: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    """A few shards of each sample."""
    seed: int = 0
    """Root seed of the run."""


def _own_columns(
    _model: ModelSettings, scaling: Scaling, names: Sequence[str]
) -> Callable[[Features, Features], Mapping[str, Features]] | None:
    """Return what makes a network's only input of its own columns; None without columns."""
    if not names:
        return None
    scale = scaling.select(names)
    return lambda _visible, own: {"features": scale.apply(own)}


def load_study(
    name: str,
    settings: Mapping[str, Any] | StudySettings,
    stage: str | None = None,
    beside: Mapping[str, Any] | None = None,
) -> Study:
    """Return the study ``name`` with all settings, or with those that a stage is given as plain data.

    Plain data are validated. With a ``stage``, asking for another setting or another stage's function is an error.
    ``beside`` are settings that are not among them because they change no result (``StudySettings.beside``).
    """
    declared = declaration_of(name)
    if not isinstance(settings, StudySettings):
        settings = declared.settings.model_validate(merge(settings, beside or {}))
        if stage is not None:
            settings.as_given_to(stage)
    return Study(declared, settings, stage)
