"""Prediction files: named columns of any width come back as they were written."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from hitforge.predictions import PlannedPiece, Predictions, join, read_predictions, usable, write_predictions
from hitforge.provenance import write_json
from hitforge.validation import Inventory, PartEntry, write_inventory


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


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    names = [f"part{k}" for k in range(9, -1, -1)]
    write_predictions(tmp_path / "a.h5", join([predictions(1, name) for name in names]), {})
    with h5py.File(tmp_path / "a.h5") as handle:
        assert json.loads(handle.attrs["parts"]) == sorted(names)
    write_predictions(tmp_path / "b.h5", join([predictions(1, name) for name in names]), {})
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


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


def test_events_of_parts_that_the_inventory_leaves_out_do_not_come_back(tmp_path: Path) -> None:
    """A duplicate's events are predicted like others; counted twice, they would shift calibration and metrics."""
    write_predictions(
        tmp_path / "a.h5", join([predictions(3, "again"), predictions(2, "b"), predictions(1, "bad")]), {}
    )
    write_predictions(tmp_path / "b.h5", predictions(4, "a"), {})
    status = {"a": "good", "again": "duplicate", "b": "good", "bad": "bad"}
    entry = {"n_events": 1, "content_checksum": "", "source": "x.root"}
    parts = {part: PartEntry.model_validate(entry | {"status": found}) for part, found in status.items()}
    write_inventory(tmp_path / "inventory.json", Inventory(study="toy", sample="train", parts=parts))
    files = (tmp_path / "a.h5", tmp_path / "b.h5")
    kept = usable(files, tmp_path / "inventory.json")
    assert list(zip(kept.part, kept.entry, strict=True)) == [*(("a", k) for k in range(4)), ("b", 0), ("b", 1)]
    np.testing.assert_array_equal(
        kept.truth["eta"], [*predictions(4).sorted().truth["eta"], *predictions(2).sorted().truth["eta"]]
    )
    assert sorted({*usable(files, None).part}) == sorted(status)
    planned = PlannedPiece(predictions=files, calibration=tmp_path / "c.json", inventory=tmp_path / "inventory.json")
    write_json(planned.calibration, {})
    assert set(planned.read().predictions.part) == {"a", "b"}
