"""The command apply, as after ``pip install``: no checkout, no configuration, another folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hitforge
from hitforge.packages import REQUIRED, write_package
from tests.unit.csc_muon.part_builders import some_roads, write_vector
from tests.unit.small_parts import study_of

MODEL = "dphi-lut"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the package of a table that knows one momentum, two files of roads, and a text."""
    study = study_of("csc_muon")
    about = {"kind": "table", "model": MODEL, "fit": MODEL, "weights": [1.0], "members": [{"file": "table_0.json"}]}
    contents = {
        "model.json": about,
        "table_0.json": {"table": {"default": 0.25, "pairs": {}}},
        "settings.json": study.declared.given_settings(study.settings, "apply", MODEL),
        "calibration.json": {"pt_scaling": {"ok": False, "reason": "too few roads"}, "sigma_scale": None},
    }
    files = dict.fromkeys(REQUIRED, b"{}") | {name: json.dumps(content).encode() for name, content in contents.items()}
    write_package(tmp_path / "lut.hitforge.zip", "csc_muon", MODEL, files)
    (tmp_path / "data").mkdir()
    for number in (1, 2):
        write_vector(tmp_path / f"data/run{number}.root", some_roads(50, number))
    (tmp_path / "data/text.root").write_text("no roads")
    return tmp_path


def apply(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, with the package alone on the path."""
    library = folder / "lib"
    if not library.is_dir():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(hitforge.__file__).parent, library / "hitforge", ignore=ignored)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HITFORGE")}
    command = [sys.executable, "-m", "hitforge", "apply", "lut.hitforge.zip", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env={**environment, "PYTHONPATH": str(library)},
        text=True,
        capture_output=True,
        check=False,
    )


def test_bad_file_is_told_and_stops_no_other_and_what_is_made_is_kept(folder: Path) -> None:
    done = apply(folder, "data/*.root", "--out", "friends")
    assert done.returncode == 1
    assert "data/text.root: not a ROOT file" in done.stderr and "1 of 3 files have no friend file" in done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"friends/run{k}.{MODEL}.root" for k in (1, 2)]
    assert all("predicted" in line and line.endswith("/s)") for line in lines)
    names = {f"run{k}.{MODEL}.root" for k in (1, 2)}
    assert {path.name for path in (folder / "friends").iterdir()} == {*names, f"friends.{MODEL}.json"}
    found = json.loads((folder / f"friends/friends.{MODEL}.json").read_text())
    assert set(found["friends"]) == names and list(found["failed"]) == ["data/text.root"]
    first = found["friends"][f"run1.{MODEL}.root"]
    assert first["entries"] == first["predicted"] + sum(first["left_out"].values()) == len(some_roads(50, 1))

    (folder / "list.txt").write_text("data/run1.root\n\ndata/run2.root\n")
    again = apply(folder, "@list.txt", "--out", "friends")
    assert again.returncode == 0 and again.stdout.count("(kept)") == 2


def test_what_was_called_wrongly_has_exit_code_two(folder: Path) -> None:
    for arguments, words in (
        (("none/*.root", "--out", "friends"), "matches no file"),
        (("data/run1.root", "--out", "friends", "--prefix", "1"), "begin with a letter"),
        (("@missing.txt", "--out", "friends"), "missing.txt"),
    ):
        done = apply(folder, *arguments)
        assert done.returncode == 2 and words in done.stderr
    assert not (folder / "friends").exists()
