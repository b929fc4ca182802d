"""Planning at full scale: preset paper, 3 600 train and 1 800 test parts."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

from tests.workflow.running import REPOSITORY, fabricate, runner

PAPER = ("--configfile", str(REPOSITORY / "config/presets/paper.yaml"))


def measure(folder: Path) -> dict[str, float | str]:
    """Return jobs, seconds and memory of a dry run on empty result folders, and when all is there (fabricated)."""
    jobs, seconds, peak = _dry_run(folder)
    fabricate(runner(folder), folder, *PAPER)
    left, seconds_again, peak_again = _dry_run(folder)
    assert left == 0
    return {
        "jobs": jobs,
        "dry run [s]": seconds,
        "peak memory [MiB]": peak,
        "dry run, all there [s]": seconds_again,
        "peak memory, all there [MiB]": peak_again,
    }


def _dry_run(folder: Path) -> tuple[float, float, float]:
    """Return planned jobs, seconds and peak memory in MiB of ``snakemake -n``."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile")]
    command += ["-n", "--quiet", "rules", "--cores", "2", *PAPER]
    start = time.perf_counter()
    with (folder / "plan.txt").open("w") as stream:
        engine = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=subprocess.STDOUT)
        peak = 0.0
        while engine.poll() is None:
            # not the usage that wait() reports: that begins with what this process had when it was copied
            status = Path(f"/proc/{engine.pid}/status").read_text()
            found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
            peak = int(found[1]) / 2**10 if found else peak
            time.sleep(0.1)
    seconds = time.perf_counter() - start
    said = (folder / "plan.txt").read_text()
    assert engine.returncode == 0, said
    total = re.search(r"^total +(\d+)", said, re.MULTILINE)
    assert total or "Nothing to be done" in said, said
    return float(total.group(1)) if total else 0.0, seconds, peak
