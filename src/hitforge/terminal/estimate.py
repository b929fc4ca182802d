"""How long jobs will take: as recorded here, else as measured by us; and how much of a run is left."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from hitforge.terminal.jobs import Job, seconds_of
from hitforge.yaml_files import read_yaml

RATES = Path(__file__).with_name("rates.yaml")
SHORT = 2.0
"""Seconds of a job of a stage that no rate is known of: about its start-up."""


@cache
def built_in_rates() -> dict[str, Any]:
    """Return seconds of start-up by stage, and seconds per event (and epoch) by study, stage and model."""
    return read_yaml(RATES)


class Estimator:
    """Estimates times of jobs in s.

    A job that ran in this folder before takes as long again. Others are scaled by their events, with the rate of the
    same study, stage and model.

    Parameters
    ----------
    benchmarks : Path
        Folder of the engine's benchmark files.
    cores : int
        Jobs side by side.
    """

    def __init__(self, benchmarks: Path, cores: int) -> None:
        self.benchmarks, self.cores = benchmarks, cores
        self.expected: dict[Job, float] = {}
        self.finished = 0.0

    def seconds(self, job: Job) -> float:
        """Return the expected time of a job in s."""
        recorded = seconds_of(job.benchmark) if job.benchmark else None
        if recorded is not None:
            return recorded
        rates = built_in_rates()
        of_stage = rates.get(job.study, {}).get(job.stage, {})
        model = job.what.partition("/")[2].partition("/")[0]
        rate = float(of_stage.get(model, of_stage.get("any", 0.0)))
        return float(rates["start"].get(job.stage, SHORT)) + rate * job.events * job.epochs

    def is_recorded(self, job: Job) -> bool:
        """Whether the job's time was recorded in this folder."""
        return bool(job.benchmark) and seconds_of(job.benchmark) is not None

    def start(self, jobs: Iterable[Job]) -> None:
        """Note the jobs of a run."""
        self.expected = {job: self.seconds(job) for job in jobs}
        self.cores = max(1, min(self.cores, len(self.expected)))

    def together(self, jobs: Iterable[Job]) -> float:
        """Return the expected seconds of all jobs side by side; the stages of a study wait for each other."""
        longest: dict[str, dict[str, float]] = {}
        total = 0.0
        for job in jobs:
            seconds = self.seconds(job)
            total += seconds
            stages = longest.setdefault(job.study, {})
            stages[job.stage] = max(seconds, stages.get(job.stage, 0.0))
        chain = max((sum(stages.values()) for stages in longest.values()), default=0.0)
        return max(total / self.cores, chain)

    def finish(self, job: Job | None, seconds: float) -> None:
        """Note that a job has ended after so many seconds."""
        if job is not None:
            self.finished += self.expected.pop(job, seconds)

    def left(self, elapsed: float) -> float:
        """Return the expected seconds until the end of the run, from its pace so far."""
        waiting = sum(self.expected.values())
        total = waiting + self.finished
        if not total:
            return 0.0
        share = self.finished / total
        by_pace = elapsed * waiting / self.finished if self.finished else 0.0
        # at first the pace says nothing
        return share * by_pace + (1 - share) * waiting / self.cores
