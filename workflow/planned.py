"""What the engine would submit, as JSON: ``python workflow/planned.py plan.json <arguments of snakemake>``.

``python -m hitforge check`` runs this in a process of its own, because the package never imports the engine. Everything
up to the first submission is the engine's own dry run, so profile, groups, threads and memory are what a real run has.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from snakemake import cli
from snakemake import workflow as engine
from snakemake.jobs import Job
from snakemake.resources import GroupResources
from snakemake.workflow import Workflow

# memory no longer grows after the third attempt (rules/common.smk)
ATTEMPTS = 3
PLANNED: list[Workflow] = []


class Planner:
    """Stands where the engine puts its scheduler, and submits nothing."""

    def __init__(self, workflow: Workflow, *_: Any) -> None:
        PLANNED.append(workflow)

    def schedule(self) -> bool:
        """Say that all is done."""
        return True


def main(out: Path, arguments: list[str]) -> int:
    """Write the plan to ``out``; 1 if the engine cannot plan, which it has said then."""
    parser, args = cli.parse_args([*arguments, "--dry-run", "--quiet", "all"])
    remote = args.executor not in (None, "local")
    engine.JobScheduler = Planner
    if not cli.args_to_api(args, parser):
        return 1
    plan = {
        "executor": args.executor or "local",
        "cores": args.cores,
        "status_command": args.slurm_status_command if args.executor == "slurm" else None,
        "init_seconds": args.slurm_init_seconds_before_status_checks if args.executor == "slurm" else None,
        "device": "auto",
        "remarks": [],
        "submissions": [],
        "volume": {"files": 0, "simulated": {}, "read_bytes": {}},
    }
    for workflow in PLANNED:
        jobs = [job for job in workflow.dag.needrun_jobs() if not job.is_norun]
        plan["device"] = workflow.globals["config"]["device"]
        plan["remarks"] = [
            (study, word) for study in workflow.globals["CHOSEN"] for word in workflow.globals["REMARKS"][study]
        ]
        plan["submissions"] = list(submissions(workflow, jobs, remote, args.retries or 0))
        plan["volume"] = volume(jobs)
    out.write_text(json.dumps(plan, indent=1))
    return 0


def submissions(workflow: Workflow, jobs: Iterable[Job], remote: bool, retries: int) -> Iterator[dict[str, Any]]:
    """Yield what is submitted, the same requests counted together, with what each attempt asks for."""
    bundles: dict[int, list[Job]] = {}
    groups = {}
    for job in jobs:
        # to a dry run every rule is local
        if remote and job.rule.name in workflow._localrules:
            continue
        group = workflow.dag.get_job_group(job) if remote else None
        bundles.setdefault(id(group or job), []).append(job)
        groups[id(group or job)] = group
    from hitforge.terminal.jobs import stage_name  # found once the workflow has been read

    counted: Counter[str] = Counter()
    rules: dict[str, set[str]] = {}
    for key, members in bundles.items():
        group = groups[key]
        restarts = max(job.restart_times if job.restart_times is not None else retries for job in members)
        attempts = []
        for attempt in range(1, min(restarts + 1, ATTEMPTS) + 1):
            for job in members:
                job.attempt = attempt
            asked = members[0].resources if group is None else grouped(workflow, group)
            largest = {
                f"job_{name}": max(job.resources.get(name, 0) for job in members) for name in ("mem_mb", "runtime")
            }
            attempts.append({name: value for name, value in asked.items() if isinstance(value, int | str)} | largest)
        name = stage_name(members[0].rule.name, workflow.globals["STUDIES"]) if group is None else group.groupid
        entry = {"stage": name, "grouped": group is not None, "jobs": len(members), "attempts": attempts}
        request = json.dumps(entry, sort_keys=True)
        counted[request] += 1
        rules.setdefault(request, set()).update(job.rule.name for job in members)
    for request, count in counted.items():
        yield {**json.loads(request), "count": count, "rules": sorted(rules[request])}


def grouped(workflow: Workflow, group: Any) -> dict[str, Any]:
    """Return what a group asks of the scheduler, as the engine computes it where it submits."""
    return dict(
        GroupResources.basic_layered(
            toposorted_jobs=group.toposorted, constraints=workflow.global_resources, run_local=False
        )
    )


def volume(jobs: Iterable[Job]) -> dict[str, Any]:
    """Return how many files the jobs make and, by study, events to simulate and bytes to build shards from."""
    files = 0
    simulated: Counter[str] = Counter()
    read_bytes: Counter[str] = Counter()
    for job in jobs:
        # each output has a record under .snakemake/metadata
        files += 2 * len(job.output) + len(job.log) + (job.benchmark is not None)
        if job.rule.name.startswith("simulate_"):
            simulated[job.params.study] += len(job.params.indices) * job.params.sample["events_per_part"]
        elif job.rule.name.startswith("build_shards_"):
            there = [Path(path) for path in job.input.parts if Path(path).exists()]
            read_bytes[job.params.study] += sum(path.stat().st_size for path in there)
    return {"files": files, "simulated": dict(simulated), "read_bytes": dict(read_bytes)}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
