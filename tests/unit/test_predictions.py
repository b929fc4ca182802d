"""Prediction files: named columns of any width come back as they were written."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from hitforge.predictions import PlannedPiece, Predictions, join, read_predictions, write_predictions
from hitforge.provenance import write_json


def predictions(n: int, part: str = "p") -> Predictions:
    rng = np.random.default_rng(n)
    return Predictions(
        part=np.array([part] * n, dtype=object),
        entry=np.arange(n)[::-1].copy(),
        bucket=np.zeros(n, dtype=np.int16),
        target=rng.random(n).astype(np.float32),
        truth={"eta": rng.random(n).astype(np.float32)},
        members={"value": rng.random((n, 2)).astype(np.float32), "classes": rng.random((n, 2, 4)).astype(np.float32)},
        ensemble={"value": rng.random(n).astype(np.float32), "classes": rng.random((n, 4)).astype(np.float32)},
    )


def test_round_trip_of_blocks(tmp_path: Path) -> None:
    blocks = [predictions(5, "a"), predictions(0), predictions(3, "b")]
    paths = [tmp_path / f"{k}.h5" for k in range(3)]
    for path, block in zip(paths, blocks, strict=True):
        write_predictions(path, block, {"fit": "m"})
    found, expected = read_predictions(paths), join(blocks)
    assert found.columns().keys() == expected.columns().keys()
    for name, values in expected.columns().items():
        np.testing.assert_array_equal(found.columns()[name], values)
    assert found.members["classes"].shape == (8, 2, 4)


def test_all_columns_are_sorted_and_selected_together() -> None:
    block = predictions(6)
    ordered = block.sorted()
    assert ordered.entry.tolist() == list(range(6))
    np.testing.assert_array_equal(ordered.truth["eta"], block.truth["eta"][::-1])
    np.testing.assert_array_equal(ordered.ensemble["classes"], block.ensemble["classes"][::-1])
    assert len(block.select(block.entry > 3)) == 2


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_predictions(path, predictions(2), {})
    with h5py.File(path, "r+") as handle:
        handle.attrs["format_version"] = 1
    with pytest.raises(ValueError, match="prediction format 1, this release reads 2"):
        read_predictions([path])


def test_a_piece_knows_whether_it_was_calibrated_on(tmp_path: Path) -> None:
    write_predictions(tmp_path / "a.h5", predictions(4), {})
    write_json(tmp_path / "calibration.json", {"ok": True})
    plain = {"predictions": [str(tmp_path / "a.h5")], "calibration": str(tmp_path / "calibration.json")}
    for planned, expected in ((plain, False), (plain | {"calibrated_on": True}, True)):
        piece = PlannedPiece.model_validate(planned).read()
        assert piece.calibrated_on is expected and len(piece.predictions) == 4
