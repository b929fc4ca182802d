"""The plan that ``python -m hitforge check`` takes from the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitforge.cli import main
from hitforge.config import study_files
from hitforge.preflight.cluster import read_cluster
from hitforge.preflight.planned import read_plan
from hitforge.preflight.requests import check_cluster
from tests.unit.preflight.clusters import SMALL, answering
from tests.workflow.running import REPOSITORY

pytestmark = pytest.mark.workflow


def test_demo_of_all_studies_runs_on_small_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    studies = ",".join(sorted(study_files()))
    profile = REPOSITORY / "profiles/slurm"
    plan = read_plan(["--profile", str(profile), "--config", "preset=demo", f"studies={studies}"])
    predict = max((one for one in plan.submissions if one.stage == "predict"), key=lambda one: one.jobs)
    # four at a time of 1000 MB, as the engine adds them up
    assert (predict.jobs, predict.attempts[0].mem_mb, predict.attempts[0].cores) == (4, 4000, 4)
    assert [request.mem_mb for request in predict.attempts] == [4000, 8000, 16000]
    assert predict.attempts[0].job_mem_mb == 1000 and "predict" in predict.rules
    assert plan.simulated_events.keys() == set(study_files())
    assert plan.files > 500 and plan.init_seconds == 20 and plan.status_command == "squeue"
    # 6829 MB, and time enough for the searches of trees
    nodes = SMALL | {"partition": SMALL["partition"].replace("00:30:00", "1-00:00:00")}
    findings = check_cluster(plan, read_cluster(answering(nodes)))
    assert [finding for finding in findings if finding.level == "error"] == []


def test_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check", "--preset", "demo", "--config", "device=cpu"]) == 0
    out = capsys.readouterr().out
    assert "train_member" in out and "this machine" in out and "Errors: 0." in out
    assert list(tmp_path.glob("results")) == []
    assert main(["check", "--preset", "demmo"]) == 2
    assert "presets has: demo" in capsys.readouterr().err
