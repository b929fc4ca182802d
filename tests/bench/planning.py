"""Planning at full scale: preset paper, 3 600 train and 1 800 test parts."""

from __future__ import annotations

import re
import resource
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
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    seconds = time.perf_counter() - start
    jobs = re.search(r"^total +(\d+)", output, re.MULTILINE)
    assert jobs is not None, output
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10
    return {"jobs": float(jobs.group(1)), "dry run [s]": seconds, "largest child process [MiB]": peak}
