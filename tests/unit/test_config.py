"""Layers of the configuration, inheritance of models, and what each stage gets to see."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from hitforge.config import (
    StudySettings,
    as_list,
    config_folder,
    load_settings,
    merge,
    study_files,
    study_settings_type,
    user_settings,
)
from hitforge.settings_base import NotGivenError
from hitforge.studies.base import load_study
from hitforge.studies.declaration import OF_ONE_MODEL, STAGES, declaration_of
from hitforge.words import HELDOUT, TRAINED_ON
from hitforge.yaml_files import ConfigError


def calo(**changes: object) -> StudySettings:
    return load_settings({"studies": ["calo_muon"], "preset": "paper", "calo_muon": changes}).studies["calo_muon"]


def test_merge_joins_mappings_and_replaces_the_rest() -> None:
    assert merge({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}, "d": 3}) == {"a": {"b": 1, "c": [2]}, "d": 3}


@pytest.mark.parametrize("name", [HELDOUT, TRAINED_ON])
def test_no_sample_may_have_the_name_of_an_evaluation_on_the_train_sample(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name!r} is that of an evaluation on the train sample"):
        calo(samples={name: {"role": "test", "source": "more/*.root"}})


def test_marked_mapping_replaces_the_one_below() -> None:
    study = load_settings({"studies": "calo_muon", "preset": "demo"}).studies["calo_muon"]
    assert study.samples["train"].parts == 4
    assert set(study.samples) == {"train", "test"}


def test_paper_preset_has_the_published_settings() -> None:
    study = calo()
    training = study.models["cnn"].training
    assert (study.folds.count, training.batch_size, training.members, training.folds) == (36, 256, 5, "full")
    assert training.schedule.max_epochs == 50
    assert study.models["no_se"].training.folds == "unique"


def test_every_shipped_model_is_valid_and_described() -> None:
    for name, model in calo().models.items():
        assert model.description, name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"models": {"x": {"base": "y"}}}, "base 'y' is not defined"),
        ({"models": {"x": {"base": "z"}, "z": {"base": "x"}}}, "goes in a circle"),
        ({"folds": {"count": 5}}, "needs at least 7 folds"),
        ({"folds": {"count": 8, "rotations": 2}}, "needs at least 10 folds"),
        ({"folds": {"rotations": 1}}, "between 2 and the fold count"),
        ({"run_models": ["nope"]}, "'nope' is not defined"),
        ({"samples": {"more": {"role": "train", "source": "x.root"}}}, "exactly one with role train"),
        ({"samples": {"heldout": {"role": "test", "source": "x.root"}}}, "the name 'heldout' is that of an evaluation"),
        ({"models": {"x": {"kind": "trees", "features": "none"}}}, "without input"),
        ({"typo": 1}, "typo"),
    ],
)
def test_mistakes_are_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        calo(**changes)


def test_unknown_study_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="calo_muon"):
        load_settings({"studies": ["calo_moun"]})


def test_rotations_hold_out_every_fold_once() -> None:
    fits = calo(folds={"count": 12, "rotations": 2}).fits("cnn")
    assert fits["cnn"] == (0,)
    rotated = [fold for fit, folds in fits.items() if "/" in fit for fold in folds]
    assert sorted(rotated) == list(range(12))


def given(settings: StudySettings, stage: str, model: str | None = None) -> dict[str, Any]:
    """What a stage of calo_muon is given."""
    return declaration_of("calo_muon").given_settings(settings, stage, model)


def test_a_stage_sees_only_what_it_reads() -> None:
    study = calo()
    assert given(study, "build_shard") == {key: study.model_dump(mode="json")[key] for key in ("geometry", "layers")}
    training = given(study, "train_member", "cnn")["models"]["cnn"]["training"]
    # more members must not retrain those that are there
    assert "members" not in training and "folds" not in training
    assert "schedule" not in given(study, "predict", "cnn")["models"]["cnn"]["training"]


def test_the_settings_of_a_stage_are_valid_by_themselves() -> None:
    study = calo()
    for stage in ("simulate", "build_shard", "train_member", "train_trees", "predict", "evaluate"):
        type(study).model_validate(given(study, stage, "bdt" if stage == "train_trees" else "cnn"))


def all_given(name: str) -> list[tuple[str, dict[str, Any]]]:
    """All stages of a study with what they are given, those of models for one model of each kind."""
    declared, settings = declaration_of(name), load_settings({"studies": [name]}).studies[name]
    found = [(stage, declared.given_settings(settings, stage)) for stage in STAGES if stage not in OF_ONE_MODEL]
    stages = {"trees": "train_trees", "network": "train_member", "table": "fit_table"}
    for kind, model in {model.kind: key for key, model in settings.models.items()}.items():
        own = (stages[kind], "assemble", "predict", "explain")
        found += [(stage, declared.given_settings(settings, stage, model)) for stage in own]
    return found


@pytest.mark.parametrize("name", sorted(study_files()))
def test_a_stage_is_refused_what_it_was_not_given(name: str) -> None:
    """Each block in turn is taken from each stage, and everything that it was never given is tried, too."""
    kind = study_settings_type(name)
    for stage, whole in all_given(name):
        for block in kind.model_fields:
            left = {key: value for key, value in whole.items() if key != block}
            settings = kind.model_validate(left).as_given_to(stage)
            with pytest.raises(NotGivenError, match=rf"stage {stage} reads the setting {block},"):
                getattr(settings, block)
            for key in left:
                getattr(settings, key)


@pytest.mark.parametrize("name", sorted(study_files()))
def test_a_stage_gets_every_block_that_its_functions_are_called_with(name: str) -> None:
    """Each declared block in turn is taken from the declaration: the call is a TypeError, never a default."""
    declared = declaration_of(name)
    for entry in declared.entry_points().values():
        function = inspect.signature(entry.load(name))
        # samples, models and the weights of members come in place, settings of these names as keywords
        in_place = {p.name for p in function.parameters.values() if p.kind is not p.KEYWORD_ONLY}
        named = [p for p in function.parameters.values() if p.name not in in_place & {"models", "samples", "weights"}]
        keywords = [p.name for p in named if p.name in declared.settings.model_fields]
        assert sorted(entry.settings) == sorted(keywords), entry.function
        assert all(function.parameters[block].default is inspect.Parameter.empty for block in keywords), entry.function


@pytest.mark.parametrize("name", sorted(study_files()))
def test_bootstraps_do_not_calibrate_again(name: str) -> None:
    declared, settings = declaration_of(name), load_settings({"studies": [name]}).studies[name]
    assert "bootstraps" not in declared.given_settings(settings, "calibrate")["evaluation"]
    assert "bootstraps" in declared.given_settings(settings, "evaluate")["evaluation"]


def test_a_stage_is_refused_what_stands_below_its_blocks() -> None:
    settings = study_settings_type("calo_muon").model_validate(given(calo(), "predict", "cnn")).as_given_to("predict")
    training = settings.models["cnn"].training
    assert training.threads == 1
    with pytest.raises(NotGivenError, match=r"stage predict reads the setting models.cnn.training.schedule,"):
        _ = training.schedule
    assert settings.models["cnn"].network.cnn


def test_a_stage_asks_for_no_other_stage_s_functions() -> None:
    study = load_study("calo_muon", given(calo(), "calibrate"), "calibrate")
    with pytest.raises(LookupError, match=r"stage calibrate asks study calo_muon for layout"):
        _ = study.layout


def test_what_moves_no_result_reaches_a_stage_beside_its_settings() -> None:
    settings = calo(models={"cnn": {"training": {"checkpoint_minutes": 3, "tensorboard": True}}})
    own = given(settings, "train_member", "cnn")
    assert own == given(calo(), "train_member", "cnn")
    study = load_study("calo_muon", own, "train_member", settings.beside("cnn"))
    training = study.settings.models["cnn"].training
    assert training.checkpoint_minutes == 3 and training.tensorboard


EMPTY = """
preset:
calo_muon:
  models:
    bdt:
