"""Mistakes in a configuration: each once, with study, key, place and what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitforge.config import load_settings
from hitforge.yaml_files import ConfigError, parse_yaml


def message(folder: Path, text: str) -> str:
    path = folder / "my.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_settings({"studies": ["calo_muon"], "preset": "demo", **parse_yaml(text, path)}, files=[path])
    return str(error.value).replace(str(path), "my.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("calo_moun: {}", "unknown key 'calo_moun' (my.yaml, line 1); did you mean calo_muon?"),
        ("seed: 1\nsede: 3", "unknown key 'sede' (my.yaml, line 2); did you mean seed?"),
        ("studies: [calo_moun]", "study 'calo_moun' is not known; did you mean calo_muon?"),
        ("preset: dmo", "no such file; did you mean demo? presets has: demo, medium"),
        (
            "calo_muon: {run_models: [cnm]}",
            "calo_muon: model 'cnm' is not defined; did you mean cnn? (my.yaml, line 1)",
        ),
        ("calo_muon:\n  models: {bdt: 3}", "study calo_muon: models.bdt: expected a block"),
        ("calo_muon:\n  fold: {}", "calo_muon.fold: unknown key; did you mean folds? (my.yaml, line 2)"),
        ("calo_muon:\n  zzz: {}", "calo_muon.zzz: unknown key; known: baseline_model, "),
    ],
)
def test_a_mistake_names_place_and_what_was_probably_meant(tmp_path: Path, text: str, words: str) -> None:
    assert words in message(tmp_path, text)


def test_a_value_that_fits_no_type_is_one_mistake(tmp_path: Path) -> None:
    lines = message(tmp_path, "calo_muon:\n  samples: {train: {source: 3}}").splitlines()[1:]
    assert lines == [
        "  calo_muon.samples.train.source: Input should be a valid string or Input should be a valid tuple "
        "(my.yaml, line 2)"
    ]


@pytest.mark.parametrize("block", ["model_defaults:", "models:\n   cnn:"])
def test_a_mistake_that_many_models_inherit_is_said_once_where_it_is(tmp_path: Path, block: str) -> None:
    text = f"calo_muon:\n  {block}\n    training: {{batchsize: 3}}"
    lines = message(tmp_path, text).splitlines()[1:]
    assert len(lines) == 1 and f"(my.yaml, line {text.count(chr(10)) + 1})" in lines[0]
    assert ".training.batchsize: unknown key; did you mean batch_size?" in lines[0]
