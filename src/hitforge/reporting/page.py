"""The report page: one HTML file with everything inside, readable offline."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

import hitforge
from hitforge.provenance import read_json
from hitforge.reporting.changes import Changes
from hitforge.reporting.chapter import Cell, Chapter, FigureText, Measured, Table, column, make_table, text_column
from hitforge.reporting.numbers import cell_text, fixed
from hitforge.reporting.run_info import RunInfo, StageCost, TrainingCost
from hitforge.reporting.tables import heading, read_table, render

MAX_SVG_BYTES = 450_000
"""A larger drawing is shown as PNG, so that the page stays small."""

PRESET_NOTES = {
    "demo": (
        "Preset demo: small samples and short trainings. This report demonstrates function, not physics: "
        "none of its numbers says anything about the method."
    ),
    "small": (
        "Preset small: reduced samples and short trainings. Its numbers measure this run and are not what the full "
        "data would give."
    ),
}


def render_page(folders: Sequence[Path], run: RunInfo) -> str:
    """Return the page of some studies, each in a folder with ``tables`` and ``figures``.

    The page has no link to any other file or host, so it can be mailed or archived; tables can be saved from it.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hitforge", "reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals |= {"render": render, "heading": heading}
    environment.filters["grouped"] = lambda value: fixed(float(value), 0)
    chapters = [Chapter.model_validate(read_json(folder / "tables" / "chapter.json")) for folder in folders]
    style = files("hitforge.reporting").joinpath("page.css").read_text(encoding="utf-8")
    return environment.get_template("page.html.j2").render(
        chapters=[_shown(chapter, folder) for chapter, folder in zip(chapters, folders, strict=True)],
        front_table=_front_table(chapters) if len(chapters) > 1 else None,
        run=run,
        style=Markup(style),  # our own file, not data
        version=hitforge.__version__,
        preset_note=PRESET_NOTES.get(run.preset),
        cost_tables=[table for table in (_cost_table(run.stages), _training_table(run.trainings)) if table],
        change_table=None if run.changes is None else _change_table(run.changes),
    )


def _shown(chapter: Chapter, folder: Path) -> dict[str, Any]:
    """Return a chapter with its tables and figures by name, as the template takes them."""
    shown: dict[str, Any] = {"chapter": chapter, "tables": {}, "figures": {}}
    for item in (item for section in chapter.sections for item in section.items):
        ready = _table if item.kind == "table" else _picture
        shown[f"{item.kind}s"][item.name] = ready(folder / f"{item.kind}s", item.name)
    return shown


def _table(folder: Path, name: str) -> dict[str, Any]:
    downloads = {}
    for suffix, kind in (("csv", "text/csv"), ("md", "text/markdown"), ("tex", "application/x-tex")):
        text = (folder / f"{name}.{suffix}").read_text(encoding="utf-8")
        downloads[suffix] = f"data:{kind};charset=utf-8,{quote(text)}"
    return {"table": read_table(folder, name), "downloads": downloads.items()}


def _picture(folder: Path, name: str) -> dict[str, Any]:
    text = FigureText.model_validate(read_json(folder / f"{name}.json"))
    svg = folder / f"{name}.svg"
    # an image of its own, not inline: ids of different drawings cannot collide, and browsers decode it when needed
    path, kind = (svg, "svg+xml") if svg.stat().st_size <= MAX_SVG_BYTES else (folder / f"{name}.png", "png")
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return {"text": text, "source": f"data:image/{kind};base64,{data}", "file_name": path.name}


def _front_table(chapters: Sequence[Chapter]) -> Table:
    """Return the front page's table: a line for each study."""

    def quantity(chapter: Chapter) -> Cell:
        row = chapter.front
        return None if row is None else f"{row.quantity} [{row.unit}]" if row.unit else row.quantity

    return make_table(
        "front",
        "The studies in one table",
        "Baseline and ensemble on the same events; gain is by how much the ensemble is better, with the error "
        "of the paired difference. Published numbers are for other samples and show the scale only.",
        (
            text_column("study", "Study", lambda chapter: chapter.study),
            text_column(
                "data", "Data", lambda chapter: (chapter.front and chapter.front.data) or chapter.title, wide=True
            ),
            text_column("quantity", "Quantity", quantity, wide=True),
            text_column("baseline", "Baseline", lambda chapter: chapter.front and chapter.front.baseline),
            column("baseline_number", "its number", lambda chapter: chapter.front and chapter.front.baseline_number),
            text_column("ensemble", "Ensemble", lambda chapter: chapter.front and chapter.front.ensemble),
            column("ensemble_number", "its number", lambda chapter: chapter.front and chapter.front.ensemble_number),
            column("gain", "Gain", lambda chapter: chapter.front and chapter.front.gain),
            text_column("published", "Published", lambda chapter: chapter.front and chapter.front.published, wide=True),
            text_column(
                "other_sample", "No comparison, because", lambda c: c.front and c.front.other_sample, wide=True
            ),
        ),
        chapters,
    )


