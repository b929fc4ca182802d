"""What a check found, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hitforge.preflight.planned import Plan

Level = Literal["error", "warning", "not checked"]
_COLOURS: dict[Level, str] = {"error": "bold red", "warning": "yellow", "not checked": "dim"}


@dataclass(frozen=True)
class Finding:
    """Something that will not work, or may not.

    Attributes
    ----------
    level : str
        ``error``: it can never run, or waits for ever. ``warning``: it may fail. ``not checked``: nobody answered.
    about : str
        Stage, or part of the machine.
    problem, fix : str
        Sentences for the user.
    """

    level: Level
    about: str
    problem: str
    fix: str


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 1 if anything can never run, else 0."""
    return int(any(finding.level == "error" for finding in findings))


def shown(plan: Plan, findings: Sequence[Finding], fitting: Sequence[str]) -> RenderableType:
    """Return the plan's requests with where they fit, and the findings, errors first.

    Parameters
    ----------
    fitting : sequence of str
        One word for each of ``plan.submissions``: how many nodes could run it.
    """
    parts: list[RenderableType] = [_requests(plan, fitting)] if plan.submissions else [Text("Nothing is to be done.")]
    order = list(_COLOURS)
    if findings:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for finding in sorted(findings, key=lambda finding: order.index(finding.level)):
            words = Text(f"{finding.problem}. ").append(f"Fix: {finding.fix}." if finding.fix else "", style="italic")
            table.add_row(Text(finding.level, style=_COLOURS[finding.level]), finding.about, words)
        parts += [Text(""), table]
    counts = [sum(finding.level == level for finding in findings) for level in ("error", "warning")]
    return Group(*parts, Text("\nErrors: {}. Warnings: {}.".format(*counts)))


def _requests(plan: Plan, fitting: Sequence[str]) -> Table:
    remote = plan.executor == "slurm"
    n_jobs = sum(submission.jobs * submission.count for submission in plan.submissions)
    n_submitted = sum(submission.count for submission in plan.submissions)
    title = f"{n_jobs} jobs to do" + (f", as {n_submitted} Slurm jobs" if remote else "")
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("stage", "times", "jobs each", "memory, MB", "minutes", "cores", "GPUs", "partition", "fits on"):
        table.add_column(column, justify="left" if column in ("stage", "partition", "fits on") else "right")
    for submission, fits in zip(plan.submissions, fitting, strict=True):
        first = submission.attempts[0]
        cells = (submission.count, submission.jobs, first.mem_mb, first.minutes, first.cores, first.gpus or "-")
        table.add_row(submission.stage, *map(str, cells), first.partition or "-", fits)
    return table
