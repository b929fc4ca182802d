"""What a cluster can never run is said before it is submitted."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hitforge.preflight.cluster import gpus_of, minutes_of, read_cluster
from hitforge.preflight.findings import Finding, exit_code
from hitforge.preflight.planned import Plan, Request, Submission
from hitforge.preflight.requests import check_cluster, fitting
from tests.unit.preflight.clusters import LARGE, SMALL, answering, config, plan, request, submission


def found(plan: Plan, recorded: Mapping[str, str]) -> list[Finding]:
    """Return the findings for a plan on a recorded cluster."""
    return list(check_cluster(plan, read_cluster(answering(recorded))))


def test_what_fits_is_no_finding() -> None:
    assert found(plan(submission()), SMALL) == []
    cluster = read_cluster(answering(SMALL))
    assert fitting(submission(), cluster) == "2 of 2 nodes"


def test_group_that_is_larger_than_the_nodes_is_an_error_and_says_how_many_fit() -> None:
    group = submission(request(mem_mb=8000, cores=4, job_mem_mb=2000), stage="predict", jobs=4)
    (finding,) = found(plan(group), SMALL)
    assert finding.level == "error" and finding.about == "predict"
    assert "a group of 4 jobs asks for 8000 MB, the largest node of cpu has 6829" in finding.problem
    assert "group-components: predict=3" in finding.fix and "resources: [mem_mb=6829]" in finding.fix
    assert exit_code([finding]) == 1
    assert fitting(group, read_cluster(answering(SMALL))) == "0 of 2 nodes"


def test_later_attempts_that_do_not_fit_are_one_warning() -> None:
    growing = [request(mem_mb=4000), request(mem_mb=8000), request(mem_mb=16000)]
    jobs = [submission(*growing, stage=stage) for stage in ("a", "b", "c", "compare_models")]
    (finding,) = found(plan(*jobs, submission(*growing[:1])), SMALL)
    assert (finding.level, finding.about) == ("warning", "retries")
    assert (
        "a, b, c and 1 more" in finding.problem
        and "up to 16000 MB, the largest node of cpu has 6829" in finding.problem
    )
    assert finding.fix == "profile: resources: [mem_mb=6829], above which nothing asks"
    assert exit_code([finding]) == 0
    # with that, fewer jobs of a group run side by side, for longer
    group = submission(request(minutes=30), request(minutes=60), stage="predict", jobs=4)
    (finding,) = found(plan(group), SMALL)
    assert "predict: after failures a job asks for up to 60 minutes, the limit of cpu is 30" in finding.problem


@pytest.mark.parametrize(
    ("asked", "about", "problem", "fix"),
    [
        (request(minutes=600, partition="gpu", gpus=1), "evaluate", "600 minutes, the limit of gpu is", "runtime: 15"),
        (request(cores=8), "evaluate", "8 cores, the largest node of cpu has 4", "set-threads: evaluate=4"),
        (request(gpus=1), "evaluate", "1 GPUs, the best node of cpu has 0", "slurm_partition"),
        (request(gpus=4, partition="gpu"), "evaluate", "4 GPUs, the best node of gpu has 2", "slurm_partition"),
        (request(gpus=1, gpu_model="a100", partition="gpu"), "evaluate", "of type a100, the best", "slurm_partition"),
        (request(mem_mb=9000), "evaluate", "9000 MB", "resources: [mem_mb=6829]"),
        (request(partition="normal"), "partition", "there is no partition 'normal'", "one of cpu, gpu"),
        (request(account="hep"), "account", "'hep' is no account of yours", "slurm_account: test"),
    ],
)  # fmt: skip
def test_job_that_never_runs_is_an_error_with_its_fix(asked: Request, about: str, problem: str, fix: str) -> None:
    (finding,) = found(plan(submission(asked)), SMALL)
    assert (finding.level, finding.about) == ("error", about)
    assert problem in finding.problem and fix in finding.fix


def test_time_of_a_group_is_shortened_by_fewer_jobs_unless_one_is_too_long() -> None:
    short, long = request(minutes=40, cores=4, job_minutes=10), request(minutes=80, cores=4, job_minutes=40)
    (finding,) = found(plan(submission(short, stage="predict", jobs=16)), SMALL)
    assert "group-components: predict=12" in finding.fix
    (finding,) = found(plan(submission(long, stage="predict", jobs=8)), SMALL)
    assert "runtime: 30" in finding.fix


def test_example_account_of_the_profile_is_named_once() -> None:
    jobs = [submission(request(account="test", partition=None), stage=stage) for stage in ("predict", "evaluate")]
    (finding,) = found(plan(*jobs), LARGE)
    assert finding.level == "error" and "'test', the example of the profile, is no account of yours" in finding.problem
    assert finding.fix == "profile: slurm_account: hep, hep_students"
    (*silent, warning) = found(plan(*jobs), {name: LARGE[name] for name in ("partition", "sinfo", "config")})
    assert [finding.level for finding in silent] == ["not checked"]
    assert warning.level == "warning" and "test is the example" in warning.problem


def job(**changes: object) -> Submission:
    """Return a job of the account hep."""
    return submission(request(**{"account": "hep", **changes}))


def test_limits_of_partitions_count_as_well_as_their_nodes() -> None:
    assert found(plan(job(partition="a100", gpus=4, gpu_model="a100", mem_mb=500_000, minutes=2880)), LARGE) == []
    (finding,) = found(plan(job(partition="v100", mem_mb=300_000, minutes=10**6)), LARGE)
    assert "the largest node of v100 has 180000" in finding.problem
    (finding,) = found(plan(job(partition="a100", account="hep_students")), LARGE)
    assert finding.level == "error" and "closed to account 'hep_students'" in finding.problem
    (finding,) = found(plan(job(partition="old")), LARGE)
    assert "old is INACTIVE" in finding.problem


def test_one_of_several_partitions_is_enough() -> None:
    assert found(plan(submission(request(minutes=20, partition="gpu,cpu"))), SMALL) == []
    (finding,) = found(plan(submission(request(minutes=60, partition="gpu,cpu"))), SMALL)
    assert "60 minutes, the limit of gpu is 15" in finding.problem


def test_nodes_that_are_out_of_order_are_a_warning() -> None:
    (finding,) = found(plan(job(partition=None, cores=100)), LARGE)
    assert finding.level == "warning" and "out of order now (down)" in finding.problem
    assert found(plan(job(partition=None, cores=64)), LARGE) == []


def test_no_node_has_everything_together() -> None:
    nodes = "c1|c1|cpu|32|4000|(null)|idle\nc2|c2|cpu|2|64000|(null)|idle\n"
    (finding,) = found(plan(submission(request(cores=16, mem_mb=32000))), {**SMALL, "sinfo": nodes})
    assert finding.level == "error" and "no node of cpu has all" in finding.problem


@pytest.mark.parametrize(
    ("age", "accounting", "level"), [(300, True, None), (100, True, "warning"), (30, False, "error")]
)
def test_scheduler_that_forgets_jobs_early(age: int, accounting: bool, level: str | None) -> None:
    recorded = {name: text for name, text in SMALL.items() if accounting or name != "sacctmgr"}
    quiet = submission(request(account=None))
    levels = [f.level for f in found(plan(quiet), {**recorded, "config": config(age)}) if "squeue forgets" in f.problem]
    assert levels == ([level] if level else [])


def test_cluster_that_does_not_answer_is_said_and_passed_over() -> None:
    findings = found(plan(submission(request(mem_mb=10**6))), {})
    assert [(f.level, f.problem) for f in findings if f.level != "warning"] == [
        ("not checked", "scontrol is not on the PATH"),
        ("not checked", "sacctmgr is not on the PATH"),
    ]
    assert exit_code(findings) == 0


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("00:30:00", 30), ("2-00:00:00", 2880), ("1-12", 2160), ("45", 45), ("90:30", 90.5), ("UNLIMITED", None)],
)
def test_time_limits_are_read(text: str, minutes: float | None) -> None:
    assert minutes_of(text) == minutes


def test_gpus_are_read() -> None:
    assert gpus_of("gpu:a100:4(S:0-1),gpu:2,shard:8") == {"a100": 4, "": 2}
    assert gpus_of("gpu:3g.20gb:2,gpu") == {"3g.20gb": 2, "": 1}
    assert gpus_of("(null)") == {}
