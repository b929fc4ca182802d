"""Is it right on a GPU, and how fast (make gpu-check)? Prints a table and writes gpu-check.json.

It needs Python with torch, numba, numpy and h5py; the wheels that ``make gpu-wheels`` collected bring the rest. No
network, no root, no Slurm. Each step is a process of its own with a limit in time: one that fails or hangs does not end
the others, and what it found until then counts. Steps come in the order of their value, so that little is lost when the
time is over. ``--smoke`` runs the same on the CPU with tiny samples. This module needs the standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.gpu import wheels

REPOSITORY = Path(__file__).parents[2]
FAILURES = ("failed", "error")
SMOKE_SECONDS = 600.0
"""Limit of each step of the smoke run, which takes seconds where nothing hangs."""
LEAST = 8.0
"""Seconds under which no step is begun."""


@dataclass(frozen=True)
class Step:
    """A step and the most seconds that it may take."""

    name: str
    seconds: float
    beside: bool = False
    """Runs beside the other steps."""
    module: str = "tests.gpu.step"
    """What runs it, as ``python -m``."""


STEPS = (
    Step("machine", 40),
    Step("samples", 45),
    Step("muons", 165, beside=True),
    Step("right: numbers", 65),
    Step("fast: paper", 85),
    Step("right: training", 80),
    Step("real", 125),
    Step("fast: compiled", 95),
    Step("fast: members", 60),
    Step("fast: data", 40),
    Step("fast: studies", 40),
)


class Running:
    """A step that has begun."""

    def __init__(
        self, step: Step, seconds: float, folder: Path, environment: dict[str, str], options: Sequence[str] = ()
    ) -> None:
        self.step, self.seconds, self.started = step, seconds, time.monotonic()
        stem = step.name.replace(": ", "_")
        self.results, self.log = folder / f"{stem}.jsonl", folder / f"{stem}.log"
        command = [sys.executable, "-m", step.module, step.name, str(folder), str(self.results)]
        # the step is told less than it has, to end by itself
        command += [f"--seconds={max(1.0, seconds - 5)}", *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=REPOSITORY, start_new_session=True
            )
        self.state, self.taken, self._killed = "", 0.0, False
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        """Wait for the end of the step, or end it when its time is over."""
        try:
            code = self.process.wait(timeout=self.seconds)
            self.state = "done" if code == 0 else f"ended with code {code}"
        except subprocess.TimeoutExpired:
            self.state = f"ended after its {self.seconds:.0f} s"
        finally:
            self.kill()
            self.taken = time.monotonic() - self.started

    def finish(self) -> dict[str, Any]:
        """Wait for the end of the step and return what it found."""
        self._watcher.join()
        text = self.results.read_text(encoding="utf-8") if self.results.exists() else ""
        # a line that was being written when the step was ended is not whole
        rows = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
        well = self.state == "done" and not any(row["kind"] == "error" for row in rows)
        error = "" if well else self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
        about = {"step": self.step.name, "state": self.state, "seconds": round(self.taken, 1), "error": error}
        return {**about, "results": rows}

    def kill(self) -> None:
        """End the step and all that it started; once, because its number may be another's afterwards."""
        if self._killed:
            return
        self._killed = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def run(folder: Path, smoke: bool, minutes: float, steps: Sequence[Step] = STEPS) -> list[dict[str, Any]]:
    """Run the steps and return what each found."""
    end = time.monotonic() + 60 * minutes
    environment = _environment(folder, smoke)
    found: dict[str, dict[str, Any]] = {}
    beside: list[Running] = []
    try:
        for step in steps:
            seconds = SMOKE_SECONDS if smoke else min(step.seconds, end - time.monotonic())
            if seconds < LEAST:
                found[step.name] = {"step": step.name, "state": "not begun: no time left", "seconds": 0.0, "error": ""}
                found[step.name]["results"] = []
                continue
            sys.stderr.write(f"{step.name} …\n")
            running = Running(step, seconds, folder, environment, ["--smoke"] if smoke else [])
            if step.beside:
                beside.append(running)
            else:
                try:
                    found[step.name] = running.finish()
                finally:
                    running.kill()
        for running in beside:
            found[running.step.name] = running.finish()
    finally:
        for running in beside:
            running.kill()
    return [found[step.name] for step in steps]


