"""Logging of a batch job: one line per event, to the job's log file and to the console."""

from __future__ import annotations

import logging
import os
import platform
import sys
from pathlib import Path
from types import TracebackType
from typing import NoReturn, TextIO

from hitforge.provenance import ends_in_a_crash

log = logging.getLogger("hitforge")

FORMAT = "%(asctime)s %(levelname)-7s %(message)s"


_ENGINES_STDERR = "HITFORGE_ENGINES_STDERR"


def shares_stderr_with(stream: TextIO) -> dict[str, str]:
    """Return the environment that tells jobs which file the engine, which shows their failures, writes to."""
    try:
        place = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return {}
    return {_ENGINES_STDERR: f"{place.st_dev}:{place.st_ino}"}


def _engine_shows_it() -> bool:
    """Whether stderr is the engine's own, where lines of jobs side by side would mix; not so in a job of a cluster."""
    told = os.environ.get(_ENGINES_STDERR)
    return told is not None and shares_stderr_with(sys.stderr) == {_ENGINES_STDERR: told}


def start_log(path: str | Path | None = None, level: int = logging.INFO) -> None:
    """Send the package's log to stderr and, if given, to a file; uncaught errors end up there too.

    A job with a file that shares its stderr with the engine leaves it to the engine.
    """
    handlers: list[logging.Handler] = []
    if not path or not _engine_shows_it():
        handlers.append(logging.StreamHandler())
    if path:
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
    logging.basicConfig(level=level, format=FORMAT, datefmt="%Y-%m-%d %H:%M:%S", handlers=handlers, force=True)
    if path:
        job = os.environ.get("SLURM_JOB_ID")
        log.info("on %s%s", platform.node(), f", Slurm job {job}" if job else "")

    def note_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.critical("%s: %s", kind.__name__, error, exc_info=(kind, error, trace))
        if ends_in_a_crash():
            leave(1)

    sys.excepthook = note_error


def leave(code: int) -> NoReturn:
    """End the process at once, with nothing but its words written out."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
