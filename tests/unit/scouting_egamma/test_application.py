"""scouting_egamma's models on other files: all candidates in their place, and the columns of a friend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from hitforge.predictions import EvaluationPiece, Predictions
from hitforge.studies.base import Study
from hitforge.studies.scouting_egamma.data.candidates import GENERATED, TRACK, Candidates
from hitforge.studies.scouting_egamma.data.selection import select
from hitforge.studies.scouting_egamma.evaluation.calibration import calibrated
from tests.unit.entries_of import assert_same, copy_of, entries_of, joined, without
from tests.unit.given import given
from tests.unit.scouting_egamma.builders import simulated, write
from tests.unit.small_parts import study_of

SOME = simulated(2_000).take(np.flatnonzero(select(simulated(2_000))[0])[:80])
OF_TRUTH = ("target", "truth gen", "truth e5x5_response", "bucket")


def part(folder: Path, candidates: Candidates = SOME) -> tuple[Study, Path, dict[str, Any]]:
    """Return the study, a file and the columns of its shard."""
    study, path = study_of("scouting_egamma"), write(folder / "part.root", candidates)
    return study, path, joined(list(study.read(str(path))))


def take_energies(columns: dict[str, Any]) -> None:
    for name in ("e_reco", "energyMatrix"):
        columns[name] = columns[name].copy()
    columns["e_reco"][3] = 0
    columns["energyMatrix"][5] = 0


def test_entries_are_those_of_a_shard_and_need_no_truth(tmp_path: Path) -> None:
    study, path, _ = part(tmp_path)
    path = copy_of(path, "egamma", take_energies)
    shard = joined(list(study.read(str(path))))
    lost = {3: "cut: energy found", 5: "cut: energy in the 5 x 5"}
    status, columns, has_truth = entries_of(study, path)
    assert has_truth and {i: reason for i, reason in enumerate(status) if reason} == lost
    assert_same(columns, shard)
    blind = copy_of(path, "egamma", without(*GENERATED, "event", "w"))
    status, columns, has_truth = entries_of(study, blind)
    assert not has_truth and {i: reason for i, reason in enumerate(status) if reason} == lost
    assert np.isnan(columns["target y"]).all() and (columns["truth weight"] == 1).all()
    assert_same(columns, shard, but=OF_TRUTH)


def test_tracks_as_vectors_need_no_truth(tmp_path: Path) -> None:
    vectors = {name: ak.unflatten(SOME[name], np.ones(len(SOME), int)) for name in TRACK}
    path = write(tmp_path / "part.root", SOME, vectors)
    study = study_of("scouting_egamma")
    shard = joined(list(study.read(str(path))))
    status, columns, _ = entries_of(study, copy_of(path, "egamma", without(*GENERATED)))
    assert set(status) == {""}
    assert_same(columns, shard, but=OF_TRUTH[:3])


def test_bad_candidates_are_left_out_one_by_one(tmp_path: Path) -> None:
    study, path, shard = part(tmp_path)
    bad = {1: "not_finite", 4: "negative_energy", 6: "bad_crystal", 9: "bad_flag", 11: "no_raw_energy"}

    def change(columns: dict[str, Any]) -> None:
        for name in ("phi", "energyMatrix", "raw_energy", "gen_pt", "w"):
            columns[name] = columns[name].copy()
        columns["phi"][1] = np.nan
        columns["energyMatrix"][4, 0] = -1
        for name, entry in (("ieta", 6), ("dead_5x5", 9)):
            columns[name] = columns[name].astype(np.int64)
            columns[name][entry] = -(2**40)  # beyond the type that it is kept in
        columns["raw_energy"][11] = 0
        columns["gen_pt"][[20, 21]] = 0, np.nan
        columns["w"][22] = -1

    status, columns, _ = entries_of(study, copy_of(path, "egamma", change))
    assert {i: reason for i, reason in enumerate(status) if reason} == bad
    kept = ~np.isin(shard["entry"], list(bad))
    np.testing.assert_array_equal(columns["features"], shard["features"][kept])
    blind = np.isin(columns["entry"], (20, 21))
    np.testing.assert_array_equal(np.isnan(columns["target y"]), blind)
    np.testing.assert_array_equal(columns["target y"][~blind], shard["target y"][kept][~blind])


# ---- columns of a friend

CALIBRATION = {
    "pt_edges_gev": [10.0], "eta_edges": [1.5], "sigma_scale": [1.0, 1.5, 2.0, 2.5],
    "factors": np.linspace(0.9, 1.1, 16).reshape(4, 2, 2).tolist(),
}  # fmt: skip


def predictions_of(folder: Path, known: bool, width: bool) -> tuple[Predictions, Candidates]:
    study, path, _ = part(folder)
    path = path if known else copy_of(path, "egamma", without(*GENERATED))
    _, columns, _ = entries_of(study, path)
    n = len(columns["entry"])
    said = {"y": np.linspace(0.8, 1.4, n).astype(np.float32)}
    said |= {"ln_y_sigma": np.full(n, 0.02, np.float32)} if width else {}
    predictions = Predictions(
        part=np.full(n, "a", object),
        entry=columns["entry"],
        bucket=columns["bucket"],
        target=columns["target y"],
        truth={name.removeprefix("truth "): v for name, v in columns.items() if name.startswith("truth ")},
        members={},
        ensemble=said,
    )
    return predictions, SOME.take(columns["entry"])


@pytest.mark.parametrize(("known", "width"), [(True, True), (False, True), (True, False)])
def test_columns_are_those_that_an_evaluation_takes(tmp_path: Path, known: bool, width: bool) -> None:
    predictions, candidates = predictions_of(tmp_path, known, width)
    columns = given(study_of("scouting_egamma"), "apply", "ens5").friend_columns("ens5", predictions, CALIBRATION)
    sample = calibrated([EvaluationPiece(predictions, CALIBRATION)])
    correction = sample.factor * predictions.ensemble["y"]
    assert len(np.unique(sample.factor)) > 4
    expected = {"correction": correction, "energy": correction * candidates["e_reco"]}
    expected |= {"pt": correction * candidates["pt"], "residual": sample.response - 1}
    if width:
        scale = np.array(CALIBRATION["sigma_scale"])[candidates.category]
        expected["energy_err"] = 0.02 * scale * correction * candidates["e_reco"]
    assert columns.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(columns[name].values, values, rtol=1e-4, atol=1e-6, err_msg=name)
    assert np.isnan(columns["residual"].values).all() != known
    if known:
        energy = candidates.true_energy * (1 + columns["residual"].values)
        np.testing.assert_allclose(columns["energy"].values, energy, rtol=1e-4)
