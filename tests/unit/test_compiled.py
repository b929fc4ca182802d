"""Machine code of kernels: kept where it can be, and never in the way where it cannot."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from hitforge import compiled as module
from hitforge.compiled import compiled


def twice(number: int) -> int:
    return 2 * number


def refuse_to_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make numba find no folder, unless one is named, as it does for a read-only package and home."""
    real = module.njit

    def njit(function: Any = None, **options: Any) -> Any:
        if options.get("cache") and not module.numba.config.CACHE_DIR:
            raise RuntimeError("cannot cache function 'twice': no locator available for file")
        return real(function, **options)

    monkeypatch.setattr(module, "njit", njit)


def test_a_read_only_package_keeps_machine_code_in_a_temporary_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    refuse_to_cache(monkeypatch)
    assert compiled(twice)(4) == 8
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.rglob("*.nbi"))
    assert module.numba.config.CACHE_DIR == ""


def test_a_temporary_folder_that_others_can_write_to_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What lies there is run: somebody else's machine code must not be."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    refuse_to_cache(monkeypatch)
    folder = tmp_path / f"hitforge-numba-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    with caplog.at_level(logging.WARNING):
        assert compiled(twice)(4) == 8
    assert "NUMBA_CACHE_DIR" in caplog.text
    assert list(folder.iterdir()) == []


def test_a_full_disk_under_the_machine_code_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching.CompileResultCacheImpl.reduce", full)
    monkeypatch.setattr("numba.core.caching.Cache.load_overload", lambda *_: None)
    with caplog.at_level(logging.WARNING):
        assert compiled(twice)(4) == 8
    assert "NUMBA_CACHE_DIR to a folder with room" in caplog.text


# root may write everywhere, unless it gives that power up
WITHOUT_POWERS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")


@pytest.mark.skipif(os.getuid() == 0 and shutil.which("setpriv") is None, reason="root can write everywhere")
def test_a_kernel_runs_from_a_read_only_folder_without_a_home(tmp_path: Path) -> None:
    source = tmp_path / "kernel.py"
    source.write_text("from hitforge.compiled import compiled\n\n@compiled\ndef twice(n):\n    return 2 * n\n")
    tmp_path.chmod(0o555)
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    wrap = () if os.getuid() else WITHOUT_POWERS
    program = [*wrap, sys.executable, "-B", "-c", "import kernel; print(kernel.twice(4))"]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    tmp_path.chmod(0o755)
    assert done.stdout == "8\n", done.stderr
