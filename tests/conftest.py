"""Fixtures of all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder with the reference ROOT files; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("HITFORGE_REFERENCE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "cmu_0.root").is_file():
        pytest.skip(f"no reference data in {folder}: set HITFORGE_REFERENCE_DATA to the folder with cmu_0.root")
    return folder
