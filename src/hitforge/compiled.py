"""The one way that hitforge compiles a kernel: numba, cached on disk, strict IEEE arithmetic, one thread."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba import njit

_P = ParamSpec("_P")
_R = TypeVar("_R")

log = logging.getLogger(__name__)


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile a function at its first call and keep the machine code beside its module.

    No ``fastmath`` and no threads: the same input has to give the same bits in every job. A compiled function may
    call, and read constants of, its own module only: machine code is renewed when that module changes, and an edit
    of another one would go unnoticed.

    Where neither the module's folder nor the home can be written (a container, a colleague's checkout), the machine
    code goes to the temporary folder, or is not kept at all; ``NUMBA_CACHE_DIR`` names a better place.
    """
    try:
        dispatcher = njit(cache=True)(function)
    except RuntimeError as error:
        if "cannot cache function" not in str(error):
            raise
        dispatcher = _compiled_elsewhere(function)
    _forgive_a_full_cache(dispatcher)
    return cast(Callable[_P, _R], dispatcher)


def _compiled_elsewhere(function: Callable[..., Any]) -> Any:
    folder = _own_temporary_folder()
    if folder is None or numba.config.CACHE_DIR:
        log.warning("%s: machine code cannot be kept; set NUMBA_CACHE_DIR to a folder of yours", function.__module__)
        return njit(function)
    numba.config.CACHE_DIR = str(folder)
    try:
        return njit(cache=True)(function)
    finally:
        numba.config.CACHE_DIR = ""


def _own_temporary_folder() -> Path | None:
    """Return a folder that nobody else can write to, since what lies there will be run."""
    try:
        folder = Path(tempfile.gettempdir()) / f"hitforge-numba-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
    return folder if is_own else None


def _forgive_a_full_cache(dispatcher: Any) -> None:
    """Go on with a kernel whose machine code cannot be kept, for a disk or a quota that is full."""
    save = dispatcher._cache.save_overload

    def save_if_possible(signature: Any, kernel: Any) -> None:
        try:
            save(signature, kernel)
        except OSError as error:
            log.warning("machine code cannot be kept (%s); set NUMBA_CACHE_DIR to a folder with room", error)

    dispatcher._cache.save_overload = save_if_possible
