"""csc_muon's models on other files: all roads in their place, with or without truth, and the columns of a friend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.predictions import EvaluationPiece, Predictions
from hitforge.studies.base import Study
from hitforge.studies.csc_muon.data.roads import TRUTH
from hitforge.studies.csc_muon.evaluation.calibration import calibrated
from tests.unit.csc_muon.part_builders import MAPPED, some_roads
from tests.unit.csc_muon.toy_muons import toy_columns, toy_truth
from tests.unit.entries_of import assert_same, copy_of, entries_of, joined, without
from tests.unit.given import given
from tests.unit.small_parts import LAYOUTS, study_of

ROADS = some_roads().take(slice(60))
GENERATED = {"vector": ("parameters", "event"), "scalars": tuple(MAPPED.branches[n] for n in ("q_over_pt", "phi"))}


def part(layout: str, folder: Path) -> tuple[Study, Path, dict[str, Any]]:
    """Return the study, a good part and the columns of its shard."""
    study_in, write, name = LAYOUTS[layout]
    study, path = study_in(folder), write(folder / name, len(ROADS))
    return study, path, joined(list(study.read(str(path))))


@pytest.mark.parametrize("layout", ["vector", "scalars", "npz"])
def test_entries_with_truth_are_those_of_a_shard(tmp_path: Path, layout: str) -> None:
    study, path, shard = part(layout, tmp_path)
    status, columns, has_truth = entries_of(study, path)
    assert has_truth and status == [""] * len(ROADS)
    assert_same(columns, shard)


@pytest.mark.parametrize("layout", ["vector", "scalars", "npz"])
def test_entries_need_no_truth(tmp_path: Path, layout: str) -> None:
    study, path, shard = part(layout, tmp_path)
    if layout == "npz":
        blind = tmp_path / "blind.npz"
        np.savez(blind, variables=ROADS.variables)
    else:
        blind = copy_of(path, "muons", without(*GENERATED[layout]))
    status, columns, has_truth = entries_of(study, blind)
    assert not has_truth and status == [""] * len(ROADS)
    assert np.isnan(columns["target q_over_pt"]).all()
    assert_same(columns, shard, but=("target", "bucket", "truth phi", "truth eta"))


def test_cuts_on_truth_hold_for_roads_that_have_it(tmp_path: Path) -> None:
    study, path, _ = part("vector", tmp_path)

    def change(columns: dict[str, Any]) -> None:
        parameters, variables = columns["parameters"].copy(), columns["variables"].copy()
        parameters[3] = 1 / 1.5, 0, 1.8  # below 2 GeV
        parameters[4] = 0.1, 0, 0.9
        parameters[5] = np.nan, 0, 0.9
        parameters[6, 0] = 0
        variables[8, 36:48] += 3  # late in all planes
        columns |= {"parameters": parameters, "variables": variables}

    changed = copy_of(path, "muons", change)
    status, columns, _ = entries_of(study, changed)
    found = {i: reason for i, reason in enumerate(status) if reason}
    assert found == {3: "cut: pT", 4: "cut: |eta|", 8: "cut: CSC bunch crossing"}
    known = np.isfinite(columns["target q_over_pt"])
    np.testing.assert_array_equal(known, ~np.isin(columns["entry"], (5, 6)))
    status, _, _ = entries_of(study, copy_of(changed, "muons", without("parameters")))
    assert {i: reason for i, reason in enumerate(status) if reason} == {8: "cut: CSC bunch crossing"}


def test_bad_roads_are_left_out_one_by_one(tmp_path: Path) -> None:
    study, path, shard = part("vector", tmp_path)
    bad = {2: "bad_mask", 7: "mask_mismatch", 11: "not_finite", 12: "wrong_mode"}

    def change(columns: dict[str, Any]) -> None:
        variables = columns["variables"].copy()
        variables[2, 72] = 0.5
        hit = int(np.flatnonzero(variables[7, 72:84] == 0)[0])
        variables[7, hit] = np.nan
        variables[11, 85] = np.inf
        columns["variables"] = variables
        columns["w"] = np.full(len(variables), -1.0, np.float32)
        columns["mode"] = columns["mode"].astype(np.int64)
        columns["mode"][12] = 2**40

    status, columns, _ = entries_of(study, copy_of(path, "muons", change))
    assert {i: status[i] for i in bad} == bad
    kept = ~np.isin(shard["entry"], list(bad))
    assert kept.sum() < len(kept)
    for name in ("features", "entry", "target q_over_pt", "bucket"):
        np.testing.assert_array_equal(columns[name], shard[name][kept])


# ---- columns of a friend


def predictions_of(model: str, known: bool = True) -> Predictions:
    q_over_pt, eta, phi = toy_truth(50)
    ensemble = {name: values.astype(np.float32) for name, values in toy_columns(q_over_pt, model).items()}
    truth = dict.fromkeys(TRUTH, np.ones(50, np.float32)) | {"eta": eta, "phi": phi}
    return Predictions(
        part=np.full(50, "a", object),
        entry=np.arange(50),
        bucket=np.zeros(50, np.int16),
        target=(q_over_pt if known else np.full(50, np.nan)).astype(np.float32),
        truth=truth,
        members={},
        ensemble=ensemble,
    )


SCALED = {"ok": True, "thresholds_gev": [3.0, 10.0, 100.0], "cuts_gev": [2.5, 8.0, 70.0]}


@pytest.mark.parametrize("known", [True, False])
def test_columns_are_those_that_an_evaluation_takes(known: bool) -> None:
    predictions, calibration = predictions_of("ens5", known), {"pt_scaling": SCALED, "sigma_scale": 1.25}
    columns = given(study_of("csc_muon"), "apply", "ens5").friend_columns("ens5", predictions, calibration)
    muons = calibrated([EvaluationPiece(predictions, calibration)])
    assert muons.scaled_pt is not None
    said = predictions.ensemble
    expected = {
        "pt": muons.scaled_pt,
        "q_over_pt": said["q_over_pt"],
        "q_over_pt_err": 1.25 * said["q_over_pt_sigma"],
        "charge": np.where(said["q_over_pt"] > 0, 1, -1),
        "prob_positive": said["charge_probability"],
        "prob_pt_0_10": said["class_probabilities"][:, 0],
        "prob_pt_10_30": said["class_probabilities"][:, 1],
        "prob_pt_30_100": said["class_probabilities"][:, 2],
        "prob_pt_100_up": said["class_probabilities"][:, 3],
        "residual": muons.scaled_pt / muons.true_pt - 1,
    }
    assert columns.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(columns[name].values, values, rtol=1e-5, atol=1e-6, err_msg=name)
    assert np.isnan(columns["residual"].values).all() != known
    assert columns["charge"].values.dtype == np.int8


def test_a_model_without_scaling_says_so() -> None:
    predictions = predictions_of("seed-bdt")
    calibration = {"pt_scaling": {"ok": False, "reason": "too few muons"}, "sigma_scale": None}
    columns = given(study_of("csc_muon"), "apply", "seed-bdt").friend_columns("seed-bdt", predictions, calibration)
    assert columns.keys() == {"pt", "residual"}
    assert columns["pt"].meaning == "transverse momentum, not scaled: too few muons"
    np.testing.assert_allclose(columns["pt"].values, 1 / predictions.ensemble["inverse_pt"], rtol=1e-6)
