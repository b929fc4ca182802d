"""The configuration: one pydantic model per block, shared by the workflow and the command line.

Order of layers, later wins: ``config/studies/<study>.yaml``, ``config/presets/<preset>.yaml``,
the user's config files, ``--config`` values. Importing this module imports neither torch nor ROOT readers.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, ValidationError, field_validator, model_validator

from hitforge.apply_settings import ApplySettings
from hitforge.bdt_settings import TreeSettings
from hitforge.report_settings import LabelSettings, ReportSettings
from hitforge.settings_base import Settings
from hitforge.studies import OUTSIDE
from hitforge.training.settings import BESIDE, OF_PREDICTION, WITHOUT_EFFECT_ON_A_MEMBER, TrainingSettings
from hitforge.words import RESERVED
from hitforge.yaml_files import ConfigError, complaints, did_you_mean, place_of, read_yaml

NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"


TreeFormat = Literal["ttree", "rntuple"]
"""How ROOT stores the entries of a tree."""


class SampleSettings(Settings):
    """A named set of ROOT files with one role."""

    role: Literal["train", "test"] = Field(description="a test sample is never trained on")
    source: str | tuple[str, ...] = Field(
        "simulate", description="simulate, or paths, globs, root:// URLs, text files that list them (.list)"
    )
    parts: PositiveInt | None = Field(
        None,
        description="number of simulated parts, of folds of a fold file, or of slices that an .npz file is read in",
    )
    events_per_part: PositiveInt | None = Field(None, description="events in each simulated part")
    spectrum: str = Field("flat", description="which spectrum the study's generator draws")
    tree_format: TreeFormat = Field("ttree", description="how simulated parts are stored, as TTree or RNTuple")
    needs: str | None = Field(
        None, description="environment variable without which this sample is left out, for data that not everybody has"
    )

    @model_validator(mode="after")
    def _simulation_is_sized(self) -> SampleSettings:
        if self.source == "simulate" and (self.parts is None or self.events_per_part is None):
            raise ValueError("a simulated sample needs 'parts' and 'events_per_part'")
        return self

    @field_validator("source")
    @classmethod
    def _source_is_named(cls, source: str | tuple[str, ...]) -> str | tuple[str, ...]:
        many = () if isinstance(source, str) else source
        if not source or not all(each.strip() for each in (source, *many) if isinstance(each, str)):
            raise ValueError("no source is given; write simulate, a path, a pattern or a list of them")
        if "simulate" in many:
            raise ValueError("simulate stands alone; give generated parts a sample of their own")
        return source

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources as a tuple, whether one or many were given."""
        return (self.source,) if isinstance(self.source, str) else self.source


class FoldSettings(Settings):
    """Folds by identity bucket: which calibrate, which rotate."""

    count: PositiveInt = Field(36, description="F: fold of an event = bucket mod F")
    held_out: tuple[NonNegativeInt, ...] = Field((0,), description="folds that no model of the main fit ever sees")
    rotations: NonNegativeInt = Field(
        0, description="R >= 2: cross-fitted evaluation, rotation r holds out the folds f with f mod R = r"
    )

    @model_validator(mode="after")
    def _rotations_make_sense(self) -> FoldSettings:
        if self.rotations == 1 or self.rotations > self.count:
            raise ValueError(f"rotations must be 0 (off) or between 2 and the fold count {self.count}")
        if max(self.held_out, default=0) >= self.count:
            raise ValueError(f"held_out {self.held_out} names a fold past the last one, {self.count - 1}")
        return self


class ModelSettings(Settings):
    """A named model of a study: boosted trees, an ensemble of networks, or a lookup table."""

    kind: Literal["trees", "network", "table"] = Field(
        description="boosted trees, an ensemble of networks, or a lookup table (or formula) of the study"
    )
    base: str | None = Field(None, description="the model that this one inherits from: an entry states what differs")
    description: str = Field("", description="what the report says of the model")
    features: str = Field("default", description="feature set of the study; none for a network without features")
    trees: TreeSettings = TreeSettings()
    training: TrainingSettings = TrainingSettings()

    @property
    def n_files(self) -> int:
        """How many trained files the model has: boosters, members or tables."""
        return self.training.members if self.kind == "network" else 1


