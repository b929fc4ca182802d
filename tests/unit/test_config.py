"""Layers of the configuration, inheritance of models, and what each stage gets to see."""

from __future__ import annotations

from typing import Any

import pytest

from hitforge.config import (
    MODEL_STAGES,
    RESERVED,
    ConfigError,
    StudySettings,
    load_settings,
    merge,
    study_files,
    study_settings_type,
)
from hitforge.reporting.metrics import HELDOUT, TRAINED_ON
from hitforge.settings_base import NotGivenError
from hitforge.studies.base import load_study


def calo(**changes: object) -> StudySettings:
    return load_settings({"studies": ["calo_muon"], "preset": "paper", "calo_muon": changes}).studies["calo_muon"]


def test_merge_joins_mappings_and_replaces_the_rest() -> None:
    assert merge({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}, "d": 3}) == {"a": {"b": 1, "c": [2]}, "d": 3}


def test_no_sample_may_have_the_name_of_an_evaluation_on_the_train_sample() -> None:
    assert {HELDOUT, TRAINED_ON} == RESERVED


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


def test_a_stage_sees_only_what_it_reads() -> None:
    study = calo()
    assert study.for_stage("build_shard") == {key: study.model_dump(mode="json")[key] for key in ("geometry", "layers")}
    training = study.for_stage("train_member", "cnn")["models"]["cnn"]["training"]
    # more members must not retrain those that are there
    assert "members" not in training and "folds" not in training
    assert "schedule" not in study.for_stage("predict", "cnn")["models"]["cnn"]["training"]


def test_the_cut_of_a_stage_is_valid_by_itself() -> None:
    study = calo()
    for stage in ("simulate", "build_shard", "train_member", "train_trees", "predict", "evaluate"):
        type(study).model_validate(study.for_stage(stage, "bdt" if stage == "train_trees" else "cnn"))


def cuts_of(name: str) -> list[tuple[str, dict[str, Any]]]:
    """All stages of a study with their cuts, those of models for one model of each kind."""
    settings = load_settings({"studies": [name]}).studies[name]
    kinds = {model.kind: key for key, model in settings.models.items()}
    found = [(stage, settings.for_stage(stage)) for stage in settings.STAGE_BLOCKS if stage not in MODEL_STAGES]
    stages = {"trees": "train_trees", "network": "train_member", "table": "fit_table"}
    for kind, model in kinds.items():
        found += [(stage, settings.for_stage(stage, model)) for stage in (stages[kind], "predict")]
    return found


@pytest.mark.parametrize("name", sorted(study_files()))
def test_a_cut_refuses_what_it_was_not_given(name: str) -> None:
    """Each block in turn is taken out of each stage's cut, and everything that was never in it is tried, too."""
    kind = study_settings_type(name)
    for stage, cut in cuts_of(name):
        for block in kind.model_fields:
            given = {key: value for key, value in cut.items() if key != block}
            settings = kind.model_validate(given).as_cut_for(stage)
            with pytest.raises(NotGivenError, match=rf"stage {stage} reads the setting {block},"):
                getattr(settings, block)
            for key in given:
                getattr(settings, key)


def test_a_cut_refuses_below_its_blocks() -> None:
    cut = calo().for_stage("predict", "cnn")
    settings = study_settings_type("calo_muon").model_validate(cut).as_cut_for("predict")
    training = settings.models["cnn"].training
    assert training.threads == 1
    with pytest.raises(NotGivenError, match=r"stage predict reads the setting models.cnn.training.schedule,"):
        _ = training.schedule
    assert settings.models["cnn"].network.cnn


def test_what_moves_no_result_reaches_a_stage_beside_its_cut() -> None:
    settings = calo(models={"cnn": {"training": {"checkpoint_minutes": 3}}})
    assert settings.for_stage("train_member", "cnn") == calo().for_stage("train_member", "cnn")
    study = load_study("calo_muon", settings.for_stage("train_member", "cnn"), "train_member", settings.beside("cnn"))
    assert study.settings.models["cnn"].training.checkpoint_minutes == 3
