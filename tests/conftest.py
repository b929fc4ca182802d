"""Fixtures of all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from tests.workflow.running import runner, write_config, write_parts

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder with the reference ROOT files; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("HITFORGE_REFERENCE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "cmu_0.root").is_file():
        pytest.skip(f"no reference data in {folder}: set HITFORGE_REFERENCE_DATA to the folder with cmu_0.root")
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished tiny production: ROOT parts, configuration, results and the engine's records.

    Parallel test workers share one: the first makes it while the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "finished"
    with FileLock(shared / "finished.lock"):
        if not (folder / "results/report/index.html").is_file():
            write_parts(folder, "train", parts=3, events=40, spectrum="flat")
            write_parts(folder, "test", parts=2, events=22, spectrum="discrete")
            write_config(folder)
            runner(folder)("--configfile", "tiny.yaml")
    return folder
