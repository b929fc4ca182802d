"""Stage report: the page that binds the chapters, with the run's circumstances around them."""

from __future__ import annotations

import logging
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hitforge.provenance import content_hash, read_json, write_json, write_text
from hitforge.reporting.changes import compare_chapters
from hitforge.reporting.page import render_page
from hitforge.reporting.run_info import RunInfo, read_benchmarks, read_trainings

log = logging.getLogger(__name__)

COMMAND = "HITFORGE_COMMAND"
"""In the environment: the command that a person gave, where the stage runs as a job of it."""


def make_report(
    results: Path, studies: Sequence[str], benchmarks: Path, run: Mapping[str, Any], previous: Path, out: Path
) -> None:
    """Bind the chapters of the studies, ``{study}/tables`` and ``{study}/figures`` in the results, into one page.

    Preset, seed and device are those of the ``run``; ``benchmarks`` are the engine's files with time and memory of each
    stage. The file ``previous`` remembers the last chapter of each study, for the section on what changed; it is not
    declared to the workflow, which would delete it before the job.
    """
    chapters = {study: read_json(results / study / "tables" / "chapter.json") for study in studies}
    before = read_json(previous) if previous.is_file() else {}
    info = RunInfo(
        **run,
        versions=RunInfo.installed_versions(),
        config_hash=content_hash({study: chapter.get("settings", {}) for study, chapter in chapters.items()}),
        finished=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        command=os.environ.get(COMMAND, shlex.join(sys.argv)),
        git_revision=git_revision(),
        host=platform.node(),
        stages=read_benchmarks(benchmarks, studies, workdir=Path.cwd()),
        trainings=read_trainings(benchmarks, studies),
        changes=compare_chapters(before, chapters) if before.keys() & chapters.keys() else None,
    )
    page = render_page([results / study for study in studies], info)
    write_text(out, page)
    log.info("%s: %.1f MB", out, len(page.encode()) / 1e6)
    write_json(previous, {**before, **chapters})


def git_revision() -> str | None:
    """Return the checkout's revision, with ``-dirty`` where it has local changes; None outside a checkout."""
    git = shutil.which("git")
    if git is None:
        return None
    describe = [git, "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    answer = subprocess.run(describe, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None
