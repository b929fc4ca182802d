"""What an installed package brings along."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hitforge

REPOSITORY = Path(__file__).parents[2]


def test_the_packages_configuration_is_that_of_the_repository() -> None:
    copy = Path(hitforge.__file__).parent / "default_config"
    assert copy.resolve() == REPOSITORY / "config"


@pytest.mark.slow
def test_an_installed_package_knows_its_studies(tmp_path: Path) -> None:
    # a build leaves a folder beside the sources
    for name in ("src", "config"):
        shutil.copytree(REPOSITORY / name, tmp_path / "checkout" / name, symlinks=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, tmp_path / "checkout" / name)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(tmp_path / "site"), str(tmp_path / "checkout")], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "hitforge", "describe", "--study", "calo_muon", "--preset", "demo", "--model", "bdt"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and '"features"' in done.stdout, done.stderr