# blocks of a model's entry that only models of a kind have a use for
BLOCKS_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "trees": ("trees",),
    "network": ("network", "training"),
    "table": ("table",),
}


class StudySettings(Settings):
    """What every study has; a study adds its own blocks in a subclass, and its declaration says who is given them."""

    samples: Mapping[str, SampleSettings] = Field({}, description="one train sample and at least one test sample")
    folds: FoldSettings = FoldSettings()
    blocks: PositiveInt = Field(72, description="at most so many validate, build and predict jobs a sample")
    freeze: bool = Field(False, description="keep trained models, scaling and calibration when train parts are added")
    evaluate_training: bool = Field(
        False, description="evaluate a fold that was trained on too, of one block of parts: what was learnt by heart"
    )
    run_models: tuple[str, ...] = Field((), description="models that default targets train and report")
    reference_model: str | None = Field(
        None, description="model that paired differences are taken against; if it is not reported, the last that is"
    )
    baseline_model: str | None = Field(
        None, description="what the field uses or the original has: the front page shows the reference model beside it"
    )
    report: ReportSettings = Field(ReportSettings(), description="look of the report")
    models: Mapping[str, ModelSettings] = Field({}, description="models by name; base: other inherits")

    @model_validator(mode="after")
    def _models_are_known(self) -> StudySettings:
        for name in (*self.run_models, *self.report.show, *filter(None, [self.reference_model, self.baseline_model])):
            if name not in self.models:
                raise ValueError(f"model {name!r} is not defined; {did_you_mean(name, self.models)}")
        for name in (*self.models, *self.samples):
            if not re.match(NAME, name):
                raise ValueError(f"{name!r}: names of models and samples may hold letters, digits, - and _")
        taken = sorted(RESERVED & set(self.samples))
        if taken:
            raise ValueError(
                f"samples: the name {taken[0]!r} is that of an evaluation on the train sample; take another"
            )
        roles = [sample.role for sample in self.samples.values()]
        if self.samples and (roles.count("train") != 1 or "test" not in roles):
            raise ValueError("samples: exactly one with role train (it may list many sources) and at least one test")
        hidden = max([len(self.folds.held_out), *(len(self.rotation_folds(r)) for r in range(self.folds.rotations))])
        for name in self.run_models:
            model = self.models[name]
            needed = hidden + (model.training.members + 1 if model.kind == "network" else 3)
            if self.folds.count < needed:
                raise ValueError(f"model {name!r} needs at least {needed} folds, folds.count is {self.folds.count}")
        return self

    def fits(self, model: str) -> dict[str, tuple[int, ...]]:
        """Return the fits of a model with the folds each holds out: the main fit and the rotations."""
        rotations = {f"{model}/rotation_{r}": self.rotation_folds(r) for r in range(self.folds.rotations)}
        return {model: self.folds.held_out, **rotations}

    def rotation_folds(self, rotation: int) -> tuple[int, ...]:
        """Return the folds that a rotation holds out."""
        return tuple(f for f in range(self.folds.count) if f % self.folds.rotations == rotation)

    def predicts_on_gpu(self, model: str) -> bool:
        """Whether predictions of a model are to ask for a GPU: those of a large network."""
        return False

    def beside(self, model: str) -> dict[str, Any]:
        """Return the settings of a model that change no result, as a stage gets them: a new value reruns nothing."""
        training = self.models[model].training.model_dump(mode="json", include=BESIDE)
        return {"models": {model: {"training": training}}} if self.models[model].kind == "network" else {}

    def model_settings_for(self, stage: str, model: str) -> dict[str, Any]:
        """Return what a stage that works for one model reads of its entry, as plain data.

        That is all but words, the blocks of other kinds, and of ``training`` what has no influence there.
        """
        whole = self.models[model].model_dump(mode="json", exclude={"description", "base"})
        others = {block for kind, own in BLOCKS_OF_KIND.items() if kind != whole["kind"] for block in own}
        entry = {key: value for key, value in whole.items() if key not in others}
        if "training" in entry:
            predicts = stage in ("predict", "explain", "apply")
            entry["training"] = {
                key: value
                for key, value in entry["training"].items()
                if (key in OF_PREDICTION if predicts else key not in WITHOUT_EFFECT_ON_A_MEMBER)
            }
        return entry


