"""Ending a training early but in good order: the wall clock and SIGTERM."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import FrameType

log = logging.getLogger(__name__)

EXIT_OUT_OF_TIME = 75  # EX_TEMPFAIL of sysexits.h: try again
EXIT_TERMINATED = 128 + signal.SIGTERM

MARGIN_MINUTES = 2.0


class Interrupted(Exception):
    """The training stopped with a checkpoint; running the same command again continues it."""

    exit_code = 1


class OutOfTime(Interrupted):
    """The wall-clock limit is near."""

    exit_code = EXIT_OUT_OF_TIME


class Terminated(Interrupted):
    """SIGTERM arrived: cancelled or preempted."""

    exit_code = EXIT_TERMINATED


@dataclass(frozen=True)
class JobLimits:
    """What the job may take; nothing here changes the result.

    Attributes
    ----------
    runtime_minutes : float or None
        Wall-clock limit of the job.
    margin_minutes : float
        Time kept free before the limit, at most a tenth of it.
    started : float or None
        ``time.monotonic()`` at the start of the job; the start of the training if None.
    """

    runtime_minutes: float | None = None
    margin_minutes: float = MARGIN_MINUTES
    started: float | None = None


def slurm_job_started() -> float | None:
    """Return ``time.monotonic()`` at the start of this Slurm job: the engine's own start in it can take half a minute.

    None outside a job, and where squeue does not tell.
    """
    job, squeue = os.environ.get("SLURM_JOB_ID"), shutil.which("squeue")
    if job is None or squeue is None:
        return None
    try:
        question = [squeue, "--noheader", f"--jobs={job}", "--format=%S"]
        answer = subprocess.run(question, capture_output=True, text=True, check=True, timeout=60)
        age = (datetime.now() - datetime.fromisoformat(answer.stdout.strip())).total_seconds()
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, ValueError) as error:
        log.warning("squeue does not tell when job %s started (%s): its clock starts now", job, error)
        return None
    return time.monotonic() - age


class Watch:
    """Knows when to stop: near the limit, or when SIGTERM came."""

    def __init__(self, limits: JobLimits) -> None:
        self.runtime_minutes = limits.runtime_minutes
        self.terminated = False
        self._deadline = float("inf")
        if limits.runtime_minutes is not None:
            started = time.monotonic() if limits.started is None else limits.started
            margin = min(limits.margin_minutes, 0.1 * limits.runtime_minutes)
            self._deadline = started + 60 * (limits.runtime_minutes - margin)

    def check(self, needed_seconds: float) -> None:
        """Raise if SIGTERM came, or if the next ``needed_seconds`` would not fit before the limit."""
        if self.terminated:
            raise Terminated("SIGTERM received")
        if time.monotonic() + needed_seconds > self._deadline:
            raise OutOfTime(f"the wall-clock limit of {self.runtime_minutes:g} minutes is near")

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note SIGTERM instead of dying of it, in the main thread; elsewhere signals cannot be caught."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(_signal: int, _frame: FrameType | None) -> None:
            self.terminated = True

        before = signal.signal(signal.SIGTERM, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)
