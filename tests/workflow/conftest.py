"""Copies of the finished production, for tests of what happens to it next."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.workflow.running import Snakemake, runner


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
