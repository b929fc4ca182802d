"""What the Slurm jobs of a production asked for and how they ended, from ``sacct``."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

DAYS = 30
_FIELDS = ("JobID", "WorkDir", "Comment", "ReqMem", "TimelimitRaw", "MaxRSS", "State")
_UNITS_MB = {"K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0**2}


@dataclass
class SlurmUse:
    """The Slurm jobs of one rule; a job that holds several grouped steps asked for all of them together."""

    jobs: int = 0
    failed: int = 0
    """Ended other than completed."""
    mem_mb: float | None = None
    runtime_min: float | None = None
    """With the memory, the largest request of a job."""
    max_rss_mb: float | None = None
    """Largest memory of a step."""


def read_accounting(folder: Path, rules: Collection[str]) -> dict[str, SlurmUse]:
    """Return the use of each rule by the jobs of the last 30 days whose working directory is ``folder``.

    Empty where there is no ``sacct`` or its data base does not answer, which is logged: a report does not fail for it.
    """
    sacct = shutil.which("sacct")
    if sacct is None:
        return {}
    command = [sacct, "--noheader", "--parsable2", f"--starttime=now-{DAYS}days", f"--format={','.join(_FIELDS)}"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        # its commands are also installed where no Slurm runs, and there is nothing to account for
        used = "SLURM_JOB_ID" in os.environ or (folder / ".snakemake/slurm_logs").is_dir()
        log.log(logging.WARNING if used else logging.INFO, "no accounting in the report: %s", error)
        return {}
    return summarise(answer.stdout.splitlines(), folder.resolve(), rules)


def summarise(lines: Iterable[str], folder: Path, rules: Collection[str]) -> dict[str, SlurmUse]:
    """Summarise the lines of ``sacct``, their fields separated by ``|``, by rule.

    The engine's comment is ``rule_`` and the name of the rule or of its group, which begins with a rule's name; the
    longest that fits is taken. Jobs with another working directory than ``folder`` are left out.
    """
    uses: dict[str, SlurmUse] = {}
    rule_of_job: dict[str, str] = {}
    for line in lines:
        job, where, comment, asked, limit, used, state = line.split("|")
        number, _, step = job.partition(".")
        if not step:
            rule = _rule(comment, rules)
            if rule is None or Path(where) != folder:
                continue
            rule_of_job[number] = rule
            use = uses.setdefault(rule, SlurmUse())
            use.jobs += 1
            use.failed += state.split()[0] not in {"COMPLETED", "RUNNING", "PENDING"}
            use.mem_mb = _larger(use.mem_mb, _megabytes(asked))
            use.runtime_min = _larger(use.runtime_min, float(limit) if limit.isdigit() else None)
        elif number in rule_of_job:
            use = uses[rule_of_job[number]]
            use.max_rss_mb = _larger(use.max_rss_mb, _megabytes(used))
    return uses


def _rule(comment: str, rules: Collection[str]) -> str | None:
    name = comment.removeprefix("rule_")
    fitting = [rule for rule in rules if name == rule or name.startswith(f"{rule}_")]
    return max(fitting, key=len) if fitting and name != comment else None


def _megabytes(text: str) -> float | None:
    """Return the MB of ``4000M``, ``16.5G`` or, of older versions, ``4000Mn``."""
    found = re.fullmatch(r"([\d.]+)([KMGT])[nc]?", text)
    return float(found[1]) * _UNITS_MB[found[2]] if found else None


def _larger(a: float | None, b: float | None) -> float | None:
    return max((x for x in (a, b) if x is not None), default=None)
