"""What a configuration says that its author may not have meant."""

from __future__ import annotations

from typing import Any

import pytest

from hitforge.remarks import reference_of, remarks

GENERATED = {"role": "test", "source": "simulate"}
FILES = {"role": "test", "source": "/data/*.root"}


def said(train: dict[str, Any], **tests: dict[str, Any]) -> list[str]:
    return list(remarks({"samples": {"train": {**train, "role": "train"}, **tests}}))


def test_files_to_train_with_beside_generated_tests_are_a_slip() -> None:
    (remark,) = said(FILES, test=GENERATED)
    assert "generated (test) and from files (train)" in remark and "replace: true" in remark


def test_files_that_a_generated_training_is_tested_with_are_said() -> None:
    (remark,) = said(GENERATED, test=GENERATED, geant4=FILES)
    assert "generated (test, train) and from files (geant4)" in remark and "replace" not in remark


@pytest.mark.parametrize("kind", [GENERATED, FILES])
def test_samples_of_one_kind_need_no_word(kind: dict[str, Any]) -> None:
    assert said(kind, test=kind, more=kind) == []


def test_the_reference_falls_back_to_the_last_reported_model_and_says_so() -> None:
    assert (
        reference_of("a", ["a", "b"]) == "a" and reference_of("c", ["a", "b"]) == "b" and reference_of("c", []) is None
    )
    (remark,) = remarks({"samples": {}, "reference_model": "c", "run_models": ["a", "b"]})
    assert "reference model c is not in run_models" in remark and remark.endswith("against b.")
    assert list(remarks({"samples": {}, "reference_model": "a", "run_models": ["a", "b"]})) == []
