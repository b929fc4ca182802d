"""A job in words: its stage and what it works on, without names of rules that hold study, sample and block."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Job:
    """A job that is to be done.

    Attributes
    ----------
    stage : str
        Its rule, without study, sample and block.
    study : str
        Empty for a job of several studies, as the page of the report.
    what : str
        What it works on, as the path of its log says it: ``calo_muon/cnn/member_3``.
    benchmark : str
        File in which the engine notes its time, empty if none.
    gpus : int
        GPUs that it asks for.
    events : int
        Events that it handles, 0 where the plan cannot know.
    epochs : int
        Most epochs of a training; 1 elsewhere.
    why : tuple of str
        Why it is to be done, in the engine's words.
    """

    stage: str
    study: str
    what: str
    benchmark: str
    gpus: int = 0
    events: int = 0
    epochs: int = 1
    why: tuple[str, ...] = ()


_BLOCK = re.compile(r"_b\d{3}$")


def stage_name(rule: str, studies: Iterable[str]) -> str:
    """Return the name of a rule without study, sample and block."""
    for study in studies:
        rule = rule.partition(f"_{study}_")[0].removesuffix(f"_{study}")
    return _BLOCK.sub("", rule)


def what_of(log: str, stage: str) -> str:
    """Return what a job works on: the path of its log below ``logs/<stage>``, without ending."""
    parts = PurePosixPath(log).with_suffix("").parts[1:]
    # the log of a stage with one job has no folder of its own
    return "/".join(parts[1:]) if len(parts) > 1 else parts[0].removeprefix(stage).removeprefix("_") if parts else ""


def seconds_of(benchmark: str | Path) -> float | None:
    """Return the wall time in s that a benchmark file holds, None if there is no such file or no time in it."""
    try:
        with Path(benchmark).open(encoding="utf-8", newline="") as handle:
            return float(next(csv.DictReader(handle, delimiter="\t"))["s"])
    except (OSError, ValueError, KeyError, StopIteration):
        return None


def duration(seconds: float) -> str:
    """Return a time as people say it: ``4 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    for small, large, step, ratio in (("s", "min", 1, 60), ("min", "h", 60, 60), ("h", "d", 3600, 24)):
        first, second = divmod(round(whole / step), ratio)
        if first < ratio or large == "d":
            return f"{first} {large}" + (f" {second} {small}" if second else "")
    raise AssertionError
