"""This machine and its environment: versions, torch, numba's cache; cores and memory if the jobs run here."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import runpy
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from hitforge.preflight.findings import Finding
from hitforge.preflight.planned import REPOSITORY, Plan

MEBIBYTE = 2**20
SHOWN = 4


def check_environment(plan: Plan, remote: bool) -> Iterator[Finding]:
    """Yield what is wrong with the installed software."""
    yield from _versions()
    yield from _numba_cache()
    if any(submission.attempts[0].gpus for submission in plan.submissions):
        yield from _torch(plan.device, remote)


def check_machine(plan: Plan, cores: int | None = None, memory_mb: int | None = None) -> Iterator[Finding]:
    """Yield what one machine cannot run.

    Parameters
    ----------
    cores, memory_mb : int, optional
        Of the machine; asked for if not given.
    """
    cores = len(os.sched_getaffinity(0)) if cores is None else cores
    memory_mb = machine_memory_mb() if memory_mb is None else memory_mb
    if plan.cores > cores:
        problem = f"{plan.cores} jobs would run side by side on {cores} cores"
        yield Finding("warning", "cores", problem, f"--cores {cores}")
    asked: list[int] = []
    for submission in plan.submissions:
        request = submission.attempts[0]
        side_by_side = min(submission.count * submission.jobs, max(1, plan.cores // request.cores))
        asked += [request.mem_mb or 0] * side_by_side
        if request.mem_mb is not None and request.mem_mb > memory_mb:
            problem = f"a job may use {request.mem_mb} MB, this machine has {memory_mb}"
            yield Finding("warning", submission.stage, problem, "a machine with more, or smaller samples")
    together = sum(sorted(asked, reverse=True)[: plan.cores])
    if together > memory_mb >= max(asked, default=0):
        problem = f"{plan.cores} jobs side by side may use {together} MB, this machine has {memory_mb}"
        yield Finding("warning", "memory", problem, f"snakemake --resources mem_mb={memory_mb}")


def machine_memory_mb() -> int:
    """Return the memory of this machine, or of the container around us, in MB."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in map(Path, ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        try:
            memory = min(memory, int(path.read_text()))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return memory // MEBIBYTE


def locked_versions(text: str) -> dict[str, str]:
    """Return the pins of a lock file."""
    return dict(re.findall(r"^([\w.\-]+)==(\S+)$", text, re.MULTILINE))


def differing(pins: Mapping[str, str], installed: Mapping[str, str]) -> list[str]:
    """Return ``name 1.0 (lock: 2.0)`` for each installed package of another version than the lock file's."""
    return [
        f"{name} {installed[name]} (lock: {version})"
        for name, version in pins.items()
        if name in installed and installed[name].partition("+")[0] != version
    ]


def _versions() -> Iterator[Finding]:
    installed: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        installed.setdefault(distribution.metadata["Name"], distribution.version)
    name = "cpu" if "xgboost-cpu" in installed else "gpu"
    lock = REPOSITORY / f"requirements/{name}.lock"
    if not lock.is_file():
        return
    others = differing(locked_versions(lock.read_text(encoding="utf-8")), installed)
    if others:
        more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        problem = f"not what was tested: {', '.join(others[:SHOWN])}{more}"
        yield Finding("warning", "versions", problem, f"make venv LOCK=requirements/{name}.lock")


def _numba_cache() -> Iterator[Finding]:
    """Check the folder where numba keeps machine code: its variable's, or that of the package."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(named) if named else Path(__file__).parents[1]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        problem = f"{folder} cannot be written to ({error.strerror}): every job compiles anew, or fails"
        yield Finding("warning", "numba's cache", problem, "export NUMBA_CACHE_DIR=<a folder that all nodes see>")


def _torch(device: str, remote: bool) -> Iterator[Finding]:
    """Check that torch could use the GPUs that are asked for: its build, and on one machine the GPU itself."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        yield Finding("error", "torch", "torch is not installed", "make venv")
        return
    about = runpy.run_path(str(Path(found.origin).parent / "version.py"))
    built = bool(about.get("cuda") or about.get("hip"))
    if remote:
        # the login node has no GPU: what can be known here is what torch was built for
        usable = built or device == "cpu"
    elif device == "cuda":
        import torch

        usable = torch.cuda.is_available()
    else:
        return
    if usable:
        return
    why = "finds no usable GPU" if built else "is built without CUDA"
    problem = f"torch {about['__version__']} {why}"
    fix = "install a torch for your CUDA (make venv LOCK=requirements/gpu.lock), then make gpu-check; or device: cpu"
    if device == "cuda":
        yield Finding("error", "torch", f"{problem}, and device: cuda never trains on the CPU", fix)
    else:
        yield Finding("warning", "torch", f"{problem}: jobs would wait for GPUs and train on the CPU", fix)
