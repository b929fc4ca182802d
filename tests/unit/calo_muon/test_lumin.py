"""The published fold file: every rule of its layout, and the round trip from ROOT."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hitforge.hits import CellHits
from hitforge.ntuple import NtupleError
from hitforge.shards import ShardBlock
from hitforge.studies.calo_muon.data.geometry import load_geometry
from hitforge.studies.calo_muon.data.lumin import fold_blocks, inspect_fold
from hitforge.studies.calo_muon.data.ntuple import read_muons
from hitforge.studies.calo_muon.data.reading import high_level_features
from hitforge.studies.calo_muon.features import FEATURE_NAMES
from tests.unit.calo_muon.part_builders import make_muons, write_b4

GEOMETRY = load_geometry("pbwo4_40.64mm")
MATRIX = {
    "present_feats": ["rechit_energy"],
    "vecs": ["rechit_energy"],
    "missing": [],
    "feats_per_vec": [""],
    "row_wise": None,
    "shape": [1, 50, 32, 32],
    "is_sparse": True,
}


def to_coo(dense: np.ndarray) -> np.ndarray:
    """Rows deposit, muon, channel, z, x, y of a (N, 1, 50, 32, 32) array."""
    where = np.nonzero(dense)
    return np.stack([dense[where], *where]).astype(np.float32)


def write_fold_file(path: Path, folds: dict[int, dict[str, np.ndarray]], as_bytes: bool = False, **meta: Any) -> Path:
    """Write the published layout; ``matrix_inputs`` of each fold as given."""
    texts = {"cont_feats": list(FEATURE_NAMES), "cat_feats": [], "targ_feats": "true_energy", "matrix_feats": MATRIX}
    with h5py.File(path, "w") as file:
        for number, datasets in folds.items():
            for name, values in datasets.items():
                file.create_dataset(f"fold_{number}/{name}", data=values, compression="lzf")
        for name, value in (texts | meta).items():
            text = json.dumps(value)
            file[f"meta_data/{name}"] = np.bytes_(text) if as_bytes else text
    return path


def make_fold(dense: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    number = len(dense)
    return {
        "inputs": rng.normal(size=(number, 28)).astype(np.float32),
        "targets": rng.uniform(50, 8000, number).astype(np.float32),
        "matrix_inputs": to_coo(dense.reshape(-1, 1, *GEOMETRY.shape)),
    }


@pytest.fixture
def dense() -> np.ndarray:
    grid = make_muons(6).hits.to_dense(GEOMETRY.n_cells)
    grid[[0, 3, 5]] = 0.0  # muons without hits: the first, one inside, the last
    return grid


def read_fold(path: Path, fold: int, slice_mb: float = 64.0) -> ShardBlock:
    """Return all muons of a fold."""
    blocks = list(fold_blocks(f"{path}#fold_{fold}", GEOMETRY, slice_mb))
    return replace(
        blocks[0],
        features=np.concatenate([block.features for block in blocks]),
        targets={"energy": np.concatenate([block.targets["energy"] for block in blocks])},
        hits=CellHits.concatenate([block.hits for block in blocks if block.hits is not None]),
    )


def assert_hits(hits: CellHits, dense: np.ndarray) -> None:
    assert len(hits) == len(dense)
    np.testing.assert_array_equal(hits.to_dense(GEOMETRY.n_cells), dense)
    assert (hits.indptr.dtype, hits.cell.dtype, hits.energy.dtype) == (np.int64, np.uint16, np.float32)


@pytest.mark.parametrize("as_bytes", [False, True])
@pytest.mark.parametrize("slice_mb", [24e-6, 48e-6, 1e-3, 64.0])
def test_sparse_fold(tmp_path: Path, dense: np.ndarray, as_bytes: bool, slice_mb: float) -> None:
    fold = make_fold(dense)
    path = write_fold_file(tmp_path / "folds.hdf5", {0: fold}, as_bytes)
    got = read_fold(path, 0, slice_mb)
    np.testing.assert_array_equal(got.features, fold["inputs"])
    np.testing.assert_array_equal(got.targets["energy"], fold["targets"])
    assert_hits(got.hits, dense)


@pytest.mark.parametrize("slice_mb", [1e-3, 0.5, 64.0])
def test_dense_fold_when_sparse_is_not_said(tmp_path: Path, dense: np.ndarray, slice_mb: float) -> None:
    matrix = {key: value for key, value in MATRIX.items() if key != "is_sparse"}
    fold = make_fold(dense) | {"matrix_inputs": dense.reshape(-1, 1, *GEOMETRY.shape)}
    path = write_fold_file(tmp_path / "folds.hdf5", {0: fold}, matrix_feats=matrix)
    assert_hits(read_fold(path, 0, slice_mb).hits, dense)


def test_fold_without_any_hits(tmp_path: Path) -> None:
    empty = np.zeros((4, GEOMETRY.n_cells), dtype=np.float32)
    fold = make_fold(empty)
    path = tmp_path / "folds.hdf5"
    with h5py.File(write_fold_file(path, {}), "a") as file:
        for name, values in fold.items():
            file[f"fold_0/{name}"] = values
    assert_hits(read_fold(path, 0).hits, empty)


def test_folds_are_sorted_by_number(tmp_path: Path, dense: np.ndarray) -> None:
    path = write_fold_file(tmp_path / "folds.hdf5", {n: make_fold(dense[:2], n) for n in (10, 2, 0, 1, 11)})
    with pytest.raises(NtupleError, match=r"there are \[0, 1, 2, 10, 11\]"):
        read_fold(path, 3)
    np.testing.assert_array_equal(read_fold(path, 10).features, make_fold(dense[:2], 10)["inputs"])


def test_features_in_another_order_and_not_finite(tmp_path: Path, dense: np.ndarray) -> None:
    fold = make_fold(dense)
    fold["inputs"][1, 0] = np.nan
    path = write_fold_file(tmp_path / "folds.hdf5", {0: fold}, cont_feats=list(FEATURE_NAMES[::-1]))
    got = read_fold(path, 0).features
    assert got[1, 27] == 0.0
    np.testing.assert_array_equal(got[0], fold["inputs"][0, ::-1])
    assert np.isfinite(got).all()


def test_file_is_opened_read_only(tmp_path: Path, dense: np.ndarray) -> None:
    path = write_fold_file(tmp_path / "folds.hdf5", {0: make_fold(dense)})
    path.chmod(0o444)
    before = path.read_bytes()
    read_fold(path, 0)
    assert path.read_bytes() == before


def test_round_trip_from_root(tmp_path: Path) -> None:
    root = write_b4(tmp_path / "part.root", make_muons(7))
    ((_, muons),) = read_muons(root, GEOMETRY)
    grid = muons.hits.to_dense(GEOMETRY.n_cells)
    features = high_level_features(muons.hits, muons.x_mm, muons.y_mm, GEOMETRY)
    fold = {"inputs": features, "targets": muons.energy_gev, "matrix_inputs": to_coo(grid.reshape(-1, 1, 50, 32, 32))}
    got = read_fold(write_fold_file(tmp_path / "folds.hdf5", {0: fold}), 0)
    assert_hits(got.hits, grid)
    np.testing.assert_array_equal(got.hits.cell, muons.hits.cell)
    np.testing.assert_array_equal(got.features, features)
    np.testing.assert_array_equal(got.targets["energy"], muons.energy_gev)


@pytest.mark.parametrize("slice_mb", [48e-6, 64.0])
def test_blocks_for_a_shard_keep_the_fold(tmp_path: Path, dense: np.ndarray, slice_mb: float) -> None:
    fold = make_fold(dense)
    path = write_fold_file(tmp_path / "folds.hdf5", {35: fold})
    blocks = list(fold_blocks(f"{path}#fold_35", GEOMETRY, slice_mb))
    assert np.concatenate([block.entry for block in blocks]).tolist() == list(range(6))
    assert {int(b) for block in blocks for b in block.bucket} == {35}
    assert np.isnan(np.concatenate([block.truth["x"] for block in blocks])).all()
    np.testing.assert_array_equal(np.concatenate([block.features for block in blocks]), fold["inputs"])
    np.testing.assert_array_equal(np.concatenate([block.targets["energy"] for block in blocks]), fold["targets"])
    assert_hits(CellHits.concatenate([block.hits for block in blocks]), dense)


def test_good_fold_is_found_good(tmp_path: Path, dense: np.ndarray) -> None:
    path = write_fold_file(tmp_path / "folds.hdf5", {0: make_fold(dense), 1: make_fold(dense, 1)})
    zero, one = (inspect_fold(f"{path}#fold_{n}", GEOMETRY) for n in (0, 1))
    assert zero.good
    assert (zero.n_events, zero.layout, zero.size_bytes) == (6, "fold_file", path.stat().st_size)
    assert zero.content_checksum != one.content_checksum
    assert zero.e_min_gev == make_fold(dense)["targets"].min()


def test_hidden_energies_are_a_problem(tmp_path: Path, dense: np.ndarray) -> None:
    fold = make_fold(dense)
    fold["targets"][2:] = -1.0
    path = write_fold_file(tmp_path / "folds.hdf5", {0: fold})
    assert read_fold(path, 0).targets["energy"].min() == -1.0
    (problem,) = inspect_fold(f"{path}#fold_0", GEOMETRY).problems
    assert (problem.reason, problem.entry, problem.count) == ("non_positive_energy", 2, 4)


def _edited(name: str, row: int, value: float):
    def edit(fold: dict[str, np.ndarray]) -> None:
        fold[name][row, 3] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (_edited("matrix_inputs", 1, 6), "bad_hits"),
        (_edited("matrix_inputs", 1, 0), "bad_hits"),
        (_edited("matrix_inputs", 2, 1), "bad_hits"),
        (_edited("matrix_inputs", 3, 50), "bad_hits"),
        (_edited("matrix_inputs", 0, -1), "bad_hits"),
        (_edited("matrix_inputs", 0, np.nan), "bad_hits"),
        (lambda fold: fold.update(matrix_inputs=fold["matrix_inputs"][:5]), "bad_hits"),
        (lambda fold: fold.update(inputs=fold["inputs"][:, :27]), "wrong_length"),
        (lambda fold: fold.update(inputs=fold["inputs"][:3]), "wrong_length"),
        (lambda fold: fold.pop("targets"), "missing_dataset"),
    ],
)
def test_inconsistent_fold_is_named(tmp_path: Path, dense: np.ndarray, edit, reason: str) -> None:
    fold = make_fold(dense)
    edit(fold)
    path = write_fold_file(tmp_path / "folds.hdf5", {0: fold})
    with pytest.raises(NtupleError, match=r"folds\.hdf5") as error:
        read_fold(path, 0)
    assert error.value.problems[0].reason == reason
    assert inspect_fold(f"{path}#fold_0", GEOMETRY).problems == error.value.problems


def test_foreign_files_are_named(tmp_path: Path, dense: np.ndarray) -> None:
    path = tmp_path / "folds.hdf5"
    good = write_fold_file(tmp_path / "good.hdf5", {0: make_fold(dense)})
    with pytest.raises(NtupleError, match="missing_file"):
        read_fold(path, 0)
    path.write_bytes(b"text")
    with pytest.raises(NtupleError, match="unreadable"):
        read_fold(path, 0)
    path.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    with pytest.raises(NtupleError, match="unreadable"):
        read_fold(path, 0)
    with pytest.raises(NtupleError, match=r"no fold 3; there are \[0\]"):
        read_fold(good, 3)
    with pytest.raises(NtupleError, match="no group fold_"):
        read_fold(write_fold_file(path, {}), 0)
    with pytest.raises(NtupleError, match="address of a fold"):
        next(fold_blocks(str(good), GEOMETRY))
    with pytest.raises(NtupleError, match="features differ"):
        read_fold(write_fold_file(path, {0: make_fold(dense)}, cont_feats=["eabove"]), 0)
    with pytest.raises(NtupleError, match="not JSON"):
        with h5py.File(write_fold_file(path, {0: make_fold(dense)}), "a") as file:
            del file["meta_data/matrix_feats"]
            file["meta_data/matrix_feats"] = "{"
        read_fold(path, 0)
    other = GEOMETRY.model_copy(update={"n_z": 40})
    (problem,) = inspect_fold(f"{good}#fold_0", other).problems
    assert problem.reason == "wrong_shape"
