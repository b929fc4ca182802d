"""What the cluster would refuse is known before it is asked, and what it answers to a group is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.slurm.mini_slurm import Cluster
from tests.workflow.running import REPOSITORY, Run

pytestmark = pytest.mark.slurm


@pytest.fixture
def profile(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], None]], str]:
    """Write the shipped profile with changes, and return its folder."""

    def write(change: Callable[[dict[str, Any]], None]) -> str:
        entries = yaml.safe_load((REPOSITORY / "profiles/slurm/config.yaml").read_text())
        change(entries)
        folder = tmp_path / "profile"
        folder.mkdir()
        (folder / "config.yaml").write_text(yaml.safe_dump(entries))
        return str(folder)

    return write


def test_what_cannot_run_is_said_before(
    tmp_path: Path, cluster: Cluster, profile: Callable[[Callable[[dict[str, Any]], None]], str]
) -> None:
    def check(name: str) -> Run:
        command = (sys.executable, "-m", "hitforge", "check", "--profile", name, "--preset", "demo")
        done = cluster("env", "-C", str(tmp_path), *command)
        return Run(done.code, " ".join(done.output.split()))

    # the shipped profile asks for nothing that these nodes have not
    shipped = check("slurm")
    assert shipped.code == 0 and "Errors: 0." in shipped.output, shipped.output

    def spoil(entries: dict[str, Any]) -> None:
        entries["default-resources"]["slurm_account"] = "nobody"
        entries["set-resources"]["train_member"]["runtime"] = 600
        entries["set-resources"]["compare_models"] = {"mem_mb": 10**7}

    spoiled = check(profile(spoil))
    assert spoiled.code == 1
    for words in (
        "a job asks for 10000000 MB, the largest node of cpu has",
        "600 minutes, the limit of gpu is 15",
        "'nobody' is no account of yours",
        "Errors: 3.",
    ):
        assert words in spoiled.output, spoiled.output


def test_refused_group_says_why(
    tmp_path: Path, cluster: Cluster, profile: Callable[[Callable[[dict[str, Any]], None]], str]
) -> None:
    command = [sys.executable, "-m", "snakemake", "ntuples", "--directory", str(tmp_path), "--retries", "0"]
    command += ["--slurm-init-seconds-before-status-checks", "4", "--config", "preset=demo"]
    too_large = ["--set-resources", "simulate_calo_muon_train_b000:mem_mb=10000000"]
    refused = cluster(*command, "--profile", "slurm", *too_large)
    assert refused.code == 1
    assert "Group simulate: SLURM sbatch failed. The error message was 'sbatch: error:" in refused.output

    # without the plugin's help the engine would wait for ever
    other = profile(lambda entries: entries["default-resources"].update(slurm_account="nobody"))
    unknown = cluster(*command, "--profile", other)
    assert unknown.code == 1
    assert "The given account nobody appears to be invalid" in unknown.output
