"""The comparison of two productions finds what changed, and only hashes of settings and code may."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.compare_runs import Outcome, compare, main, numbers_of

MEMBER = "csc/models/net/member_0.safetensors"
METRICS = "csc/metrics/net.json"
SHARD = "csc/shards/train/part.h5"
LISTING = "csc/shards/train/b000.json"


def _write(folder: Path, config_hash: str = "0" * 16, **changes: Any) -> Path:
    """Write a results folder of a few files; ``changes`` are a number, a weight, a truth column or another hash."""
    number = {"value": changes.get("number", 0.25), "error": None, "reason": None}
    scaling = changes.get("scaling", "c" * 16)
    for name in (MEMBER, METRICS, SHARD):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / METRICS).write_text(json.dumps({"config_hash": config_hash, "scaling": scaling, "rmse": number}))
    (folder / LISTING).write_text(json.dumps({"shards": {"part.h5": config_hash * 2}}))
    about = {"hitforge": json.dumps({"config_hash": config_hash})}
    save_file({"layer": np.array([1.0, changes.get("weight", 2.0)], np.float32)}, folder / MEMBER, about)
    with h5py.File(folder / SHARD, "w") as handle:
        handle.attrs["config_hash"] = config_hash
        handle["truth/eta"] = np.array([np.nan, 1.0, changes.get("eta", 2.0)], np.float32)
        handle["truth/eta"].attrs["units"] = changes.get("units", "rad")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return _write(tmp_path / "a")


@pytest.mark.parametrize(
    ("change", "name", "place"),
    [
        ({"number": 0.25000000000000006}, METRICS, "rmse.value: 0.25 | 0.25000000000000006"),
        ({"scaling": "d" * 16}, METRICS, f"scaling: '{'c' * 16}' | '{'d' * 16}'"),
        ({"weight": 2.0000002}, MEMBER, "tensor layer: other bytes"),
        ({"eta": 3.0}, SHARD, "truth/eta[2]: 2.0 | 3.0 (1 differ)"),
        ({"units": ""}, SHARD, "truth/eta@units: 'rad' | ''"),
    ],
)
def test_a_change_is_found_and_a_hash_beside_it_is_not(
    run: Path, tmp_path: Path, change: dict[str, Any], name: str, place: str
) -> None:
    found = compare(run, _write(tmp_path / "b", "1" * 16, **change))
    assert found[name].outcome is Outcome.DIFFERENT and list(found[name].places) == [place]
    assert {finding.outcome for other, finding in found.items() if other != name} == {Outcome.HASHES}


def test_the_same_and_other_hashes_and_missing_files(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {finding.outcome for finding in compare(run, run).values()} == {Outcome.SAME}
    other = _write(tmp_path / "b", "1" * 16)
    assert main([str(run), str(other)]) == 0
    (other / MEMBER).unlink()
    (other / "csc/new.csv").write_text("a,b\n")
    assert main([str(run), str(other)]) == 1
    printed = capsys.readouterr().out
    assert f"{MEMBER}: only in A" in printed and "csc/new.csv: only in B" in printed


def test_keys_in_another_order_are_noted_and_longer_text_is_different(run: Path, tmp_path: Path) -> None:
    other = shutil.copytree(run, tmp_path / "b")
    content = json.loads((run / METRICS).read_text())
    (other / METRICS).write_text(json.dumps(dict(reversed(content.items()))))
    for folder, line in ((run, "x,2\n"), (other, "x,2.0\n")):
        (folder / "csc/table.csv").write_text("a,b\n" + line)
    found = compare(run, other)
    assert found[METRICS].outcome is Outcome.HASHES and found[METRICS].note == "the file: keys in another order"
    assert list(found["csc/table.csv"].places) == ["line 2: ['x,2'] | ['x,2.0']"]


def _number(value: Any, error: Any = 0.1) -> dict[str, Any]:
    return {"value": value, "error": error, "reason": None}


def _row(first: str, second: str, quantity: str, value: float, **where: Any) -> dict[str, Any]:
    return {"first": first, "second": second, "quantity": quantity, "where": where, "difference": _number(value)}


OLD: dict[str, Callable[[], Any]] = {
    "rows": lambda: [{"first": "a", "second": "b", "quantity": "gain", "difference": _number(0.5)}],
    "rows and rates": lambda: {
        "reference": "a",
        "differences": [{"first": "a", "second": "b", "quantity": "gain", "difference": _number(0.5)}],
        "rates": {"b": {"reduction": _number([[2.0], [3.0]], [[0.1], [0.1]])}},
    },
    "arrays of pairs": lambda: {"differences": {"a:b": _number([0.5], [0.1])}},
}
NEW = [
    _row("b", "a", "gain", -0.5),
    _row("b", "a", "rate_reduction", 2.0, exponent=3),
    _row("a", "b", "rate_reduction", 3.0, exponent=4),
]


@pytest.mark.parametrize("schema", OLD)
def test_comparisons_of_two_schemas_are_compared_by_their_numbers(run: Path, tmp_path: Path, schema: str) -> None:
    other = _write(tmp_path / "b")
    content = {"config_hash": "0" * 16, "samples": {"test": OLD[schema]()}}
    (run / "csc/comparison.json").write_text(json.dumps(content))
    (other / "csc/comparison.json").write_text(json.dumps({"samples": {"test": NEW}}))
    found = compare(run, other)["csc/comparison.json"]
    assert found.outcome is Outcome.HASHES
    assert f"{len(numbers_of(content))} numbers in A, 3 in B" in found.note
    changed = [{**row, "difference": _number(row["difference"]["value"] + 1)} for row in NEW]
    (other / "csc/comparison.json").write_text(json.dumps({"samples": {"test": changed}}))
    assert compare(run, other)["csc/comparison.json"].outcome is Outcome.DIFFERENT