def _environment(folder: Path, smoke: bool) -> dict[str, str]:
    """Return the environment of the steps: the checkout's code, then the wheels, then what Python has."""
    brought = folder / "site"
    names = wheels.unpack(wheels.FOLDER, brought)
    sys.stderr.write(f"wheels: {', '.join(names) or 'none (make gpu-wheels collects them)'}\n")
    places = [str(REPOSITORY / "src"), str(REPOSITORY), str(brought), os.environ.get("PYTHONPATH", "")]
    # many processes share the cores
    own = {"PYTHONPATH": os.pathsep.join(filter(None, places)), "HITFORGE_CONFIG": str(REPOSITORY / "config")}
    own |= {"OMP_NUM_THREADS": "1"} if smoke else {}
    if not os.access(REPOSITORY / "src/hitforge/studies/calo_muon", os.W_OK):
        own["NUMBA_CACHE_DIR"] = str(folder / "numba")
    return {**os.environ, **own}


def table(steps: list[dict[str, Any]]) -> str:
    """Return the results as text in columns; bounds that hold are counted, the file has each."""
    lines = [("step", "quantity", "value", "unit", "", "")]
    for step in steps:
        lines.append((step["step"], "", f"{step['seconds']:.0f}", "s", step["state"], ""))
        holding = [row for row in step["results"] if row["kind"] == "passed" and row.get("limit")]
        if holding:
            nearest = max(holding, key=lambda row: float(row["value"]) / row["limit"])
            note = f"nearest to its bound: {nearest['quantity']}, {nearest['value']:.2g} of {nearest['limit']:g}"
            lines.append(("", "comparisons within their bounds", str(len(holding)), "", "passed", note))
        for row in (row for row in step["results"] if row not in holding):
            value = f"{row['value']:.4g}" if isinstance(row["value"], int | float) else str(row["value"])
            kind = "" if row["kind"] == "measured" else row["kind"]
            # of an error the last line, the rest is in the file
            note = row["note"].strip().splitlines()[-1] if row["note"].strip() else ""
            lines.append(("", row["quantity"], value[:60], row["unit"], kind, note[:110]))
    widths = [max(len(line[i]) for line in lines) for i in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, [*widths, 0], strict=True)).rstrip() for line in lines
    )


def problems(steps: list[dict[str, Any]]) -> list[str]:
    """Return what is wrong: bounds that do not hold, errors, steps that broke or were ended."""
    wrong = [f"{step['step']}: {step['state']}" for step in steps if step["state"] != "done"]
    for step in steps:
        wrong += [f"{step['step']}: {row['quantity']}" for row in step["results"] if row["kind"] in FAILURES]
    return wrong


def commit() -> str | None:
    """Return the commit of the checkout, with a + if files differ from it; None outside git."""
    try:
        own = {"cwd": REPOSITORY, "capture_output": True, "text": True, "check": True, "timeout": 20}
        changed = subprocess.run(["git", "status", "--porcelain"], **own).stdout
        return subprocess.run(["git", "rev-parse", "HEAD"], **own).stdout.strip() + ("+" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None


def main() -> int:
    """Run the check; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="on the CPU, tiny")
    parser.add_argument("--minutes", type=float, default=7.8, help="time for all steps together")
    parser.add_argument("--out", type=Path, default=Path("gpu-check.json"))
    options = parser.parse_args()
    # steps are sessions of their own: they must not go on when the check itself is ended
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as name:
        folder = Path(name)
        (folder / "samples").mkdir()
        steps = run(folder, options.smoke, options.minutes)
    report = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "smoke": options.smoke,
        "seconds": round(time.monotonic() - started, 1),
        "problems": problems(steps),
        "steps": steps,
    }
    options.out.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{table(steps)}\n\n{report['seconds']} s; wrong: {'; '.join(report['problems']) or 'nothing'}\n")
    return 1 if report["problems"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
