"""A whole production on a real scheduler gives the bytes of a local one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.slurm.mini_slurm import Cluster
from tests.slurm.production import Production
from tests.workflow.running import write_config
from tests.workflow.test_end_to_end import artefacts
from tests.workflow.test_friends import friends_say_what_was_predicted

pytestmark = pytest.mark.slurm


def test_slurm_production_equals_the_local_one(finished: Path, tmp_path: Path, cluster: Cluster) -> None:
    production = Production(tmp_path, finished, cluster)
    shutil.copytree(finished / "data", tmp_path / "data")
    write_config(tmp_path)
    production.run()
    local, remote = artefacts(finished), artefacts(tmp_path)
    assert local.keys() == remote.keys()
    assert [name for name in local if local[name] != remote[name]] == []
    # each member was a job of its own in the partition of the GPUs, with a GPU
    jobs = cluster("sacct", "-nPX", "-o", "WorkDir,Partition,State,AllocTRES").output.splitlines()
    on_gpu = [line for line in jobs if line.startswith(f"{tmp_path}|gpu|")]
    assert len(on_gpu) == 2
    assert all("COMPLETED" in line and "gres/gpu=1" in line for line in on_gpu)
    # nothing is left to do
    assert production.run("-n").planned == {}
    # a model leaves as a package, which jobs of the cluster apply to files
    friends_say_what_was_predicted(tmp_path, production.run)
