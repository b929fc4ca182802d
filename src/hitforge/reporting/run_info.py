"""What differs from run to run and stands only in the report's run section: times, memory, versions, host."""

from __future__ import annotations

import csv
import math
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hitforge.reporting.changes import Changes
from hitforge.reporting.changes import compare_chapters as compare_chapters
from hitforge.settings_base import Settings

PACKAGES = (
    "hitforge", "numpy", "scipy", "pandas", "h5py", "awkward", "uproot", "torch", "xgboost", "xgboost-cpu", "optuna",
    "numba", "matplotlib", "mplhep", "snakemake",
)  # fmt: skip

MEMORY_MARGIN = 1.3
RUNTIME_MARGIN = 2.0


class StageCost(Settings):
    """Time and memory of the jobs of one rule, from its benchmark files.

    ``suggested_*`` leave a margin over the largest job seen; None where a benchmark does not know the memory.
    """

    rule: str
    jobs: int
    wall_s_total: float
    wall_s_max: float
    cpu_s_total: float | None = None
    max_rss_mb: float | None = None
    requested_mem_mb: float | None = None
    requested_runtime_min: float | None = None
    suggested_mem_mb: int | None = None
    suggested_runtime_min: int | None = None


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
    notes: tuple[str, ...] = ()
    changes: Changes | None = None

    @staticmethod
    def installed_versions() -> dict[str, str]:
        """Return the versions of Python and of the packages that shape results."""
        found = {"python": platform.python_version()}
        for name in PACKAGES:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                continue
        return found


def read_benchmarks(folder: Path, requested: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[StageCost, ...]:
    """Summarise Snakemake's benchmark files by rule.

    Parameters
    ----------
    folder : Path
        Holds ``<rule>/**/*.tsv``, or ``<rule>.tsv`` for rules with a single job; a missing folder has no costs.
    requested : mapping of rule to resources, optional
        ``mem_mb`` and ``runtime`` (minutes) that the rule asks for.

    Returns
    -------
    tuple of StageCost
        The most expensive rule first.
    """
    jobs: dict[str, list[dict[str, str]]] = {}
    for path in sorted(folder.rglob("*.tsv")) if folder.is_dir() else ():
        parts = path.relative_to(folder).parts
        rule = parts[0] if len(parts) > 1 else path.stem
        with path.open(encoding="utf-8", newline="") as handle:
            jobs.setdefault(rule, []).extend(csv.DictReader(handle, delimiter="\t"))
    costs = [_cost(rule, rows, (requested or {}).get(rule, {})) for rule, rows in jobs.items() if rows]
    return tuple(sorted(costs, key=lambda cost: (-cost.wall_s_total, cost.rule)))


def _cost(rule: str, rows: list[dict[str, str]], requested: Mapping[str, Any]) -> StageCost:
    wall = _numbers(row.get("s") for row in rows)
    memory = _numbers(row.get("max_rss") for row in rows)
    cpu = _numbers(row.get("cpu_time") for row in rows)
    longest = max(wall, default=0.0)
    peak = max(memory, default=None)
    return StageCost(
        rule=rule,
        jobs=len(rows),
        wall_s_total=sum(wall),
        wall_s_max=longest,
        cpu_s_total=sum(cpu) if cpu else None,
        max_rss_mb=peak,
        requested_mem_mb=requested.get("mem_mb"),
        requested_runtime_min=requested.get("runtime"),
        # the engine needs 400 MB of its own in a cluster job
        suggested_mem_mb=None if peak is None else max(400, 100 * math.ceil(MEMORY_MARGIN * peak / 100)),
        suggested_runtime_min=max(5, 5 * math.ceil(RUNTIME_MARGIN * longest / 300)),
    )


def _numbers(texts: Iterable[str | None]) -> list[float]:
    """Return the numbers of a column; very short jobs have ``NA`` or ``-``."""
    found = []
    for text in texts:
        try:
            value = float(text or "nan")
        except ValueError:
            continue
        if math.isfinite(value):
            found.append(value)
    return found
