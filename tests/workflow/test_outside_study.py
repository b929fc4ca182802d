"""A study of sixty lines in a folder of its own runs from text files to its chapter of the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.workflow.running import runner

pytestmark = pytest.mark.workflow

STUDIES = Path(__file__).parent / "studies"


def write_events(path: Path, n: int, seed: int) -> None:
    """Write showers whose width says how much of their energy leaked out."""
    generator = np.random.default_rng(seed)
    energy, width = generator.uniform(50, 150, n), generator.uniform(10, 30, n)
    signal = energy * (1 - width / 100) * generator.normal(1, 0.02, n)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, np.column_stack([signal, width, energy]))


def test_it_is_as_small_as_it_is_said_to_be() -> None:
    files = [path for path in (STUDIES / "toy").iterdir() if path.suffix in {".py", ".yaml"}]
    assert sum(bool(line.strip()) for path in files for line in path.read_text().splitlines()) <= 60


def test_from_text_files_to_the_report(tmp_path: Path) -> None:
    for part in range(2):
        write_events(tmp_path / f"data/train/{part}.txt", 1500, part)
    write_events(tmp_path / "data/test.txt", 1000, 2)
    (tmp_path / "data/train/broken.txt").write_text("1 2\n")
    arguments = ("--config", "studies=toy", "on_bad_part=quarantine", "max_bad_fraction=0.5")
    run = runner(tmp_path)(*arguments, HITFORGE_STUDIES=str(STUDIES))
    assert run.planned["calibrate"] == 1
    metrics = json.loads((tmp_path / "results/toy/metrics/bdt.json").read_text())
    # the resolution is 2 %, the signal without the width gives 7 %
    assert 0.02 < metrics["samples"]["test"]["energy"]["spread"]["value"] < 0.05
    page = (tmp_path / "results/report/index.html").read_text()
    assert "boosted trees on signal and width" in page and "write signal, width and energy on each line" in page


def test_unknown_study_is_named(tmp_path: Path) -> None:
    run = runner(tmp_path)("-n", "--config", "studies=nothing", check=False)
    assert run.code != 0 and "study 'nothing' is not known; known: calo_muon, csc_muon" in run.output
