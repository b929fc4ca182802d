"""A real Slurm on this machine: two CPU nodes and one with two pretended GPUs (tests/slurm/README.md)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.workflow.running import REPOSITORY, Run

SCRIPT = Path(__file__).parent / "mini-slurm.sh"
Cluster = Callable[..., Run]


def _call(*command: str, timeout: float = 900, **variables: str) -> Run:
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "NO_COLOR": "1", **variables},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
    )
    return Run(done.returncode, done.stdout)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return a function that runs a command as a user of the cluster does."""
    if os.geteuid() != 0:
        pytest.skip("the mini cluster starts its daemons as root")
    # not below pytest's own folder: munge refuses a socket where others may not look
    state = tempfile.mkdtemp(prefix="hitforge-slurm-")
    Path(state).chmod(0o755)

    def in_cluster(*command: str, timeout: float = 900) -> Run:
        return _call(str(SCRIPT), *command, timeout=timeout, MINI_SLURM_DIR=state)

    up = in_cluster("up")
    assert up.code == 0, up.output
    yield lambda *command, **options: in_cluster("run", *command, **options)
    in_cluster("purge")


@pytest.fixture(scope="session")
def snakemake_on_slurm(cluster: Cluster) -> Callable[..., Run]:
    """Return a function that runs ``snakemake --profile slurm`` for a working directory."""

    def run(folder: Path, *arguments: str) -> Run:
        where = ("--profile", "slurm", "--directory", str(folder), "--configfile", str(folder / "tiny.yaml"))
        done = cluster(sys.executable, "-m", "snakemake", *arguments, *where, timeout=1800)
        assert done.code == 0, done.output[-8000:]
        return done

    return run
