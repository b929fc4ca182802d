"""calo_muon's models on other files: all entries in their place, with or without truth, and the columns of a friend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pytest

from hitforge.ntuple import NtupleError
from hitforge.predictions import Predictions
from hitforge.studies.base import Study
from hitforge.studies.calo_muon.evaluation.density import EnergyDensity, bin_of
from hitforge.studies.calo_muon.settings import DensitySettings
from tests.unit.entries_of import assert_same, copy_of, entries_of, joined, without
from tests.unit.given import given
from tests.unit.small_parts import LAYOUTS, study_of

TREES = {"b4-fixed": "B4", "b4-variable": "B4", "compact": "muons"}
TRUTH = {"B4": ("true_energy", "isMuon", "isAntiMuon"), "muons": ("e_true", "charge")}


def part(layout: str, folder: Path) -> tuple[Study, Path, dict[str, Any]]:
    """Return the study, a good part and the columns of its shard."""
    study_in, write, name = LAYOUTS[layout]
    study, path = study_in(folder), write(folder / name, 8)
    return study, path, joined(list(study.read(str(path))))


@pytest.mark.parametrize("layout", TREES)
def test_entries_are_those_of_a_shard_and_need_no_truth(tmp_path: Path, layout: str) -> None:
    study, path, shard = part(layout, tmp_path)
    status, columns, has_truth = entries_of(study, path)
    assert status == [""] * 8 and has_truth
    assert_same(columns, shard)
    blind = copy_of(path, TREES[layout], without(*TRUTH[TREES[layout]]))
    status, columns, has_truth = entries_of(study, blind)
    assert status == [""] * 8 and not has_truth
    assert np.isnan(columns["target energy"]).all() and (columns["truth charge"] == 0).all()
    assert_same(columns, shard, but=("target energy", "truth charge", "bucket"))


def test_vectors_of_the_original_are_read_as_for_their_shard(reference_data: Path) -> None:
    study, path = study_of("calo_muon"), reference_data / "cmu_0.root"
    status, columns, has_truth = entries_of(study, path)
    assert set(status) == {""} and has_truth
    assert_same(columns, joined(list(study.read(str(path)))))


def spoil(columns: dict[str, Any], values: dict[int, Any], branch: str) -> None:
    rows = columns[branch].tolist()
    for entry, change in values.items():
        rows[entry] = change(rows[entry]) if callable(change) else change
    kept = columns[branch]
    columns[branch] = ak.values_astype(ak.Array(rows), "float64") if isinstance(kept, ak.Array) else np.array(rows)


def assert_lost(study: Study, path: Path, shard: dict[str, Any], expected: dict[int, str]) -> None:
    """These entries are left out, and all others as they were, in the chunks of two that the file is written in."""
    status, columns, _ = entries_of(study, path)
    assert {i: reason for i, reason in enumerate(status) if reason} == expected
    kept = [i for i in range(len(status)) if i not in expected]
    for name in ("features", "target energy"):
        np.testing.assert_array_equal(columns[name], shard[name][kept])
    of_muon = np.repeat(np.arange(len(status)), np.diff(shard["hits indptr"]))
    for name in ("hits cell", "hits energy"):
        np.testing.assert_array_equal(columns[name], shard[name][np.isin(of_muon, kept)])


@pytest.mark.parametrize("layout", ["b4-fixed", "b4-variable"])
def test_bad_entries_of_b4_are_left_out_one_by_one(tmp_path: Path, layout: str) -> None:
    study, path, shard = part(layout, tmp_path)
    expected = {1: "not_finite", 3: "negative_energy", 4: "entry_outside_block", 6: "not_finite"}

    def change(columns: dict[str, Any]) -> None:
        spoil(columns, {1: lambda row: [np.nan, *row[1:]], 3: lambda row: [*row[:-1], -1e-3]}, "rechit_energy")
        spoil(columns, {4: 500.0, 6: np.inf}, "true_x")
        if layout == "b4-variable":
            spoil(columns, {7: lambda row: [*row, 1.0]}, "rechit_energy")

    lengths = {7: "wrong_length"} if layout == "b4-variable" else {}
    assert_lost(study, copy_of(path, "B4", change), shard, expected | lengths)


def test_bad_entries_of_the_compact_layout_are_left_out_one_by_one(tmp_path: Path) -> None:
    study, path, shard = part("compact", tmp_path)

    def change(columns: dict[str, Any]) -> None:
        cells = columns["hit_cell"].tolist()
        cells[0][0], cells[2][-1], cells[5][0] = -1, 24, cells[5][1]
        columns["hit_cell"] = ak.values_astype(ak.Array(cells), "int32")
        spoil(columns, {3: lambda row: [-1.0, *row[1:]]}, "hit_e")

    expected = {0: "cell_outside_geometry", 2: "cell_outside_geometry", 3: "negative_energy", 5: "unsorted_cells"}
    assert_lost(study, copy_of(path, "muons", change), shard, expected)


def test_lists_of_different_lengths_spoil_their_own_muon_only(tmp_path: Path) -> None:
    study, path, shard = part("compact", tmp_path)

    def change(columns: dict[str, Any]) -> None:
        # each list with its own counter
        columns["nhit"] = ak.to_numpy(ak.num(columns["hit_cell"])).astype(np.int32)
        energies = columns.pop("hit_e").tolist()
        energies[4] = energies[4][:-1]
        columns["hit_e"] = ak.values_astype(ak.Array(energies), "float32")

    assert_lost(study, copy_of(path, "muons", change, one_counter=False), shard, {4: "inconsistent_nhit"})


def test_faults_of_the_generator_leave_a_muon_without_target(tmp_path: Path) -> None:
    study, path, shard = part("compact", tmp_path)

    def change(columns: dict[str, Any]) -> None:
        columns["e_true"] = columns["e_true"].copy()
        columns["e_true"][[2, 5]] = -1.0, np.nan
        columns["charge"] = np.full(8, 255, np.uint8)

    status, columns, _ = entries_of(study, copy_of(path, "muons", change))
    assert status == [""] * 8
    np.testing.assert_array_equal(np.isnan(columns["target energy"]), np.isin(np.arange(8), (2, 5)))
    assert_same(columns, shard, but=("target", "truth charge", "bucket"))


def test_what_is_wrong_with_the_whole_file_is_an_error(tmp_path: Path) -> None:
    study, path, _ = part("b4-fixed", tmp_path)
    for branch in ("rechit_energy", "true_x"):
        with pytest.raises(NtupleError, match=f"branch {branch}: the branch is missing"):
            entries_of(study, copy_of(path, "B4", without(branch)))
    with pytest.raises(NtupleError, match="missing_file"):
        entries_of(study, "folds.hdf5#fold_0")


def test_energies_that_a_fold_file_hides_are_unknown(tmp_path: Path) -> None:
    study_in, write, name = LAYOUTS["fold_file"]
    study, path = study_in(tmp_path), write(tmp_path / name, 8)
    source = f"{path}#fold_0"
    shard = joined(list(study.read(source)))
    status, columns, has_truth = entries_of(study, source)
    assert status == [""] * 8 and has_truth
    assert_same(columns, shard)
    with h5py.File(path, "r+") as file:
        file["fold_0/targets"][2:] = -1
    _, columns, _ = entries_of(study, source)
    np.testing.assert_array_equal(columns["target energy"], [*shard["target energy"][:2], *[np.nan] * 6])
    assert_same(columns, shard, but=("target",))


# ---- columns of a friend

GRID = DensitySettings(bins=8)
LEARNT = {"kind": "learnt", "ok": True, "n": 100, "flat": 0.01, "exponent": 1.5}
NONE = {"kind": "learnt", "ok": False, "n": 3, "reason": "too few"}
LINE = {"kind": "linear", "ok": True, "e_min_gev": 100.0, "e_max_gev": 4000.0, "a": 0.8, "b": 50.0}
NO_LINE = {"kind": "linear", "ok": False, "reason": "3 events", "e_min_gev": 100.0, "e_max_gev": 4000.0}


def columns_of(calibration: dict[str, Any], target: list[float]) -> tuple[Predictions, dict[str, Any]]:
    n = len(target)
    density = np.random.default_rng(1).dirichlet(np.ones(GRID.bins), n).astype(np.float32)
    energy = np.linspace(90, 7000, n).astype(np.float32)
    predictions = Predictions(
        part=np.full(n, "a", object),
        entry=np.arange(n),
        bucket=np.zeros(n, np.int16),
        target=np.array(target, np.float32),
        truth={},
        members={"energy": energy[:, None]},
        ensemble={"energy": energy, "density": density},
    )
    study = given(study_of("calo_muon"), "apply", "cnn")
    return predictions, study.friend_columns("cnn", predictions, calibration)


def calibration(line: dict[str, Any], density: dict[str, Any]) -> dict[str, Any]:
    return {"ensemble": line, "density": {"grid": GRID.model_dump(), "all": density, "halves": [NONE, NONE]}}


def test_columns_are_corrected_and_have_the_errors_of_the_density() -> None:
    predictions, columns = columns_of(calibration(LINE, LEARNT), [100.0, np.nan, 3000.0])
    energy = (predictions.ensemble["energy"].astype(float) - 50) / 0.8
    np.testing.assert_array_equal(columns["energy"].values, energy.astype(np.float32))
    np.testing.assert_allclose(columns["residual"].values, [energy[0] / 100 - 1, np.nan, energy[2] / 3000 - 1], 1e-6)
    low, high = columns["energy_low"].values, columns["energy_high"].values
    np.testing.assert_allclose(columns["energy_err"].values, (high - low) / 2, rtol=1e-6)
    # the calibrated density, by hand
    powers = predictions.ensemble["density"].astype(float) ** 1.5
    flat = np.diff(GRID.edges_gev()) / (8000 - 50)
    density = EnergyDensity(GRID, 0.99 * powers / powers.sum(axis=1, keepdims=True) + 0.01 * flat)
    for part_below, values in ((0.16, low), (0.84, high)):
        np.testing.assert_allclose(density.below(values.astype(float)), part_below, atol=1e-6)
        assert (bin_of(values, GRID) >= 0).all()


def test_what_cannot_be_calibrated_says_so() -> None:
    predictions, columns = columns_of(calibration(NO_LINE, NONE), [np.nan, np.nan])
    np.testing.assert_array_equal(columns["energy"].values, predictions.ensemble["energy"])
    assert columns["energy"].meaning == "energy, not corrected for its bias: 3 events"
    for name in ("energy_err", "energy_low", "energy_high", "residual"):
        assert np.isnan(columns[name].values).all()
    assert "too few" in columns["energy_err"].meaning
    assert {column.values.dtype for column in columns.values()} == {np.dtype(np.float32)}