class RunSettings(Settings):
    """A validated configuration: the general keys and the settings of each active study."""

    studies: Mapping[str, StudySettings]
    seed: NonNegativeInt = Field(20210702, description="root of all random streams")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where networks train; cuda never falls back")
    on_bad_part: Literal["fail", "quarantine"] = Field("fail", description="stop, or go on without the part")
    max_bad_fraction: float = Field(0.05, ge=0, le=1, description="quarantine gives up above this fraction")
    apply: ApplySettings | None = Field(None, description="what the target friends applies to which files")
    report: LabelSettings = Field(LabelSettings(), description="laid under the block report of each study")


def config_folder() -> Path:
    """Return the folder of presets and study files: ``$HITFORGE_CONFIG``, or that of the source checkout.

    An installed package has no checkout; then it is ``./config``, or, where there is no such folder with studies, the
    package's own copy. A user's folder of that name hides nothing else.
    """
    here = Path(__file__)
    candidates = [here.parents[2] / "config", Path("config"), here.parent / "default_config"]
    if "HITFORGE_CONFIG" in os.environ:
        candidates = [Path(os.environ["HITFORGE_CONFIG"])]
    for folder in candidates:
        if (folder / "config.yaml").is_file() and (folder / "studies").is_dir():
            return folder
    raise ConfigError(
        f"no config.yaml with a folder studies in {', '.join(map(str, candidates))}; set HITFORGE_CONFIG to the "
        "folder config of the repository"
    )


def user_settings(files: Sequence[Path], over: Mapping[str, Any], defaults: bool = True) -> dict[str, Any]:
    """Return ``config/config.yaml`` (if ``defaults``) with the user's files and then ``over`` laid on top."""
    user: dict[str, Any] = read_yaml(config_folder() / "config.yaml") if defaults else {}
    for path in files:
        user = merge(user, read_yaml(path))
    return merge(user, over)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``over`` laid on top; mappings merge, everything else is replaced.

    A mapping with the key ``replace: true`` replaces the one below it: a preset's sample list is not a mix.
    """
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping) and not value.get("replace", False):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _block(value: Any, place: str) -> dict[str, Any]:
    """Return a block of the configuration."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"{place}: expected a block of the form key: value, not {value!r}")
    return dict(value)


def _without_marks(value: Any) -> Any:
    """Drop the ``replace`` marks once all layers are merged."""
    if not isinstance(value, Mapping):
        return value
    return {key: _without_marks(item) for key, item in value.items() if key != "replace"}


def _inherit(models: Mapping[str, Any]) -> dict[str, Any]:
    """Resolve ``base: other`` of model entries: an ablation states only what differs."""
    resolved: dict[str, dict[str, Any]] = {}

    def resolve(name: str, trail: tuple[str, ...]) -> dict[str, Any]:
        if name in trail:
            raise ConfigError(f"models: 'base' goes in a circle: {' -> '.join((*trail, name))}")
        if name not in models:
            raise ConfigError(f"model {trail[-1]!r}: base {name!r} is not defined")
        if name not in resolved:
            entry = _block(models[name], f"models.{name}")
            base = entry.get("base")
            if not isinstance(base, str | None):
                raise ConfigError(f"models.{name}.base: expected the name of a model, not {base!r}")
            below = resolve(base, (*trail, name)) if base else {}
            resolved[name] = merge({**below, "description": "", "base": None}, entry)
        return resolved[name]

    for name in models:
        resolve(name, ())
    return resolved


