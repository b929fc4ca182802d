"""The plan of a run as one table: stages, jobs, GPU jobs, hours, bytes and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hitforge.preflight.place import EVENT_BYTES, MEGABYTE
from hitforge.terminal.estimate import Estimator
from hitforge.terminal.jobs import Job, duration

# the engine's words for a reason, the one that says most first, and ours
WHY = {
    "forced": "forced",
    "output files have to be generated": "new",
    "incomplete output files": "interrupted",
    "params have changed since last execution": "settings or code",
    "code has changed since last execution": "script",
    "set of input files has changed since last execution": "other inputs",
    "updated input files": "newer inputs",
    "input files updated by another job": "inputs remade",
}
_WRITES = {"simulate": 0, "build_shards": 1}


def plan_table(jobs: Sequence[Job], estimator: Estimator) -> RenderableType:
    """Return the table of the jobs to be done, by study and stage in the order of the work."""
    if not jobs:
        return Text("Nothing to be done.")
    several = len({job.study for job in jobs if job.study}) > 1
    table = Table(title="Plan", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in (*(("study",) if several else ()), "stage"):
        table.add_column(column, no_wrap=True)
    for column in ("jobs", "GPU jobs", "time", "data"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("why")
    rows: dict[tuple[str, str], list[Job]] = {}
    for job in sorted(jobs, key=lambda job: job.study or "~") if several else jobs:
        rows.setdefault((job.study if several else "", job.stage), []).append(job)
    before = None
    for (study, stage), members in rows.items():
        first = () if not several else ("",) if study == before else (study or "all",)
        before = study
        table.add_row(*first, stage, *_numbers(members, estimator), _why(members))
    table.add_section()
    recorded = sum(estimator.is_recorded(job) for job in jobs)
    table.add_row(*(("",) if several else ()), "total", *_numbers(jobs, estimator), "", style="bold")
    how = "one job at a time" if estimator.cores == 1 else f"{estimator.cores} jobs side by side"
    together = Text(f"About {duration(estimator.together(jobs))} with {how}.", style="bold")
    known = f"Times: {recorded} of {len(jobs)} recorded in {estimator.benchmarks}/, others at the rate of a CPU core."
    return Group(table, together, Text(known, style="dim"))


def _numbers(jobs: Sequence[Job], estimator: Estimator) -> tuple[str, ...]:
    gpus = sum(job.gpus > 0 for job in jobs)
    written = sum(written_bytes(job) for job in jobs)
    size = f"{written / MEGABYTE:,.0f} MB" if written < 1e10 else f"{written / 1e9:,.0f} GB"
    time = duration(sum(map(estimator.seconds, jobs)))
    return str(len(jobs)), str(gpus or "-"), time, size if written >= MEGABYTE / 2 else "-"


def written_bytes(job: Job) -> float:
    """Return the bytes of the parts or shards that a job writes; 0 for other stages, which write little."""
    if job.stage not in _WRITES:
        return 0.0
    largest = max(EVENT_BYTES.values())
    return float(job.events * EVENT_BYTES.get(job.study, largest)[_WRITES[job.stage]])


def _why(jobs: Sequence[Job]) -> str:
    """Return the reasons with their numbers of jobs, the most frequent first."""
    order = list(WHY)
    reasons: Counter[str] = Counter()
    for job in jobs:
        known = sorted((word for word in job.why if word in WHY), key=order.index)
        reasons[WHY[known[0]] if known else next(iter(job.why), "")] += 1
    if len(reasons) == 1:
        return next(iter(reasons))
    return ", ".join(f"{reason} {n}" for reason, n in reasons.most_common() if reason)
