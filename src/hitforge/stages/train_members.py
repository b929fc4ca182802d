"""Stage train-members: several networks of an ensemble side by side in one job, each in a process of its own.

One network keeps a large GPU busy for part of the time only. Its processes share the card; the driver's multi-process
service, where the site runs it, lets their kernels overlap. Each training is the one that a job of its own would do.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from hitforge.logs import start_log
from hitforge.settings_base import Settings
from hitforge.stages.train_member import TrainingFolds, train_member_of
from hitforge.studies.base import load_study
from hitforge.training.checkpoint import discard_checkpoint
from hitforge.training.device import DeviceChoice
from hitforge.training.interruption import Interrupted, JobLimits, OutOfTime, Terminated

log = logging.getLogger(__name__)

COMMAND = [sys.executable, "-m", "hitforge.stages.train_members"]


class MemberFailed(RuntimeError):
    """A training beside others ended with an error; the others have ended in good order."""


class MemberJob(Settings):
    """What the process of a member is told: arguments of ``load_study`` and ``train_member_of``, and its log."""

    study: str
    settings: dict[str, Any]
    beside: dict[str, Any]
    fit: str
    member: int
    shards: tuple[Path, ...]
    scaling: Path
    folds: TrainingFolds
    seed: int
    device: DeviceChoice
    checkpoint: Path
    out: Path
    config_hash: str
    runtime_minutes: float | None = None
    started: float | None = None
    code: str = ""
    log: Path | None = None


def train_members(jobs: Sequence[MemberJob]) -> None:
    """Train the members side by side, or continue their trainings, and write weights and histories of all.

    Every member goes on to its end whatever becomes of the others. Checkpoints stay until all have finished: the engine
    removes the files of a job that failed, and a finished training is written again from its checkpoint at once.
    MemberFailed names the members and their logs; after OutOfTime and Terminated, in good order, the same call
    continues.
    """
    with _running(jobs) as processes:
        # one that was told to end before it could listen has nothing to save
        codes = [Terminated.exit_code if code == -signal.SIGTERM else code for code in (p.wait() for p in processes)]
    stopped: dict[int, type[Interrupted]] = {kind.exit_code: kind for kind in (Terminated, OutOfTime)}
    failed = [job for job, code in zip(jobs, codes, strict=True) if code and code not in stopped]
    if failed:
        logs = ", ".join(f"member {job.member} ({job.log or 'see above'})" for job in failed)
        raise MemberFailed(
            f"{jobs[0].fit}: {len(failed)} of {len(jobs)} members trained side by side failed: {logs}; the others have "
            "ended in good order, and the next attempt continues from the checkpoints"
        )
    for code, kind in stopped.items():
        if code in codes:
            raise kind(f"{codes.count(code)} of {len(jobs)} members stopped with a checkpoint")
    for job in jobs:
        discard_checkpoint(job.checkpoint)


@contextmanager
def _running(jobs: Sequence[MemberJob]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start a process for each job; a SIGTERM is passed on to all of them, and none is left behind."""
    processes: list[subprocess.Popen[bytes]] = []
    terminated = False

    def pass_on(_signal: int, _frame: FrameType | None) -> None:
        nonlocal terminated
        terminated = True
        for process in processes:
            process.terminate()

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        for job in jobs:
            process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE)
            processes.append(process)
            assert process.stdin is not None
            try:
                with process.stdin as told:
                    told.write(job.model_dump_json().encode())
            except BrokenPipeError:
                log.warning("%s: the process of member %d ended before it began", job.fit, job.member)
            if terminated:
                process.terminate()
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
                process.wait()
        signal.signal(signal.SIGTERM, before)


def main() -> int:
    """Train the member that standard input tells of; return the exit code."""
    job = MemberJob.model_validate_json(sys.stdin.read())
    start_log(job.log)
    try:
        train_member_of(
            load_study(job.study, job.settings, "train_member", job.beside),
            job.fit,
            job.member,
            job.shards,
            job.scaling,
            job.folds,
            job.seed,
            job.device,
            job.checkpoint,
            job.out,
            job.config_hash,
            JobLimits(runtime_minutes=job.runtime_minutes, started=job.started),
            job.code,
            keep_checkpoint=True,
        )
    except Interrupted as interruption:
        return interruption.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
