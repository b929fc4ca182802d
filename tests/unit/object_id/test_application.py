"""object_id's models on other files: all objects in their place, with or without classes, and a friend's columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from hitforge.ntuple import NtupleError
from hitforge.predictions import Predictions
from hitforge.studies.base import Study
from hitforge.studies.object_id.data.cuts import CUT_NAMES, TRUTH_CUTS
from hitforge.studies.object_id.data.objects import SCALARS, Objects
from tests.unit.entries_of import assert_same, copy_of, entries_of, joined, without
from tests.unit.given import given
from tests.unit.object_id.part_builders import some_objects
from tests.unit.object_id.toy_objects import toy_probabilities
from tests.unit.small_parts import LAYOUTS, study_of

SOME = some_objects().take(slice(80))
OF_TRUTH = ("target", "bucket", "truth n_prong", "truth npv", "truth weight")


def part(layout: str, folder: Path) -> tuple[Study, Path, dict[str, Any]]:
    """Return the study, a good part and the columns of its shard."""
    study_in, write, name = LAYOUTS[layout]
    study, path = study_in(folder), write(folder / name, len(SOME))
    return study, path, joined(list(study.read(str(path))))


def observable(objects: Objects, study: Study) -> np.ndarray:
    """Return which objects pass the cuts that need no class."""
    cuts = study.settings.cuts
    energy = objects.image.sum(axis=(1, 2, 3), dtype=np.float64)
    return (objects.pt > cuts.pt_min_gev) & (np.abs(objects.eta) < cuts.abs_eta_max) & (energy > cuts.sum_min_gev)


@pytest.mark.parametrize("layout", ["images", "cells"])
def test_entries_with_truth_are_those_of_a_shard(tmp_path: Path, layout: str) -> None:
    study, path, shard = part(layout, tmp_path)
    status, columns, has_truth = entries_of(study, path)
    assert has_truth and {f"cut: {name}" for name in TRUTH_CUTS} & set(status)
    assert_same(columns, shard)


@pytest.mark.parametrize("layout", ["images", "cells"])
def test_entries_of_data_need_axis_and_cells_alone(tmp_path: Path, layout: str) -> None:
    study, path, shard = part(layout, tmp_path)
    others = [name for name in SCALARS if name not in ("pt", "eta", "phi")]
    status, columns, has_truth = entries_of(study, copy_of(path, "objects", without(*others)))
    passed = observable(SOME, study)
    assert not has_truth and [not reason for reason in status] == passed.tolist()
    assert set(status) <= {"", *(f"cut: {name}" for name in CUT_NAMES if name not in TRUTH_CUTS)}
    assert np.isnan(columns["target label"]).all()
    same = np.isin(columns["entry"], shard["entry"])
    assert same.sum() == len(shard["entry"]) < len(same)
    assert_same({name: values[same] for name, values in columns.items() if "hits" not in name},
                {name: values for name, values in shard.items() if "hits" not in name}, but=OF_TRUTH)  # fmt: skip


def test_bad_objects_are_left_out_one_by_one(tmp_path: Path) -> None:
    study, path, shard = part("images", tmp_path)
    two, three, four, five = shard["entry"][[3, 8, 12, 20]].tolist()

    def change(columns: dict[str, Any]) -> None:
        for name in ("em", "had", "eta", "w"):
            columns[name] = columns[name].copy()
        columns["em"].reshape(len(SOME), -1)[two, 5] = np.nan
        columns["had"].reshape(len(SOME), -1)[three, 5] = -1
        columns["eta"][four] = np.inf
        columns["label"] = columns["label"].astype(np.int64)
        columns["label"][five] = 2**40
        columns["w"][:] = -1

    status, columns, _ = entries_of(study, copy_of(path, "objects", change))
    assert [status[i] for i in (two, three, four, five)] == ["not_finite", "negative_cell", "not_finite", ""]
    unknown = columns["entry"] == five
    assert np.isnan(columns["target label"][unknown]).all() and not np.isnan(columns["target label"][~unknown]).any()
    # their neighbours may be free of an overlap now, all others are as they were
    kept = ~np.isin(shard["entry"], (two, three, four))
    same = np.isin(columns["entry"], shard["entry"])
    np.testing.assert_array_equal(columns["entry"][same], shard["entry"][kept])
    np.testing.assert_array_equal(columns["features"][same], shard["features"][kept])


def test_lists_that_make_no_image_spoil_their_own_object(tmp_path: Path) -> None:
    study, path, shard = part("cells", tmp_path)
    bad = dict(zip(shard["entry"][[2, 5, 9]].tolist(), ("unknown_layer", "not_finite", "uneven_lists"), strict=True))
    layer, place, uneven = bad

    def change(columns: dict[str, Any]) -> None:
        lists = {name: columns[name].tolist() for name in ("cell_layer", "cell_eta", "cell_et")}
        lists["cell_layer"][layer][0] = 2
        lists["cell_eta"][place][-1] = np.nan
        lists["cell_et"][uneven].append(1.0)
        columns |= {name: ak.values_astype(ak.Array(rows), "float32") for name, rows in lists.items()}

    changed = copy_of(path, "objects", change)
    status, columns, _ = entries_of(study, changed)
    assert {i: status[i] for i in bad} == bad
    same = np.isin(columns["entry"], shard["entry"])
    kept = ~np.isin(shard["entry"], list(bad))
    np.testing.assert_array_equal(columns["features"][same], shard["features"][kept])
    with pytest.raises(NtupleError, match="uneven_lists"):
        list(study.read(str(changed)))


@pytest.mark.parametrize(("temperature", "words"), [(2.0, "calibrated"), (None, "not calibrated: too few")])
def test_scores_are_at_the_temperature_of_the_model(temperature: float | None, words: str) -> None:
    raw = toy_probabilities(np.arange(40) % 4, 1.0).astype(np.float32)
    nothing = np.full(40, np.nan, np.float32)
    predictions = Predictions(
        part=np.full(40, "a", object),
        entry=np.arange(40),
        bucket=np.zeros(40, np.int16),
        target=nothing,
        truth={},
        members={"class_probabilities": raw[:, None]},
        ensemble={"class_probabilities": raw},
    )
    study = given(study_of("object_id"), "apply", "ens5")
    columns = study.friend_columns("ens5", predictions, {"temperature": temperature, "reason": "too few"})
    expected = raw.astype(float) ** (1 / (temperature or 1.0))
    expected /= expected.sum(axis=1, keepdims=True)
    for number, name in enumerate(("electron", "jet", "muon", "tau")):
        np.testing.assert_allclose(columns[f"score_{name}"].values, expected[:, number], rtol=1e-5)
        assert columns[f"score_{name}"].meaning == f"probability of class {name}, {words}"
    np.testing.assert_array_equal(columns["class"].values, raw.argmax(axis=1))
    assert columns["class"].values.dtype == np.int8
