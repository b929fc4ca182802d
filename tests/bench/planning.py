"""Planning at full scale: preset paper, 3 600 train and 1 800 test parts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def measure(folder: Path) -> dict[str, float | str]:
    """Return jobs, seconds and memory of a dry run on empty result folders."""
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(REPOSITORY / "Snakefile"),
        "-n",
        "--quiet",
        "rules",
    ]
    command += ["--cores", "2", "--configfile", str(REPOSITORY / "config/presets/paper.yaml")]
    start = time.perf_counter()
    with (folder / "plan.txt").open("w") as stream:
        engine = subprocess.Popen(command, cwd=folder, stdout=stream)
        # of this child alone: the usage of all children would be that of the largest so far
        _, code, usage = os.wait4(engine.pid, 0)
    seconds = time.perf_counter() - start
    engine.returncode = os.waitstatus_to_exitcode(code)
    jobs = re.search(r"^total +(\d+)", (folder / "plan.txt").read_text(), re.MULTILINE)
    assert engine.returncode == 0 and jobs is not None
    return {"jobs": float(jobs.group(1)), "dry run [s]": seconds, "peak memory [MiB]": usage.ru_maxrss / 2**10}