def _cost_table(stages: Sequence[StageCost]) -> Table | None:
    if not stages:
        return None
    of_slurm = (
        column("slurm_jobs", "Slurm jobs", lambda cost: cost.slurm and cost.slurm.jobs),
        column("slurm_failed", "of them failed", lambda cost: cost.slurm and cost.slurm.failed),
        column("slurm_mem", "Memory requested", lambda cost: cost.slurm and _rounded(cost.slurm.mem_mb), "MB"),
        column("slurm_runtime", "Time requested", lambda cost: cost.slurm and _rounded(cost.slurm.runtime_min), "min"),
    )
    on_slurm = any(cost.slurm for cost in stages)
    requests = " Requests are those of a Slurm job, from the accounting; grouped rules share one." if on_slurm else ""
    table = make_table(
        "run_cost",
        "Time and memory",
        "From the benchmark files, the most expensive rule first; suggestions leave a margin of 30 % in memory "
        f"and a factor 2 in time over the largest job.{requests}",
        (
            text_column("rule", "Rule", lambda cost: cost.rule),
            column("jobs", "Jobs", lambda cost: cost.jobs),
            column("wall_total", "Wall time, all jobs", lambda cost: duration(cost.wall_s_total)),
            column("wall_max", "Longest job", lambda cost: duration(cost.wall_s_max)),
            column("rss", "Peak memory", lambda cost: _rounded(cost.max_rss_mb), "MB"),
            column("mem_suggested", "mem_mb suggested", lambda cost: cost.suggested_mem_mb),
            column("runtime_suggested", "runtime suggested", lambda cost: cost.suggested_runtime_min, "min"),
            *(of_slurm if on_slurm else ()),
        ),
        stages,
    )
    seconds = sum(cost.wall_s_total for cost in stages)
    total = ("all", sum(cost.jobs for cost in stages), duration(seconds), *[""] * (len(table.columns) - 3))
    return table.model_copy(update={"rows": (*table.rows, total), "highlight": (len(table.rows),)})


def _training_table(trainings: Sequence[TrainingCost]) -> Table | None:
    if not trainings:
        return None
    return make_table(
        "training_cost",
        "Training time of each model",
        "Wall time from the benchmark files, searches included; trainings that ran side by side shared the "
        "machine. Members of an ensemble and boosters of a model count as trainings.",
        (
            text_column("study", "Study", lambda cost: cost.study),
            text_column("model", "Model", lambda cost: cost.model),
            column("trainings", "Trainings", lambda cost: cost.trainings),
            column("wall_mean", "Mean", lambda cost: duration(cost.wall_s_total / cost.trainings)),
            column("wall_max", "Longest", lambda cost: duration(cost.wall_s_max)),
            column("wall_total", "All", lambda cost: duration(cost.wall_s_total)),
        ),
        trainings,
    )


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)


def duration(seconds: float) -> str:
    """Return a wall time for a person."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, hours = seconds / 60, seconds / 3600
    return f"{minutes:.1f} min" if minutes < 100 else f"{hours:.1f} h"


def _change_table(changes: Changes) -> Table:
    return make_table(
        "changed_numbers",
        "Headline numbers that moved",
        "The shift is not divided by an error: both reports share most of their events.",
        (
            text_column("study", "Study", lambda item: item.study),
            text_column("model", "Model", lambda item: item.model),
            text_column("quantity", "Quantity", lambda item: f"{item.quantity} [{item.unit}]"),
            column("before", "Before", lambda item: item.before),
            column("after", "Now", lambda item: item.after),
            column("shift", "Shift", lambda item: _moved(item.before, item.after)),
        ),
        changes.numbers,
        empty="no headline number changed",
    )


def _moved(before: Measured | None, after: Measured | None) -> Cell:
    if before is None or after is None or before.value is None or after.value is None:
        return None
    shift = after.value - before.value
    return ("+" if shift > 0 else "") + cell_text(Measured(value=shift, decimals=2))
