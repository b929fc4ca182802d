"""From files to a configuration that runs: study, layout and sizes are found out."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitforge.cli import main
from hitforge.config import load_settings
from hitforge.samples import list_parts
from hitforge.yaml_files import read_yaml


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parts of two studies: 30 and 10 muons, and 20 roads."""
    folder = tmp_path_factory.mktemp("files")
    for study, name, events in (
        ("calo_muon", "train/a", 20),
        ("calo_muon", "train/b", 10),
        ("calo_muon", "test/a", 10),
        ("csc_muon", "roads/a", 20),
    ):
        path = folder / f"{name}.root"
        path.parent.mkdir(exist_ok=True)
        words = ["--study", study, "--preset", "demo", "--events", str(events), "--sample", name, "--out", str(path)]
        assert main(["simulate", *words]) == 0
    return folder


def test_files_become_a_configuration_that_names_them_all(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "my.yaml"
    train = sorted(map(str, (files / "train").glob("*.root")))
    words = ["new", *train, "--test", str(files / "test/*.root"), "--out", str(out)]
    assert main(words) == 0
    assert f"snakemake -n --configfile {out}" in capsys.readouterr().out
    settings = load_settings(read_yaml(out)).studies["calo_muon"]
    # all files of a folder are a pattern, so that a file that comes later is one of them
    assert settings.samples["train"].source == str(files / "train/*.root")
    assert settings.samples.keys() == {"train", "test"}
    assert [part.source for part in list_parts("train", settings.samples["train"])] == train
    assert "layout compact" in out.read_text() and settings.folds.count == 5
    assert main(words) == 2
    assert "is there already" in capsys.readouterr().err


def test_one_of_several_files_stays_one(files: Path, tmp_path: Path) -> None:
    out = tmp_path / "my.yaml"
    one = str(files / "train/a.root")
    assert main(["new", one, "--test", str(files / "test/a.root"), "--out", str(out)]) == 0
    assert load_settings(read_yaml(out)).studies["calo_muon"].samples["train"].source == one


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        ("roads/a.root", "test/a.root", "study csc_muon cannot use it"),
        ("nothing.root", "test/a.root", "nothing.root: no such file"),
        ("bad.root", "test/a.root", "no study can use this file"),
    ],
)
def test_files_that_do_not_fit_are_named_and_nothing_is_written(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], train: str, test: str, words: str
) -> None:
    (files / "bad.root").write_text("no ROOT")
    assert main(["new", str(files / train), "--test", str(files / test), "--out", str(tmp_path / "my.yaml")]) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
