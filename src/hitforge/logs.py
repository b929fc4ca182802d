"""Logging of a batch job: one line per event, to the job's log file and to the console."""

from __future__ import annotations

import logging
import os
import platform
import sys
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from hitforge.provenance import ends_in_a_crash

log = logging.getLogger("hitforge")

FORMAT = "%(asctime)s %(levelname)-7s %(message)s"


def start_log(path: str | Path | None = None, level: int = logging.INFO) -> None:
    """Send the package's log to stderr and, if given, to a file; uncaught errors end up there too."""
    handlers: list[logging.Handler] = [logging.StreamHandler()]
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
