"""Requests and failures of Slurm jobs by rule, from lines of sacct."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from hitforge.reporting.run_info import read_benchmarks
from hitforge.reporting.slurm_accounting import SlurmUse, summarise

RULES = ("train_member", "build_shards", "make_tables")
# fields: JobID, WorkDir, Comment, ReqMem, TimelimitRaw, MaxRSS, State
LINES = """\
7|/prod|rule_train_member_wildcards_calo_muon_cnn_0|4000M|15||CANCELLED by 0
7.batch|||||148M|CANCELLED
8|/prod|rule_train_member_wildcards_calo_muon_cnn_0|4000Mn|15||COMPLETED
8.batch|||||140M|COMPLETED
8.0|||||2G|COMPLETED
9|/prod|rule_build_shards_build_shards_calo_muon_train_b000|2G|UNLIMITED||RUNNING
10|/elsewhere|rule_make_tables_calo_muon|1G|10||COMPLETED
10.0|||||900M|COMPLETED
11|/prod||1G|10||COMPLETED
""".splitlines()


def test_jobs_of_this_production_are_counted_by_rule() -> None:
    assert summarise(LINES, Path("/prod"), RULES) == {
        "train_member": SlurmUse(jobs=2, failed=1, mem_mb=4000, runtime_min=15, max_rss_mb=2048),
        "build_shards": SlurmUse(jobs=1, failed=0, mem_mb=2048, runtime_min=None, max_rss_mb=None),
    }


def test_costs_show_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train_member").mkdir()
    (tmp_path / "train_member" / "calo_muon.tsv").write_text("s\tmax_rss\tcpu_time\n9.5\t1000\t9\n")
    sacct = tmp_path / "sacct"
    sacct.write_text("#!/bin/sh\ncat <<END\n" + "\n".join(LINES).replace("/prod", str(tmp_path)) + "\nEND\n")
    sacct.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (cost,) = read_benchmarks(tmp_path, ["calo_muon"], tmp_path)
    assert cost.slurm is not None
    assert (cost.slurm.jobs, cost.slurm.failed, cost.slurm.mem_mb, cost.max_rss_mb) == (2, 1, 4000, 2048)


@pytest.mark.parametrize("slurm_ran", [False, True])
def test_silent_accounting_is_no_error_and_a_warning_only_where_slurm_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, slurm_ran: bool
) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    if slurm_ran:
        (tmp_path / ".snakemake/slurm_logs").mkdir(parents=True)
    (tmp_path / "train_member").mkdir()
    (tmp_path / "train_member" / "calo_muon.tsv").write_text("s\tmax_rss\tcpu_time\n9.5\t1000\t9\n")
    (tmp_path / "sacct").write_text("#!/bin/sh\necho slurmdbd is down >&2\nexit 1\n")
    (tmp_path / "sacct").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (cost,) = read_benchmarks(tmp_path, ["calo_muon"], tmp_path)
    assert cost.slurm is None
    warnings = [record.levelname for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == ["WARNING"] * slurm_ran
