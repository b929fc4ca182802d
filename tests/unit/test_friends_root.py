"""Friend files in ROOT itself: beside their original, entry by entry, and as RNTuple.

It needs an interpreter with ROOT (``pip install root``, in an environment of its own):
``HITFORGE_ROOT_PYTHON=<python>``.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from hitforge.apply_settings import FriendFormat
from hitforge.entries import Column
from hitforge.friends import Friend, write_friend

ROOT_PYTHON = os.environ.get("HITFORGE_ROOT_PYTHON", "")

pytestmark = pytest.mark.skipif(not ROOT_PYTHON, reason="HITFORGE_ROOT_PYTHON names no interpreter with ROOT")

BESIDE = """
import json, sys
import numpy as np
import ROOT
file = ROOT.TFile.Open("events.root")
tree = file.Get("events")
friend = tree.AddFriend("hf_m", "ttree.root")
frame = ROOT.RDataFrame(tree)
chosen = frame.Filter("hf_m.hf_status == 0 && hf_m.hf_energy > 3").Define("sum", "x + hf_energy + hf_scores[2]")
columns = frame.AsNumpy(["x", "hf_status", "hf_energy", "hf_charge", "hf_scores"])
columns["hf_scores"] = [list(vector) for vector in columns["hf_scores"]]
bits = {name: np.array(list(values)).astype(np.float64).view(np.int64).tolist() for name, values in columns.items()}
print(json.dumps({"bits": bits, "sum": chosen.Sum("sum").GetValue(), "title": friend.GetTree().GetTitle()}))
"""
ALONE = """
import json
import numpy as np
import ROOT
columns = ROOT.RDataFrame("hf_m", "rntuple.root").AsNumpy(["hf_status", "hf_energy", "hf_charge", "hf_scores"])
columns["hf_scores"] = [list(vector) for vector in columns["hf_scores"]]
bits = {name: np.array(list(values)).astype(np.float64).view(np.int64).tolist() for name, values in columns.items()}
title = ROOT.RNTupleReader.Open("hf_m", "rntuple.root").GetDescriptor().GetDescription()
print(json.dumps({"bits": bits, "title": title}))
"""


def ran(folder: Path, script: str) -> dict[str, Any]:
    done = subprocess.run([ROOT_PYTHON, "-c", script], cwd=folder, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def bits_of(values: Any) -> list[Any]:
    found: list[Any] = np.asarray(values).astype(np.float64).view(np.int64).tolist()
    return found


def friend(folder: Path, kind: FriendFormat) -> dict[str, Any]:
    """Write the friend of six entries, the second and the last without a prediction, and return its columns."""
    status = np.array([0, 2, 0, 0, 0, 1], np.uint8)
    generator = np.random.default_rng(4)
    energy, scores = generator.uniform(2, 9, 4).astype(np.float32), generator.random((4, 3)).astype(np.float32)
    columns = {
        "hf_energy": Column(energy, "GeV", "energy"),
        "hf_charge": Column(np.array([1, -1, 1, 1], np.int8), "", "charge"),
        "hf_scores": Column(scores, "", "scores"),
    }
    write_friend(folder / f"{kind}.root", kind, Friend("hf_m", "model m", {}, status, "hf_status", columns))
    kept = status == 0
    whole = {name: np.full((6, *c.values.shape[1:]), np.nan, np.float32) for name, c in columns.items()}
    whole["hf_charge"][:] = -1
    for name, column in columns.items():
        whole[name][kept] = column.values
    return {"hf_status": status, **whole}


def test_friend_stands_beside_its_original_entry_by_entry(tmp_path: Path) -> None:
    x = np.arange(6, dtype=np.float32)
    with uproot.recreate(tmp_path / "events.root") as file:
        file.mktree("events", {"x": x.dtype}).extend({"x": x})
    wanted = friend(tmp_path, "ttree")
    found = ran(tmp_path, BESIDE)
    assert found["bits"] == {name: bits_of(values) for name, values in {"x": x, **wanted}.items()}
    assert found["title"] == "model m"
    chosen = (wanted["hf_status"] == 0) & (wanted["hf_energy"] > 3)
    assert chosen.any()
    assert found["sum"] == pytest.approx((x + wanted["hf_energy"] + wanted["hf_scores"][:, 2])[chosen].sum())


def test_friend_is_an_rntuple_that_root_reads(tmp_path: Path) -> None:
    wanted = friend(tmp_path, "rntuple")
    found = ran(tmp_path, ALONE)
    assert found == {"bits": {name: bits_of(values) for name, values in wanted.items()}, "title": "model m"}
