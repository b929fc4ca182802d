"""How a study is declared: for each thing that a stage asks of it, the function and the settings that it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from hitforge.config import ModelSettings, StudySettings, study_module
from hitforge.named import load_function, module_named

_OF_ANY_MODEL = ("layout", "feature_set", "clip_features", "visible_features")
_OF_A_NETWORK = ("network_inputs", "uses_voxels", "hit_tensors", "build_network")
_PREDICTING = (*_OF_ANY_MODEL, *_OF_A_NETWORK, "output_columns", "tree_columns", "table_columns", "combine")

STAGES: Mapping[str, tuple[str, ...]] = {
    "simulate": ("simulate",),
    "validate": ("inspect",),
    "inventory": (),
    "build_shard": ("layout", "read"),
    "fit_scaling": ("layout", "clip_features"),
    "train_trees": (*_OF_ANY_MODEL, "event_weight", "booster_tasks"),
    "fit_table": (*_OF_ANY_MODEL, "event_weight", "fit_table"),
    "train_member": (*_OF_ANY_MODEL, *_OF_A_NETWORK, "event_weight", "build_loss"),
    "assemble": ("layout", "feature_set", "build_network", "network_operations", "ensemble_weights"),
    "predict": _PREDICTING,
    "calibrate": ("calibrate",),
    "evaluate": ("calibrated", "evaluate"),
    "compare": ("calibrated", "compare"),
    "explain": (*_PREDICTING, "explain"),
    "apply": (*_PREDICTING, "open_entries", "friend_columns"),
    "pack": ("layout", "portable_settings", "resolution"),
    "tables": (),
    "figures": (),
    "page": (),
}
"""What each stage asks of a study; a study that is loaded for a stage refuses anything else."""

OF_ONE_MODEL = ("train_trees", "train_member", "fit_table", "assemble", "predict", "explain", "apply")
"""Stages that work for one model: they are given its settings, and those of no other."""


@dataclass(frozen=True)
class EntryPoint:
    """A function of a study, which is imported when a stage calls it."""

    function: str
    """``module:function``; the module is named from the study's folder, or whole if it begins with ``hitforge.``"""
    settings: tuple[str, ...] = ()
    """Blocks of the study's settings that the function is given, as keyword arguments of these names."""
    without: tuple[str, ...] = ()
    """Keys of these blocks that it is not given, such as ``evaluation.bootstraps``: a new value runs nothing again."""

    def module(self, study: str) -> str:
        """Return the full name of the module."""
        return module_named(study, self.function.partition(":")[0])

    def load(self, study: str) -> Callable[..., Any]:
        """Import the function."""
        return load_function(study, self.function)


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A study: its name, its settings and its entry points.

    What each function is called with and returns stands at the method of :class:`hitforge.studies.base.Study` that
    has its name. One that is not declared has the behaviour that is described there.
    """

    name: str
    """Name of the folder under ``hitforge.studies`` and of the YAML file."""
    settings: type[StudySettings]
    target: str
    """Name of the dataset in ``targets/`` that all models learn from, directly or by what they make of it."""
    own_weight: str | None = None
    """Name of the dataset in ``truth/`` with a weight that each event brings along; trainings multiply theirs by it."""
    chapter: str | None = None
    """Module with the catalogue of the study's chapter; None: the default chapter."""

    layout: EntryPoint
    inspect: EntryPoint
    read: EntryPoint
    simulate: EntryPoint | None = None

    feature_set: EntryPoint | None = None
    clip_features: EntryPoint | None = None
    visible_features: EntryPoint | None = None
    event_weight: EntryPoint | None = None

    uses_voxels: EntryPoint | None = None
    hit_tensors: EntryPoint | None = None
    network_inputs: EntryPoint | None = None
    build_network: EntryPoint | None = None
    build_loss: EntryPoint | None = None
    output_columns: EntryPoint | None = None
    ensemble_weights: EntryPoint | None = None
    combine: EntryPoint | None = None
    network_operations: EntryPoint | None = None
    describe_network: EntryPoint | None = None

    booster_tasks: EntryPoint | None = None
    tree_columns: EntryPoint | None = None
    fit_table: EntryPoint | None = None
    table_columns: EntryPoint | None = None

    calibrate: EntryPoint = EntryPoint("evaluation.calibration:calibrate", ("evaluation",), ("evaluation.bootstraps",))
    calibrated: EntryPoint = EntryPoint("evaluation.calibration:calibrated")
    evaluate: EntryPoint = EntryPoint("evaluation.metrics:evaluate_model", ("evaluation",))
    compare: EntryPoint = EntryPoint("evaluation.comparison:compare_models", ("evaluation",))
    explain: EntryPoint | None = None

    open_entries: EntryPoint | None = None
    friend_columns: EntryPoint | None = None
    onnx_graph: EntryPoint | None = None
    portable_settings: EntryPoint | None = None
    resolution: EntryPoint | None = None

    def entry_points(self, stage: str | None = None) -> dict[str, EntryPoint]:
        """Return the declared entry points by name, of all stages or those that a stage asks for."""
        declared = {
            field.name: entry for field in fields(self) if isinstance(entry := getattr(self, field.name), EntryPoint)
        }
        return declared if stage is None else {name: declared[name] for name in STAGES[stage] if name in declared}

    def given_settings(self, settings: StudySettings, stage: str, model: str | None = None) -> dict[str, Any]:
        """Return the settings, as plain data, that a stage is given, for one model where it works for one.

        This is what a rule gets as ``params`` and all that its script sees: an edit elsewhere in the configuration
        cannot reach it and reruns nothing.
        """
        entries = self.entry_points(stage).values()
        given = settings.model_dump(mode="json", include={block for entry in entries for block in entry.settings})
        for key in {key for entry in entries for key in entry.without}:
            block, _, name = key.partition(".")
            # another function of the stage may be given it
            if all(key in entry.without for entry in entries if block in entry.settings):
                del given[block][name]
        if model is not None and stage in OF_ONE_MODEL:
            # a manifest is made of what a prediction reads
            given["models"] = {model: settings.model_settings_for("predict" if stage == "assemble" else stage, model)}
        return given


def declaration_of(study: str) -> Declaration:
    """Return the declaration of a study, ``STUDY`` in its ``study.py``; a ConfigError names the known studies."""
    declared: Declaration = study_module(study).STUDY
    return declared


def model_settings(settings: StudySettings, model: str) -> ModelSettings:
    """Return the settings of a model, an error that names the known ones otherwise."""
    if model not in settings.models:
        raise ValueError(f"model {model!r} is not defined; known: {', '.join(settings.models)}")
    return settings.models[model]
