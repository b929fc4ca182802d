"""The working directory, the environment and one machine."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from hitforge.preflight import place
from hitforge.preflight.findings import exit_code, shown
from hitforge.preflight.machine import check_machine, differing, locked_versions
from hitforge.preflight.place import check_place, file_system, needed_bytes, parse_quota
from tests.unit.preflight.clusters import plan, request, submission

MOUNTS = """22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
23 22 0:21 / /tmp rw - tmpfs tmpfs rw,size=1024k
24 22 0:50 / /lustre/project rw - lustre 10.0.0.1@o2ib:/project rw
25 22 0:51 / /home rw,relatime - nfs4 server:/home rw,vers=4.2
26 22 0:52 / /data\\040two rw - xfs /dev/vdb rw
"""


def test_file_system_of_a_folder() -> None:
    folders = ("/lustre/project/me", "/lustre/projects", "/tmp/x", "/home", "/data two/a")
    found = [file_system(Path(folder), MOUNTS) for folder in folders]
    assert found == ["lustre", "ext4", "tmpfs", "nfs4", "xfs"]


def test_folder_of_one_machine_is_an_error_for_jobs_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "file_system", lambda folder: "tmpfs")
    (finding,) = check_place(plan(), tmp_path, remote=True, hosts={"n001", "n002"})
    assert finding.level == "error" and "is of this machine alone" in finding.problem
    assert list(check_place(plan(), tmp_path, remote=True, hosts={os.uname().nodename})) == []
    assert list(check_place(plan(), tmp_path, remote=False)) == []


def test_folder_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryDirectory", refuse)
    (finding,) = check_place(plan(), tmp_path, remote=False)
    assert finding.level == "error" and "cannot be written to (Permission denied)" in finding.problem


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("raise OSError('unable to lock file, errno = 37')", "errno = 37"),
        ("import time; time.sleep(60)", "waits for ever"),
    ],
)
def test_file_system_without_locks_is_an_error(
    script: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "_LOCK", script)
    monkeypatch.setattr(place, "SECONDS", 2 if "sleep" in script else 60)
    (finding,) = check_place(plan(), tmp_path, remote=False)
    assert finding.level == "error" and problem in finding.problem
    assert "HDF5_USE_FILE_LOCKING=FALSE" in finding.fix


def test_room_for_what_is_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = plan(files=40, simulated_events={"calo_muon": 100}, read_bytes={"csc_muon": 65_000, "theirs": 27_000})
    # 100 muons of 58 kB; shards of 1000 roads and of one event of a study that is not known; half as much again
    assert needed_bytes(small) == 1.5 * (100 * 58_000 + 1000 * 150 + 31_000)
    assert list(check_place(small, tmp_path, remote=False)) == []
    monkeypatch.setattr(place, "quota_left", lambda folder: (1_000_000, 39))
    space, files = check_place(small, tmp_path, remote=False)
    assert (space.about, files.about) == ("space", "files")
    assert "your quota leaves 1" in space.problem and "40 files" in files.problem
    huge = plan(simulated_events={"calo_muon": 10**15})
    assert exit_code(check_place(huge, tmp_path, remote=False)) == 1


LFS = """     Filesystem  kbytes   quota   limit   grace   files   quota   limit   grace
        /lustre   1000*    900    5000 6d23h57m   12000   0   20000       -
"""
QUOTA = """Disk quotas for user me (uid 1000):
     Filesystem  blocks   quota   limit   grace   files   quota   limit   grace
   server:/home  400000  500000  600000             100       0       0
"""


@pytest.mark.parametrize(
    ("text", "left"),
    [(LFS, (4000 * 1024, 8000)), (QUOTA, (200_000 * 1024, None)), ("Disk quotas for user me: none\n", (None, None))],
)
def test_quotas_are_read(text: str, left: tuple[int | None, int | None]) -> None:
    assert parse_quota(text) == left


def test_one_machine_is_held_against_the_plan() -> None:
    jobs = [submission(request(mem_mb=4000), stage="train_member", count=8), submission(request(mem_mb=9000))]
    here = plan(*jobs, executor="local", cores=4)
    assert list(check_machine(here, cores=4, memory_mb=64_000)) == []
    (together,) = check_machine(here, cores=4, memory_mb=16_000)
    assert "4 jobs side by side may use 21000 MB" in together.problem and "mem_mb=16000" in together.fix
    cores, large = check_machine(here, cores=2, memory_mb=8000)
    assert "4 jobs would run side by side on 2 cores" in cores.problem
    assert large.about == "evaluate" and "this machine has 8000" in large.problem


def test_versions_are_held_against_the_lock() -> None:
    pins = locked_versions("# a lock\nnumpy==2.4.1\ntorch==2.9.0\nabsent==1\n")
    assert differing(pins, {"numpy": "2.4.1", "torch": "2.9.0+cpu"}) == []
    assert differing(pins, {"numpy": "2.3.0"}) == ["numpy 2.3.0 (lock: 2.4.1)"]


def test_table_is_readable_at_a_hundred_columns() -> None:
    group = submission(request(mem_mb=8000, cores=4), stage="assemble_model", jobs=128, count=1000)
    words = StringIO()
    Console(width=100, file=words).print(shown(plan(group), [], ["1000 of 1000 nodes"]))
    lines = words.getvalue().splitlines()
    assert any("assemble_model" in line and "8000" in line and "1000 of 1000 nodes" in line for line in lines)
    assert max(map(len, lines)) <= 100
