"""Members trained side by side: what becomes of the job when their processes end one way or another."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from hitforge.stages import train_members as stage
from hitforge.stages.train_member import TrainingFolds
from hitforge.stages.train_members import MemberFailed, MemberJob, train_members
from hitforge.training.interruption import OutOfTime, Terminated

# stands for a training: tells that it runs, leaves a checkpoint, ends as its settings say
PROCESS = """
import json, os, pathlib, signal, sys, time
job = json.load(sys.stdin)
checkpoint = pathlib.Path(job["checkpoint"])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
checkpoint.write_text("state")
time.sleep(job["settings"]["seconds"])
pathlib.Path(job["out"]).write_text("weights")
code = job["settings"]["code"]
os.kill(os.getpid(), -code) if code < 0 else sys.exit(code)
"""


@pytest.fixture(autouse=True)
def _processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "COMMAND", [sys.executable, "-c", PROCESS])


def jobs(folder: Path, *codes: int, seconds: float = 0.0) -> list[MemberJob]:
    return [
        MemberJob(
            study="toy",
            # the first is the first to end
            settings={"code": code, "seconds": seconds + 0.3 * member},
            beside={},
            fit="net",
            member=member,
            shards=(folder / "shard.h5",),
            scaling=folder / "scaling.json",
            folds=TrainingFolds(count=4, training=(2, 3), monitoring=1),
            seed=1,
            device="cpu",
            checkpoint=folder / f"member_{member}.pt",
            out=folder / f"member_{member}.safetensors",
            config_hash="",
            log=folder / f"member_{member}.log",
        )
        for member, code in enumerate(codes)
    ]


def left(folder: Path, suffix: str) -> list[str]:
    return sorted(path.stem for path in folder.glob(f"*{suffix}"))


def test_all_finish(tmp_path: Path) -> None:
    train_members(jobs(tmp_path, 0, 0, 0))
    assert left(tmp_path, ".safetensors") == ["member_0", "member_1", "member_2"]
    assert left(tmp_path, ".pt") == []


def test_one_fails_and_the_others_come_to_their_end(tmp_path: Path) -> None:
    with pytest.raises(MemberFailed, match=r"net: 1 of 3 .* member 0 \(.*member_0\.log\)"):
        train_members(jobs(tmp_path, 1, 75, 0))
    # the engine removes the files of a job that failed: the finished training needs its checkpoint as well
    assert left(tmp_path, ".pt") == left(tmp_path, ".safetensors") == ["member_0", "member_1", "member_2"]


def test_killed_process_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(MemberFailed, match="member 1"):
        train_members(jobs(tmp_path, 0, -9))


def test_one_runs_out_of_time(tmp_path: Path) -> None:
    with pytest.raises(OutOfTime, match="1 of 2 members"):
        train_members(jobs(tmp_path, 75, 0))
    assert left(tmp_path, ".pt") == ["member_0", "member_1"]


def test_sigterm_reaches_all(tmp_path: Path) -> None:
    def end() -> None:
        deadline = time.monotonic() + 60
        while len(left(tmp_path, ".pt")) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=end)
    thread.start()
    started = time.monotonic()
    with pytest.raises(Terminated, match="2 of 2 members"):
        train_members(jobs(tmp_path, 0, 0, seconds=300))
    thread.join()
    assert time.monotonic() - started < 100
    assert left(tmp_path, ".pt") == ["member_0", "member_1"] and left(tmp_path, ".safetensors") == []
    assert signal.getsignal(signal.SIGTERM) is before