def _with_defaults(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Lay each model's entry on the study's ``model_defaults`` and resolve inheritance."""
    study = dict(raw)
    study["samples"] = {
        name: sample
        for name, sample in _block(study.get("samples", {}), "samples").items()
        if not (isinstance(sample, Mapping) and isinstance(sample.get("needs"), str)) or sample["needs"] in os.environ
    }
    defaults = _block(study.pop("model_defaults", {}), "model_defaults")
    models = _inherit(_block(study.get("models", {}), "models"))
    study["models"] = {name: merge(defaults, entry) for name, entry in models.items()}
    return study


def as_list(value: Any) -> list[str]:
    """Accept ``a,b`` from the command line as well as a YAML list."""
    if value is None:
        return []
    if not isinstance(value, str | list | tuple):
        raise ConfigError(f"studies: expected a list of names, not {value!r}")
    if isinstance(value, str):
        value = [item.strip() for item in value.split(",") if item.strip()]
    return list(dict.fromkeys(str(item) for item in value))


def study_files() -> dict[str, Path]:
    """Return the YAML file of each known study: those of the configuration, and those of ``$HITFORGE_STUDIES``."""
    outside = {
        path.stem: path for folder in OUTSIDE for path in folder.glob("*/*.yaml") if path.stem == path.parent.name
    }
    return outside | {path.stem: path for path in (config_folder() / "studies").glob("*.yaml")}


def study_module(study: str) -> ModuleType:
    """Return the module with the declaration of a study, ``study.py`` in its folder."""
    try:
        return importlib.import_module(f"hitforge.studies.{study}.study")
    except ModuleNotFoundError as error:
        if error.name != f"hitforge.studies.{study}":
            raise
        raise ConfigError(f"study {study!r} is not known; {did_you_mean(study, study_files())}") from error


def study_settings_type(study: str) -> type[StudySettings]:
    """Return the settings class of a study."""
    settings: type[StudySettings] = study_module(study).STUDY.settings
    return settings


def load_settings(
    user: Mapping[str, Any], samples: Mapping[str, Any] | None = None, files: Sequence[Path] = ()
) -> RunSettings:
    """Validate the user's configuration on top of the study and preset files.

    Parameters
    ----------
    user : mapping
        Content of ``config/config.yaml`` with config files and ``--config`` laid on top.
    samples : mapping, optional
        Samples of each study from a sample sheet; they replace those of the YAML files.
    files : sequence of Path
        The user's files, to name the line of a wrong key.

    Raises
    ------
    ConfigError
        Unknown study, preset, key or a value out of range, each named.
    """
    top = dict(user)
    folder = config_folder()
    names = as_list(top.pop("studies", []))
    if not names:
        raise ConfigError("no study selected; set 'studies', for example studies: [calo_muon]")
    preset_name = top.pop("preset", None)
    preset = read_yaml(folder / "presets" / f"{preset_name}.yaml") if preset_name else {}
    preset.pop("preset", None)
    known = study_files()
    over = {
        name: merge(_block(preset.pop(name, {}), name), _block(top.pop(name, {}), name)) for name in {*known, *names}
    }
    general = merge({k: v for k, v in preset.items() if k != "studies"}, top)
    general.pop("samples", None)
    for key in general.keys() - RunSettings.model_fields.keys():
        mended = did_you_mean(key, {*RunSettings.model_fields, *known, "preset", "samples"})
        where, _ = place_of([key], files)
        raise ConfigError(f"unknown key {key!r}" + (f" ({where})" if where else "") + f"; {mended}")
    studies: dict[str, StudySettings] = {}
    place: tuple[str, ...] = ()
    kind: type[Settings] = RunSettings
    try:
        for name in names:
            place = (name,)
            kind = study_settings_type(name)
            raw = merge(read_yaml(known.get(name, folder / "studies" / f"{name}.yaml")), over.get(name, {}))
            if general.get("report"):
                raw["report"] = merge(
                    _block(general["report"], "report"), _block(raw.get("report", {}), f"{name}.report")
                )
            if samples and name in samples:
                raw["samples"] = samples[name]
            try:
                raw = _with_defaults(_without_marks(raw))
            except ConfigError as error:
                raise ConfigError(f"study {name}: {error}") from error
            studies[name] = kind.model_validate(raw)
        place, kind = (), RunSettings
        # the studies are validated already; model_construct would skip the general keys
        return RunSettings.model_validate({**general, "studies": studies})
    except ValidationError as error:
        raise ConfigError("the configuration is not valid:\n" + complaints(error, kind, files, place)) from error
