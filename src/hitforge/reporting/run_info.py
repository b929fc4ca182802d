"""What differs from run to run and stands only in the report's run section: times, memory, versions, host."""

from __future__ import annotations

import csv
import math
import platform
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hitforge.reporting.changes import Changes
from hitforge.reporting.slurm_accounting import SlurmUse, read_accounting
from hitforge.settings_base import Settings

PACKAGES = (
    "hitforge", "numpy", "scipy", "pandas", "h5py", "awkward", "uproot", "torch", "xgboost", "xgboost-cpu", "optuna",
    "numba", "matplotlib", "mplhep", "snakemake",
)  # fmt: skip

MEMORY_MARGIN = 1.3
RUNTIME_MARGIN = 2.0


class StageCost(Settings):
    """Time and memory of the jobs of one rule, from its benchmark files and, on a cluster, the accounting.

    ``suggested_*`` leave a margin over the largest job seen; None where a benchmark does not know the memory.
    """

    rule: str
    jobs: int
    wall_s_total: float
    wall_s_max: float
    cpu_s_total: float | None = None
    max_rss_mb: float | None = None
    slurm: SlurmUse | None = None
    suggested_mem_mb: int | None = None
    suggested_runtime_min: int | None = None


class TrainingCost(Settings):
    """Wall time of the trainings of one model: its members or boosters, of all rotations."""

    study: str
    model: str
    trainings: int
    wall_s_total: float
    wall_s_max: float


class RunInfo(Settings):
    """Everything about a run that is no physics; every field may be left out."""

    preset: str = ""
    seed: int | None = None
    device: str = ""
    config_hash: str = ""
    versions: Mapping[str, str] = {}
    git_revision: str | None = None
    host: str = ""
    command: str = ""
    finished: str = ""
    stages: tuple[StageCost, ...] = ()
    trainings: tuple[TrainingCost, ...] = ()
    notes: tuple[str, ...] = ()
    changes: Changes | None = None

    @staticmethod
    def installed_versions() -> dict[str, str]:
        """Return the versions of Python and of the packages that shape results."""
        found = {"python": platform.python_version()}
        for name in PACKAGES:
            with suppress(PackageNotFoundError):
                found[name] = version(name)
        return found


def read_benchmarks(folder: Path, studies: Iterable[str], workdir: Path) -> tuple[StageCost, ...]:
    """Summarise Snakemake's benchmark files by rule, the most expensive first, beside what Slurm's accounting says.

    ``folder`` holds ``<rule>/<study>/**/*.tsv``, or ``<rule>/<study>.tsv`` for rules with a single job; what is missing
    has no costs, and other studies that were made in the same folder are not counted. ``workdir`` is the working
    directory of the production, by which its Slurm jobs are known.
    """
    jobs: dict[str, list[dict[str, str]]] = {}
    wanted = set(studies)
    for path in sorted(folder.rglob("*.tsv")):
        rule, study, *_ = (*path.relative_to(folder).with_suffix("").parts, "")
        if study not in wanted:
            continue
        jobs.setdefault(rule, []).extend(_rows(path))
    slurm = read_accounting(workdir, jobs)
    costs = [_cost(rule, rows, slurm.get(rule)) for rule, rows in jobs.items() if rows]
    return tuple(sorted(costs, key=lambda cost: (-cost.wall_s_total, cost.rule)))


def read_trainings(folder: Path, studies: Iterable[str]) -> tuple[TrainingCost, ...]:
    """Summarise the benchmark files of trainings by study, in the order given, the most expensive model first.

    ``folder`` holds ``<rule>/<study>/<model>/**/*.tsv`` for the rules that train; what is missing has no costs.
    """
    costs = []
    for study in studies:
        jobs: dict[str, list[float]] = {}
        for rule in ("train_member", "train_members", "train_trees"):
            for path in sorted((folder / rule / study).rglob("*.tsv")):
                model = path.relative_to(folder / rule / study).parts[0]
                jobs.setdefault(model, []).extend(_numbers(row.get("s") for row in _rows(path)))
        found = [
            TrainingCost(study=study, model=model, trainings=len(wall), wall_s_total=sum(wall), wall_s_max=max(wall))
            for model, wall in jobs.items()
            if wall
        ]
        costs += sorted(found, key=lambda cost: (-cost.wall_s_total, cost.model))
    return tuple(costs)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def _cost(rule: str, rows: list[dict[str, str]], slurm: SlurmUse | None) -> StageCost:
    wall = _numbers(row.get("s") for row in rows)
    memory = _numbers(row.get("max_rss") for row in rows)
    cpu = _numbers(row.get("cpu_time") for row in rows)
    if slurm is not None and slurm.max_rss_mb is not None:
        memory.append(slurm.max_rss_mb)
    longest = max(wall, default=0.0)
    peak = max(memory, default=None)
    return StageCost(
        rule=rule,
        jobs=len(rows),
        wall_s_total=sum(wall),
        wall_s_max=longest,
        cpu_s_total=sum(cpu) if cpu else None,
        max_rss_mb=peak,
        slurm=slurm,
        # the engine needs 400 MB of its own in a cluster job
        suggested_mem_mb=None if peak is None else max(400, 100 * math.ceil(MEMORY_MARGIN * peak / 100)),
        suggested_runtime_min=max(5, 5 * math.ceil(RUNTIME_MARGIN * longest / 300)),
    )


def _numbers(texts: Iterable[str | None]) -> list[float]:
    """Return the numbers of a column; very short jobs have ``NA`` or ``-``."""
    found = []
    for text in texts:
        with suppress(ValueError):
            found.append(float(text or "nan"))
    return [value for value in found if math.isfinite(value)]
