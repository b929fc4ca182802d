"""A study of ten lines in a folder of its own runs from simulated ROOT to its chapter of the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.workflow.running import runner

pytestmark = pytest.mark.workflow

STUDY = """\
from hitforge.studies.csc_muon.study import CscMuon

class Toy(CscMuon):
    name = "toy"

STUDY = Toy
"""
SETTINGS = """\
from hitforge.studies.csc_muon.settings import CscMuonSettings

class SETTINGS(CscMuonSettings):
    CODE = {}
"""
YAML = """\
samples:
  train: {role: train, source: simulate, parts: 2, events_per_part: 3000}
  test: {role: test, source: simulate, parts: 1, events_per_part: 3000}
folds: {count: 5}
blocks: 1
run_models: [table]
reference_model: table
evaluation: {bootstraps: 5, rate_reference: table}
models: {table: {kind: table, description: a table of one's own}}
"""


def test_ten_lines_from_simulation_to_report(tmp_path: Path) -> None:
    folder = tmp_path / "studies" / "toy"
    folder.mkdir(parents=True)
    for name, content in (("study.py", STUDY), ("settings.py", SETTINGS), ("toy.yaml", YAML), ("__init__.py", "")):
        (folder / name).write_text(content)
    run = runner(tmp_path)("--config", "studies=toy", HITFORGE_STUDIES=str(tmp_path / "studies"))
    assert run.planned["fit_table"] == 1
    metrics = json.loads((tmp_path / "results/toy/metrics/table.json").read_text())
    rmse = metrics["samples"]["test"]["inverse_pt"]["rmse"]["value"]
    # better than the median for all: the spread of 1/pT is 0.13
    assert 0 < rmse < 0.1
    page = (tmp_path / "results/report/index.html").read_text()
    assert "toy" in page and "a table of one" in page


def test_unknown_study_is_named(tmp_path: Path) -> None:
    run = runner(tmp_path)("-n", "--config", "studies=nothing", check=False)
    assert run.code != 0 and "study 'nothing' is not known; known: calo_muon, csc_muon" in run.output
