"""The plan of the workflow engine: what it would submit, and what each submission asks for.

The engine answers in a process of its own (``workflow/planned.py``), because the package never imports it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hitforge.preflight.cluster import gpus_of
from hitforge.yaml_files import ConfigError

REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Request:
    """What one attempt of a submission asks the scheduler for; None: nothing is said.

    ``job_mem_mb`` and ``job_minutes`` are those of its largest job alone.
    """

    mem_mb: int | None
    minutes: int | None
    cores: int
    gpus: int
    gpu_model: str | None
    partition: str | None
    account: str | None
    job_mem_mb: int
    job_minutes: int


@dataclass(frozen=True)
class Submission:
    """Jobs that are submitted as one, alone or grouped.

    Attributes
    ----------
    stage : str
        Rule without study, sample and block, or the name of the group.
    rules : tuple of str
        Rules of its jobs, as the profile names them.
    grouped : bool
        Whether it is a group.
    jobs : int
        Jobs in each.
    count : int
        How many such submissions there are.
    attempts : tuple of Request
        The first attempt, then those after failures.
    """

    stage: str
    rules: tuple[str, ...]
    grouped: bool
    jobs: int
    count: int
    attempts: tuple[Request, ...]


@dataclass(frozen=True)
class Plan:
    """What would be run.

    Attributes
    ----------
    executor : str
        ``local`` or a plugin's name, here ``slurm``.
    cores : int
        Of the profile: jobs side by side on one machine, or in one group.
    status_command : str or None
        How the engine asks after its jobs, ``squeue`` or ``sacct``.
    init_seconds : int
        Until it asks for the first time.
    device : str
        Where networks are to train.
    files : int
        Files that the plan makes, with the engine's own.
    simulated_events, read_bytes : mapping
        By study: events to simulate, and size of the parts that are there and of which shards are built.
    remarks : tuple of (study, sentence)
        What may be a mistake in the configuration.
    """

    executor: str
    cores: int
    status_command: str | None
    init_seconds: int
    device: str
    submissions: tuple[Submission, ...]
    files: int
    simulated_events: Mapping[str, int]
    read_bytes: Mapping[str, int]
    remarks: tuple[tuple[str, str], ...] = ()


def read_plan(arguments: Sequence[str]) -> Plan:
    """Return the plan of ``snakemake`` with these arguments in this folder.

    Raises
    ------
    ConfigError
        The engine cannot plan; in its words.
    """
    snakefile = next((path for path in (Path("Snakefile"), Path("workflow/Snakefile")) if path.exists()), None)
    planner = REPOSITORY / "workflow/planned.py"
    if not planner.is_file():
        raise ConfigError(f"{planner} is not there: check needs the repository, which an installed package is without")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "plan.json"
        command = [sys.executable, str(planner), str(out)]
        command += ["--snakefile", str(snakefile or REPOSITORY / "Snakefile"), *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if not out.exists():
            raise ConfigError(f"the workflow cannot be planned:\n{done.stdout.strip()[-3000:]}")
        return plan_of(json.loads(out.read_text(encoding="utf-8")))


def plan_of(raw: Mapping[str, Any]) -> Plan:
    """Return the plan that ``workflow/planned.py`` wrote."""
    submissions = [
        Submission(
            stage=entry["stage"],
            rules=tuple(entry["rules"]),
            grouped=entry["grouped"],
            jobs=entry["jobs"],
            count=entry["count"],
            attempts=tuple(map(_request, entry["attempts"])),
        )
        for entry in raw["submissions"]
    ]
    return Plan(
        executor=raw["executor"],
        cores=raw["cores"],
        status_command=raw["status_command"],
        init_seconds=raw["init_seconds"] or 0,
        device=raw["device"],
        submissions=tuple(sorted(submissions, key=lambda submission: submission.stage)),
        files=raw["volume"]["files"],
        simulated_events=raw["volume"]["simulated"],
        read_bytes=raw["volume"]["read_bytes"],
        remarks=tuple((study, remark) for study, remark in raw["remarks"]),
    )


def _request(asked: Mapping[str, Any]) -> Request:
    by_gres = gpus_of(str(asked.get("gres", "")))
    account = asked.get("slurm_account")
    return Request(
        mem_mb=asked["mem_mb_per_cpu"] * asked["_cores"] if "mem_mb_per_cpu" in asked else asked.get("mem_mb"),
        minutes=asked.get("runtime"),
        cores=asked.get("cpus_per_task", asked["_cores"]),
        gpus=max(int(asked.get("gpu", 1 if asked.get("gpu_model") else 0)), sum(by_gres.values())),
        gpu_model=asked.get("gpu_model") or next(iter(by_gres), None) or None,
        partition=str(asked["slurm_partition"]) if asked.get("slurm_partition") else None,
        account=str(account) if account else None,
        job_mem_mb=asked["job_mem_mb"],
        job_minutes=asked["job_runtime"],
    )
