"""A real Slurm on this machine, and productions to break on it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm.mini_slurm import Cluster
from tests.slurm.production import Production, copy_production


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running mini cluster."""
    if os.geteuid() != 0:
        pytest.skip("the mini cluster starts its daemons as root")
    # not below pytest's own folder: munge refuses a socket where others may not look
    state = Path(tempfile.mkdtemp(prefix="hitforge-slurm-"))
    state.chmod(0o755)
    cluster = Cluster(state)
    up = cluster.do("up")
    if up.code != 0 and shutil.which("slurmctld", path="/usr/sbin:/usr/bin") is None:
        pytest.skip(f"Slurm's packages could not be installed: {up.output[-500:]}")
    assert up.code == 0, up.output
    yield cluster
    cluster.do("purge")


@pytest.fixture
def production(finished: Path, tmp_path: Path, cluster: Cluster) -> Production:
    """A copy of the finished production that a test may break."""
    return copy_production(finished, tmp_path / "production", cluster)
