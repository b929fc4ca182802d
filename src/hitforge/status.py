"""What is running and what is finished, read from the files of a results folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hitforge.provenance import read_json
from hitforge.terminal.jobs import duration
from hitforge.terminal.run_state import RunState, read_state

STAGES = {
    "ntuples": "ntuples/*/*.root",
    "verdicts": "verdicts/*/*.json",
    "shards": "shards/*/*.h5",
    "models": "models/**/model.json",
    "predictions": "predictions/**/*.h5",
    "metrics": "metrics/*.json",
    "tables": "tables/*.csv",
    "figures": "figures/*.svg",
}
STALE_SECONDS = 900
_PLAIN: dict[str, Any] = {"box": None, "padding": (0, 2, 0, 0), "title_justify": "left"}


def status_view(results: Path) -> RenderableType:
    """Return the state of the last run, then files and trainings of all studies, and failed jobs from the logs."""
    studies = sorted(path for path in results.glob("*") if path.is_dir() and path.name != "report")
    state = read_state(results.parent)
    if not studies and state is None:
        return f"{results}: nothing here yet; start with: snakemake --cores 2"
    parts = list(_run(state)) if state is not None else []
    parts += [part for study in studies for part in (_stage_table(study), _training_table(study)) if part.row_count]
    failures = _failures(results.parent / "logs")
    return Group(*parts, failures) if failures.row_count else Group(*parts)


def _run(state: RunState) -> Iterator[RenderableType]:
    """Yield how far the last run has come: all of it, its stages, the running jobs."""
    done, total = (sum(numbers) for numbers in zip(*state.stages.values(), strict=True)) if state.stages else (0, 0)
    now = datetime.now(UTC).timestamp()
    words = [f"{done} of {total} jobs done"]
    if state.alive:
        words += [f"running for {duration(now - state.begin)}"]
        left = state.left_s - (now - state.updated)
        words += [f"about {duration(left)} left"] if left > 1 else []
    else:
        words += ["ended" if state.ended else f"the engine (process {state.pid} on {state.host}) is gone: run again"]
    words += [f"{len(state.failed)} failed"] if state.failed else []
    yield Text("Last run: " + ", ".join(words), style="bold red" if state.failed else "bold")
    table = Table(**_PLAIN)
    table.add_column("stage", overflow="fold")
    table.add_column("done", justify="right")
    table.add_column("of", justify="right")
    for name, numbers in state.stages.items():
        table.add_row(name, *map(str, numbers))
    yield table
    if state.alive and state.running:
        running = Table("running", "for", **_PLAIN)
        running.columns[0].overflow = "fold"
        for name, since in sorted(state.running.items(), key=lambda item: item[1]):
            running.add_row(name, duration(now - since))
        yield running


def _stage_table(study: Path) -> Table:
    table = Table(title=f"{study.name}: files of each stage", **_PLAIN)
    for stage in STAGES:
        table.add_column(stage, justify="right")
    table.add_row(*(str(sum(1 for _ in study.glob(pattern))) for pattern in STAGES.values()))
    return table


def _training_table(study: Path) -> Table:
    table = Table(title=f"{study.name}: trainings", **_PLAIN)
    for column in ("model", "member", "state", "epoch", "train loss", "validation loss", "best", "left"):
        # a name or a number that is cut tells nothing
        table.add_column(column, justify="left" if column in {"model", "state"} else "right", overflow="fold")
    for row in [*_running(study), *_finished(study)]:
        table.add_row(*row)
    return table


def _running(study: Path) -> Iterator[tuple[str, ...]]:
    folder = study / "checkpoints"
    for path in sorted(folder.rglob("*.status.json")):
        status: dict[str, Any] = read_json(path)
        state = str(status["state"])
        age = (datetime.now(UTC) - datetime.fromisoformat(status["updated"])).total_seconds()
        if state == "running" and age > STALE_SECONDS:
            state = f"silent for {age / 60:.0f} min"
        yield (
            str(path.parent.relative_to(folder)),
            path.name.removesuffix(".status.json").removeprefix("member_"),
            state,
            f"{status['epoch']}/{status['max_epochs']}",
            *(_number(status.get(loss)) for loss in ("train_loss", "validation_loss", "best_validation_loss")),
            duration(status["eta_s"]) if status.get("eta_s") is not None else "",
        )


def _finished(study: Path) -> Iterator[tuple[str, ...]]:
    folder = study / "models"
    for path in sorted(folder.rglob("member_*.json")):
        info = read_json(path)
        last = info["history"][-1]
        yield (
            str(path.parent.relative_to(folder)),
            path.stem.removeprefix("member_"),
            f"finished: {info['stop_reason'].replace('_', ' ')}",
            str(len(info["history"])),
            *map(_number, (last["train_loss"], last["validation_loss"], info["best_loss"])),
            "",
        )


def _failures(logs: Path) -> Table:
    """Return the jobs whose last attempt ended with an error; the engine removes a log before the next attempt."""
    table = Table("log", "error", title="failed jobs", **_PLAIN)
    table.columns[0].overflow = table.columns[1].overflow = "fold"
    for path in sorted(logs.rglob("*.log")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [line.partition(" CRITICAL ")[2].strip() for line in lines if " CRITICAL " in line]
        if errors:
            table.add_row(str(path), errors[-1])
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
