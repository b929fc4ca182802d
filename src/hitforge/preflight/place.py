"""The working directory: seen by the nodes, writable, lockable, and large enough for what is planned."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from hitforge.preflight.findings import Finding
from hitforge.preflight.planned import Plan

SECONDS = 30
MEGABYTE = 1_000_000
# file systems of one machine alone; a local disk may be exported to the nodes, memory never is
IN_MEMORY = {"tmpfs", "ramfs", "overlay", "overlayfs", "devtmpfs", "squashfs"}
LOCAL_DISK = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs"}
SCRATCH = ("/tmp", "/var/tmp", "/dev/shm", "/run")
# bytes of an event in a part and in its shard, measured on preset demo; a study that is not here: the largest
EVENT_BYTES = {
    "calo_muon": (27_000, 31_000),
    "csc_muon": (65, 150),
    "object_id": (170, 530),
    "scouting_egamma": (90, 340),
}
# with models, predictions and figures
WITH_THE_REST = 1.5

_LOCK = """
import sys, h5py
path = sys.argv[1]
with h5py.File(path, "w") as file:
    file["x"] = 1
with h5py.File(path) as first, h5py.File(path) as second:
    assert first["x"][()] == second["x"][()]
"""


def check_place(plan: Plan, folder: Path, remote: bool, hosts: Collection[str] = ()) -> Iterator[Finding]:
    """Yield what is wrong with the working directory.

    Parameters
    ----------
    remote : bool
        Whether the jobs run on other machines.
    hosts : collection of str
        The nodes' host names, as far as they are known: a cluster of this machine alone sees its local disk.
    """
    about = "working directory"
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".hitforge-check-") as probe:
            yield from _locking(Path(probe))
    except OSError as error:
        yield Finding("error", about, f"{folder} cannot be written to ({error.strerror})", "work in a folder of yours")
    here = os.uname().nodename.partition(".")[0]
    if remote and {host.partition(".")[0] for host in hosts} != {here}:
        yield from _seen_by_the_nodes(folder)
    yield from _space(plan, folder)


def _seen_by_the_nodes(folder: Path) -> Iterator[Finding]:
    kind = file_system(folder)
    fix = "work on a file system that all nodes see (home, project or scratch)"
    if kind in IN_MEMORY or any(folder.resolve().is_relative_to(place) for place in SCRATCH):
        problem = f"{folder} ({kind}) is of this machine alone: no job on a node finds its files"
        yield Finding("error", "working directory", problem, fix)
    elif kind in LOCAL_DISK:
        problem = f"{folder} is on a local disk ({kind}): jobs find it only if it is exported to the nodes"
        yield Finding("warning", "working directory", problem, fix)


def file_system(folder: Path, mounts: str | None = None) -> str:
    """Return the type of the file system of a folder, as ``/proc/self/mountinfo`` has it."""
    text = Path("/proc/self/mountinfo").read_text(encoding="utf-8") if mounts is None else mounts
    best, kind = Path("/"), "unknown"
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        where = Path(left.split()[4].replace("\\040", " "))
        # the last mount at a place hides those before
        if folder.resolve().is_relative_to(where) and len(where.parts) >= len(best.parts):
            best, kind = where, right.split()[0]
    return kind


def _locking(folder: Path) -> Iterator[Finding]:
    """Write an HDF5 file and open it twice, in a process of its own: a lock may wait for ever."""
    fix = "export HDF5_USE_FILE_LOCKING=FALSE, or another file system"
    command = [sys.executable, "-c", _LOCK, str(folder / "lock.h5")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        yield Finding("error", "HDF5 locking", f"a lock on this file system waits for ever ({SECONDS} s)", fix)
        return
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no message"
        yield Finding("error", "HDF5 locking", f"HDF5 cannot use this file system: {words}", fix)


def needed_bytes(plan: Plan) -> int:
    """Return an estimate of the bytes that the plan writes."""
    largest = max(EVENT_BYTES.values())
    total = 0.0
    for study, n in plan.simulated_events.items():
        total += n * sum(EVENT_BYTES.get(study, largest))
    for study, size in plan.read_bytes.items():
        part, shard = EVENT_BYTES.get(study, largest)
        total += size * shard / part
    return int(WITH_THE_REST * total)


def _space(plan: Plan, folder: Path) -> Iterator[Finding]:
    needed, files = needed_bytes(plan), plan.files
    disk = os.statvfs(folder)
    room: list[tuple[str, int | None, int | None]] = [
        ("the file system has", disk.f_bavail * disk.f_frsize, disk.f_favail if disk.f_files else None),
        ("your quota leaves", *quota_left(folder)),
    ]
    fix = "make room, or work elsewhere"
    for words, size, inodes in room:
        if size is not None and size < needed:
            problem = f"about {needed / MEGABYTE:.0f} MB are to be written, {words} {size / MEGABYTE:.0f}"
            yield Finding("error", "space", problem, fix)
        if inodes is not None and inodes < files:
            yield Finding("error", "files", f"about {files} files are to be written, {words} {inodes}", fix)


def quota_left(folder: Path) -> tuple[int | None, int | None]:
    """Return bytes and files that a user's quota leaves, None where there is none or no command tells."""
    user = str(os.getuid())
    commands = [["lfs", "quota", "-q", "-u", user, str(folder)]] if file_system(folder) == "lustre" else []
    for command in [*commands, ["quota", "-w", "--no-wrap", "-f", str(folder)]]:
        if shutil.which(command[0]):
            try:
                answer = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
            except subprocess.TimeoutExpired:
                continue
            if (left := parse_quota(answer.stdout)) != (None, None):
                return left
    return None, None


def parse_quota(text: str) -> tuple[int | None, int | None]:
    """Return bytes and files left by the last line of ``quota`` or ``lfs quota``.

    After the file system stand used, soft and hard blocks of 1024 bytes, sometimes the grace, then the same of files.
    """
    line = next((line for line in reversed(text.splitlines()) if re.search(r"\d", line)), "")
    numbers = [int(word.rstrip("*")) for word in line.split()[1:] if re.fullmatch(r"\d+\*?", word)]
    if len(numbers) < 6:
        return None, None
    used, soft, hard, files, soft_files, hard_files = numbers[:6]
    size, inodes = hard or soft, hard_files or soft_files
    return (1024 * max(0, size - used) if size else None), (max(0, inodes - files) if inodes else None)
