"""A finished tiny production, shared by the tests of what happens to it next."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.workflow.running import Snakemake, runner, write_config, write_parts


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished tiny production: ROOT parts, configuration, results and the engine's records."""
    folder = tmp_path_factory.mktemp("finished")
    write_parts(folder, "train", parts=3, events=40, spectrum="flat")
    write_parts(folder, "test", parts=2, events=22, spectrum="discrete")
    write_config(folder)
    runner(folder)("--configfile", "tiny.yaml")
    return folder


@pytest.fixture
def production(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished production that a test may change."""
    folder = tmp_path / "production"
    shutil.copytree(finished, folder, symlinks=True)
    return folder


@pytest.fixture
def snakemake(production: Path) -> Snakemake:
    """Run the workflow in the copy."""
    return runner(production)
