"""Measure the rates by which the plan estimates times: ``python -m tests.bench.rates PRODUCTION [KEY=VALUE ...]``.

From the CPU times in the benchmark files of a finished production, with its configuration. Writes
``src/hitforge/terminal/rates.yaml``. CPU time, because other work may have shared the machine.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path
from statistics import fmean

import yaml

from hitforge.config import load_settings, user_settings
from hitforge.samples import assign_blocks, list_parts
from hitforge.terminal.estimate import RATES
from hitforge.terminal.jobs import what_of
from hitforge.terminal.sizes import Sizes

HEAD = (
    "# Seconds of CPU: start-up of a job, and per event (and epoch) by study, stage and model; tests/bench/rates.py\n"
)
BY_MODEL = ("train_member", "train_trees", "fit_table", "predict", "predict_on_gpu")


def cpu_seconds(path: Path) -> float | None:
    """Return the CPU time of a benchmark file; very short jobs have none."""
    with path.open(encoding="utf-8", newline="") as handle:
        row = next(csv.DictReader(handle, delimiter="\t"))
    try:
        return float(row["cpu_time"])
    except ValueError:
        return None


def main(production: Path, over: dict[str, str]) -> None:
    """Write the rates."""
    settings = load_settings(user_settings([], over))
    sizes = {}
    for study, of_study in settings.studies.items():
        blocks = {
            name: assign_blocks(list_parts(name, sample), of_study.blocks) for name, sample in of_study.samples.items()
        }
        sizes[study] = Sizes(study, of_study, blocks)
    seen: dict[str, list[tuple[str, str, float, int]]] = defaultdict(list)
    for path in sorted((production / "benchmarks").rglob("*.tsv")):
        relative = path.relative_to(production)
        stage = relative.parts[1].removesuffix(".tsv")
        what = what_of(str(relative), stage)
        study, _, rest = what.partition("/")
        seconds = cpu_seconds(path)
        if study in sizes and seconds is not None:
            events, epochs = sizes[study].of(stage, what)
            model = rest.partition("/")[0] if stage in BY_MODEL else "any"
            seen[stage].append((study, model, seconds, events * epochs))
    # the shortest job is nearly all start-up; where events do not count, a mean job
    start = {
        stage: round((min if any(job[3] for job in jobs) else fmean)(job[2] for job in jobs), 1)
        for stage, jobs in seen.items()
    }
    rates: dict[str, dict[str, dict[str, float]]] = {}
    for stage, jobs in seen.items():
        for study, model in sorted({(study, model) for study, model, _, _ in jobs}):
            own = [(seconds, work) for of, named, seconds, work in jobs if (of, named) == (study, model)]
            work = sum(work for _, work in own)
            over_start = sum(max(0.0, seconds - start[stage]) for seconds, _ in own)
            if work and over_start:
                rates.setdefault(study, {}).setdefault(stage, {})[model] = float(f"{over_start / work:.2g}")
    for stages in rates.values():
        for stage, models in stages.items():
            if stage in BY_MODEL:
                models["any"] = max(models.values())
    RATES.write_text(HEAD + yaml.safe_dump({"start": start, **rates}, sort_keys=True), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), dict(word.split("=", 1) for word in sys.argv[2:]))