#      trees: {max_depth: 3}
  samples:
  evaluation:
  folds:
    count:
  model_defaults:
csc_muon:
"""


def test_an_empty_block_takes_nothing_away_but_null_does(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text(EMPTY)
    studies = {"studies": ["calo_muon", "csc_muon"]}
    assert load_settings(user_settings([tmp_path / "empty.yaml"], studies)) == load_settings(user_settings([], studies))
    small = load_settings({"studies": ["scouting_egamma"], "preset": "small"}).studies["scouting_egamma"]
    assert small.models["hgb"].trees.tune is None


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ({"calo_muon": [1]}, r"calo_muon: expected a block"),
        ({"calo_muon": {"models": ["bdt"]}}, r"models: expected a block"),
        ({"calo_muon": {"models": {"bdt": 3}}}, r"models\.bdt: expected a block"),
        ({"calo_muon": {"models": {"mine": None}}}, r"models\.mine: expected a block"),
        ({"calo_muon": {"models": {"mine": {}}}}, r"calo_muon\.models\.mine\.kind: Field required"),
        ({"calo_muon": {"samples": None}}, r"samples: expected a block"),
        ({"calo_muon": {"evaluation": None}}, r"calo_muon\.evaluation: .*valid dictionary"),
        ({"calo_muon": {"models": {"mine": {"base": ["bdt"]}}}}, r"models\.mine\.base: expected the name"),
        ({"calo_muon": {"samples": "a.root"}}, r"samples: expected a block"),
        ({"calo_muon": {"blocks": True}}, r"blocks: .*true and false are no values"),
        ({"calo_muon": {"evaluation": {"max_fit_gev": float("inf")}}}, r"max_fit_gev"),
        ({"seed": True}, r"seed: .*true and false are no values"),
        ({"max_bad_fraction": float("nan")}, r"max_bad_fraction: .*finite"),
        ({"studies": 5}, r"studies: expected a list of names"),
        ({"studies": None}, r"no study selected"),
        ({"preset": "dmeo"}, r"dmeo\.yaml: no such file; did you mean demo\? presets has: demo"),
    ],
)
def test_what_is_no_configuration_is_one_message(user: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings({"studies": ["calo_muon"], "preset": "demo", **user})


def test_a_study_that_is_named_twice_counts_once() -> None:
    assert as_list("calo_muon, csc_muon,calo_muon") == as_list(["calo_muon", "csc_muon", "calo_muon"])


def test_files_of_the_user_are_laid_upon_each_other(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("calo_muon: {samples: {replace: true, a: {role: train}, b: {role: test}}, blocks: 3}")
    second.write_text("calo_muon:\n  samples: {replace: true, c: {role: train}}\npreset:\n")
    user = user_settings([first, second], {"seed": 4})
    assert user["calo_muon"] == {"samples": {"replace": True, "c": {"role": "train"}}, "blocks": 3}
    assert (user["preset"], user["seed"]) == ("demo", 4)
    assert "preset" not in user_settings([second], {}, defaults=False)


def test_presets_come_from_the_checkout_or_from_where_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = config_folder()
    (tmp_path / "config/studies").mkdir(parents=True)
    (tmp_path / "config/config.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert config_folder() == own
    monkeypatch.setenv("HITFORGE_CONFIG", str(tmp_path / "config"))
    assert config_folder() == tmp_path / "config"
    monkeypatch.setenv("HITFORGE_CONFIG", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"none; set HITFORGE_CONFIG"):
        config_folder()
