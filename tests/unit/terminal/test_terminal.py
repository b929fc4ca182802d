"""What a person sees of a run, from the records that the engine logs."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hitforge.cli import main
from hitforge.terminal.estimate import Estimator
from hitforge.terminal.handler import LOG_LINES, Terminal
from hitforge.terminal.jobs import Job, duration, stage_name, what_of

STUDIES = ("calo_muon", "csc_muon")
LOG = "logs/validate/calo_muon/test/b00{}.log"
REMARKS = {"calo_muon": ["samples of two kinds"], "csc_muon": []}
JOBS = [
    Job("validate", "calo_muon", f"calo_muon/test/b00{k}", "", why=("output files have to be generated",))
    for k in range(2)
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return tmp_path


class Run:
    """A terminal that is given records as by the engine."""

    def __init__(self, dry: bool = False) -> None:
        self.stream = io.StringIO()
        self.terminal = Terminal(logging.StreamHandler(self.stream), lambda: JOBS, REMARKS, cores=2, dry=dry)
        self.log("workflow_started")
        self.log("run_info")

    def log(self, event: str | None, message: str | None = None, level: int = logging.INFO, **fields: object) -> None:
        record = logging.LogRecord("engine", level, "", 0, message, (), None)
        vars(record).update(fields, **({"event": event} if event else {}))
        self.terminal.handle(record)

    def begin(self, jobid: int) -> None:
        fields = {"rule_name": f"validate_calo_muon_test_b00{jobid}", "log": [LOG.format(jobid)], "benchmark": None}
        self.log("job_info", jobid=jobid, **fields)

    def fail(self, jobid: int) -> None:
        fields = {"rule_name": f"validate_calo_muon_test_b00{jobid}", "log": [LOG.format(jobid)], "rule_msg": None}
        self.log(
            "error",
            "RuleException:\nCommand 'python x.py' returned non-zero exit status 75",
            logging.ERROR,
            exception="RuleException",
        )
        self.log("job_error", level=logging.ERROR, jobid=jobid, **fields)

    def text(self) -> str:
        self.terminal.close()
        return self.stream.getvalue()


def test_a_job_is_one_line_and_the_engines_chatter_none() -> None:
    run = Run()
    before = len(run.stream.getvalue().splitlines())
    for k in range(2):
        run.begin(k)
        run.log(None, "Select jobs to execute...")
        run.log("job_finished", job_id=k)
        run.log("progress", done=k + 1, total=2)
    lines = run.text().splitlines()[before:]
    assert lines[:2] == [f"[{k + 1}/2] validate         calo_muon/test/b00{k}  0 s" for k in range(2)]
    assert len(lines) == 3 and lines[2].startswith("2 of 2 jobs done in ")


def test_a_failure_shows_exit_status_and_the_end_of_its_log(folder: Path) -> None:
    log = folder / LOG.format(1)
    log.parent.mkdir(parents=True)
    log.write_text("killed, exit status 9\n" + "\n".join(f"line {k}" for k in range(1, LOG_LINES + 5)))
    run = Run()
    run.begin(1)
    run.fail(1)
    run.begin(1)
    run.fail(1)
    text = run.text()
    assert "Failed: validate calo_muon/test/b001 after 0 s, attempt 2" in text
    assert (
        "    its script returned non-zero exit status 75" in text
        and "| killed, exit status 9" in text
        and f"the last {LOG_LINES} of {LOG_LINES + 5} lines" in text
    )
    assert "| line 5\n" in text and "| line 4\n" not in text and f"| line {LOG_LINES + 4}\n" in text
    assert text.splitlines()[-2:] == [
        "0 of 2 jobs done in 0 s",
        f"Failed: validate calo_muon/test/b001: {LOG.format(1)}",
    ]


def test_a_job_that_succeeds_at_last_has_not_failed() -> None:
    run = Run()
    run.begin(0)
    run.fail(0)
    run.begin(0)
    run.log("job_finished", job_id=0)
    assert run.text().splitlines()[-1].startswith("1 of 2 jobs done")


def test_warnings_and_errors_of_the_engine_are_shown() -> None:
    run = Run()
    run.log(None, "disk is nearly full", logging.WARNING)
    run.log("error", "MissingInputException in rule x", logging.ERROR, exception="MissingInputException")
    assert "disk is nearly full" in run.text() and "MissingInputException in rule x" in run.text()


def test_a_dry_run_is_the_plan_alone() -> None:
    run = Run(dry=True)
    run.begin(0)
    run.log("run_info")
    text = run.text()
    assert text.count("Note: calo_muon: samples of two kinds") == 1
    assert text.count("Plan") == 1 and re.search(r" new *\n", text) and "b000" not in text and "jobs done" not in text


def test_another_terminal_sees_how_far_the_run_is(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".snakemake").mkdir()
    run = Run()
    monkeypatch.setattr(run.terminal.estimator, "left", lambda elapsed: 3630.0)
    run.begin(0)
    run.log("job_finished", job_id=0)
    run.begin(1)
    assert main(["status"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Last run: 1 of 2 jobs done, running for 0 s, about 1 h left" in shown
    assert "calo_muon validate 1 2" in shown and "validate calo_muon/test/b001 0 s" in shown
    run.fail(1)
    run.terminal.close()
    assert main(["status"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Last run: 1 of 2 jobs done, ended, 1 failed" in shown


def test_a_job_that_ran_here_is_expected_to_take_as_long_again(folder: Path) -> None:
    (folder / "b.tsv").write_text("s\th:m:s\n120.0\t0:02:00\n")
    recorded = Job("predict", "calo_muon", "calo_muon/cnn/test/b000", "b.tsv", events=1)
    estimator = Estimator(Path("benchmarks"), cores=2)
    assert estimator.seconds(recorded) == 120
    # another one by its events: twice as many, twice as long above the start-up
    small, large = (Job("predict", "calo_muon", "calo_muon/cnn/test/b001", "", events=n) for n in (10**6, 2 * 10**6))
    start = estimator.seconds(Job("predict", "calo_muon", "calo_muon/cnn/test/b001", ""))
    assert estimator.seconds(large) - start == pytest.approx(2 * (estimator.seconds(small) - start)) and start > 0


def test_many_side_by_side_still_wait_for_the_stages_before_them() -> None:
    def job(stage: str, k: int) -> Job:
        return Job(stage, "calo_muon", f"calo_muon/test/b00{k}", "")

    jobs = [job(stage, k) for stage in ("validate", "predict") for k in range(4)]
    one, many = (Estimator(Path("benchmarks"), cores) for cores in (1, 100))
    assert one.together(jobs) == pytest.approx(4 * (one.seconds(jobs[0]) + one.seconds(jobs[4])))
    assert many.together(jobs) == pytest.approx(one.seconds(jobs[0]) + one.seconds(jobs[4]))


def test_time_left_follows_the_pace() -> None:
    estimator = Estimator(Path("benchmarks"), cores=2)
    estimator.start(JOBS)
    each = estimator.seconds(JOBS[0])
    assert estimator.left(0.0) == pytest.approx(each)  # two, side by side
    estimator.finish(JOBS[0], 100.0)
    assert estimator.left(100.0) == pytest.approx(0.5 * 100 + 0.5 * each / 2)
    estimator.finish(JOBS[1], 100.0)
    assert estimator.left(200.0) == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4.4, "4 s"), (59.7, "1 min"), (200, "3 min 20 s"), (3599.6, "1 h"), (7500, "2 h 5 min"), (273600, "3 d 4 h")],
)
def test_durations_are_said_as_people_do(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_names_of_jobs_hold_no_rule_of_a_block() -> None:
    assert stage_name("validate_csc_muon_train_b007", STUDIES) == "validate"
    assert stage_name("make_report_calo_muon", STUDIES) == "make_report"
    assert stage_name("apply_b012", STUDIES) == "apply"
    assert (
        what_of("logs/predict/calo_muon/cnn/rotation_1/test/b000.log", "predict")
        == "calo_muon/cnn/rotation_1/test/b000"
    )
    assert what_of("logs/make_report_calo_muon.log", "make_report") == "calo_muon"
    assert what_of("logs/make_report.log", "make_report") == ""


def test_a_job_beside_the_engine_leaves_the_terminal_to_it(folder: Path) -> None:
    from hitforge.logs import shares_stderr_with

    code = "from hitforge.logs import start_log, log; start_log('job.log'); log.info('a line')"
    for environment, shown in (({}, True), ("same", False)):
        with Path("stderr").open("w") as stderr:
            told = shares_stderr_with(stderr) if environment == "same" else {}
            subprocess.run([sys.executable, "-c", code], stderr=stderr, env={**os.environ, **told}, check=True)
        assert ("a line" in Path("stderr").read_text()) == shown
        assert "a line" in Path("job.log").read_text()
