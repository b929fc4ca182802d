"""One job at the Python prompt is the job that the engine runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.running import REPOSITORY

pytestmark = pytest.mark.workflow


def _prompt(folder: Path, *lines: str) -> subprocess.CompletedProcess[str]:
    """Run lines of Python in the folder of a production; the engine's logging stays out of this process."""
    path = os.pathsep.join(map(str, (REPOSITORY, REPOSITORY / "src")))
    return subprocess.run(
        [sys.executable, "-c", "\n".join(["from workflow.debugging import job_of", *lines])],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
        capture_output=True,
        check=False,
    )


def test_the_script_of_a_job_runs_by_hand_and_writes_the_same(production: Path) -> None:
    metrics = production / "results/calo_muon/metrics/bdt.json"
    before = metrics.read_bytes()
    metrics.unlink()
    shutil.rmtree(production / "logs")
    done = _prompt(
        production,
        "import runpy",
        "snakemake = job_of('evaluate', study='calo_muon', model='bdt', configfiles=['tiny.yaml'])",
        "assert job_of(snakemake.output[0], configfiles=['tiny.yaml']).params.code == snakemake.params.code",
        f"runpy.run_path({str(REPOSITORY / 'workflow/scripts/evaluate.py')!r}, {{'snakemake': snakemake}})",
    )
    assert done.returncode == 0, done.stderr
    assert metrics.read_bytes() == before


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("'evaluate', model='bdt'", "rule evaluate: its wildcards are model, study, not model"),
        ("'evaluate', study='calo_muon', model='bdtt'", "rule evaluate makes no results/calo_muon/metrics/bdtt.json"),
        ("'results/calo_muon/nothing'", "results/calo_muon/nothing is neither a rule nor a file that a rule makes"),
    ],
)
def test_a_job_that_is_not_there_is_named(tmp_path: Path, call: str, error: str) -> None:
    done = _prompt(tmp_path, f"job_of({call})")
    assert done.returncode == 1 and f"ValueError: {error}" in done.stderr
