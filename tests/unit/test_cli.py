"""The command line: a chain from a simulated part to metrics, and answers to mistakes."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hitforge.cli import main

STUDY = ("--study", "calo_muon")


@pytest.fixture(autouse=True)
def restore_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take back the log handlers and the hook for uncaught errors that a command sets up."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_chain_from_simulation_to_metrics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, shard, model = tmp_path / "part.root", tmp_path / "part.h5", tmp_path / "bdt"
    assert main(["simulate", *STUDY, "--events", "60", "--out", str(root)]) == 0
    capsys.readouterr()
    assert main(["validate", *STUDY, str(root)]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "good"
    assert main(["build-shard", *STUDY, "--out", str(shard), str(root)]) == 0
    assert main(["fit-scaling", *STUDY, "--out", str(tmp_path / "scaling.json"), str(shard)]) == 0
    assert main(["train-bdt", *STUDY, "--model", "bdt", "--out", str(model), str(shard)]) == 0
    manifest = ["--manifest", str(model / "model.json")]
    predicted, calibration, metrics = tmp_path / "p.h5", tmp_path / "calibration.json", tmp_path / "metrics.json"
    assert main(["predict", *STUDY, *manifest, "--out", str(predicted), str(shard)]) == 0
    assert main(["calibrate", *STUDY, "--out", str(calibration), str(predicted)]) == 0
    evaluate = ["evaluate", *STUDY, "--model", "bdt", *manifest, "--calibration", str(calibration)]
    assert main([*evaluate, "--heldout", str(predicted), "--out", str(metrics)]) == 0
    heldout = json.loads(metrics.read_text())["samples"]["heldout"]
    assert heldout["n_muons"] == 60
    assert heldout["rmse_gev"]["value"] > 0 or heldout["rmse_gev"]["reason"]


def test_bad_part_exits_with_one_and_its_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.root"
    path.write_text("this is not ROOT")
    assert main(["validate", *STUDY, str(path)]) == 1
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["verdict"] == "bad"
    assert verdict["problems"][0]["fix"]


def test_describe_counts_the_papers_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", *STUDY, "--preset", "paper", "--model", "cnn"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["n_parameters"] == 636_570
    assert len(about["features"]) == 28


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["describe", "--study", "calo_muon", "--model", "cnnn"], "known: "),
        (["describe", "--study", "nope", "--model", "cnn"], "study 'nope' is not known"),
        (["build-shard", "--study", "calo_muon", "--out", "x.h5", "no/such.root"], "no/such.root"),
        (["report", "--study", "calo_muon", "--results", "nowhere", "--out", "o"], "no metrics"),
    ],
)
def test_mistake_is_one_message_and_exit_code_two(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


def test_status_of_an_empty_folder_says_how_to_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--results", str(tmp_path)]) == 0
    assert "nothing here yet" in " ".join(capsys.readouterr().out.split())


def test_status_names_failed_jobs_and_their_logs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    (tmp_path / "results/calo_muon").mkdir(parents=True)
    for name, line in (("ok", "INFO    done"), ("bad", "CRITICAL PartsError: part_3.root: truncated")):
        log = tmp_path / f"logs/validate/{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"2026-01-01 00:00:00 {line}\n")
    assert main(["status", "--results", str(tmp_path / "results")]) == 0
    shown = "".join(capsys.readouterr().out.split())
    assert "bad.log" in shown and "part_3.root:truncated" in shown and "ok.log" not in shown


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "a.root"
    assert main(["simulate", "--study", "calo_muon", "--preset", "demo", "--events", "3", "--out", str(path)]) == 0
    return path


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("", "cannot be written \\(Is a directory\\); give the name of a file"),
        ("a.root/x.h5", "one of its folders is a file"),
        ("x" * 260 + ".h5", "take a shorter name"),
    ],
)
def test_an_output_that_cannot_be_written_is_one_message(
    part: Path, capsys: pytest.CaptureFixture[str], out: str, message: str
) -> None:
    words = ["build-shard", "--study", "calo_muon", "--preset", "demo", "--out", str(part.parent / out), str(part)]
    assert main(words) == 2
    assert re.search(f"hitforge: error: .*{message}", capsys.readouterr().err)
    assert [path.name for path in part.parent.iterdir()] == ["a.root"]


def test_the_longest_name_of_a_file_system_can_be_written(part: Path) -> None:
    out = part.parent / ("ß" * 126 + ".h5")
    assert main(["build-shard", "--study", "calo_muon", "--preset", "demo", "--out", str(out), str(part)]) == 0
    assert out.is_file()


def test_a_config_file_that_cannot_be_read_is_one_message(part: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["validate", "--study", "calo_muon", str(part), "--configfile", str(part.parent)]
    assert main(words) == 2
    assert f"{part.parent}: is a directory" in capsys.readouterr().err


def test_presets_come_from_the_checkout_wherever_a_command_runs(
    part: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(part.parent)
    Path("config").mkdir()
    Path("config/config.yaml").write_text("calo_muon: {no_such_key: 1}")
    assert main(["validate", "--study", "calo_muon", "--preset", "small", "a.root"]) == 0


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 16 kB."""
    folder = tmp_path / "full"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder]
    if os.getuid() or subprocess.run(mount, check=False).returncode:
        pytest.skip("no right to mount a small file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


PREDICTIONS = """
import sys
from pathlib import Path
import numpy as np
from hitforge.logs import start_log
from hitforge.predictions import Predictions, write_predictions
start_log()
n = 20000
one = np.random.default_rng(1).random(n).astype(np.float32)
columns = {f"c{k}": one for k in range(8)}
part, entry = np.array(["p"] * n, dtype=object), np.arange(n)
write_predictions(Path(sys.argv[1]), Predictions(part, entry, entry.astype("i2"), one, columns, columns, columns), {})
"""


def test_a_full_disk_ends_in_one_message_and_not_in_a_crash(part: Path, full: Path) -> None:
    words = ["build-shard", "--study", "calo_muon", "--preset", "demo", "--out", str(full / "a.h5"), str(part)]
    for program, code in ((["-m", "hitforge", *words], 2), (["-c", PREDICTIONS, str(full / "a.h5")], 1)):
        done = subprocess.run([sys.executable, *program], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert "a.h5: no space left" in done.stderr
        assert list(full.iterdir()) == []
