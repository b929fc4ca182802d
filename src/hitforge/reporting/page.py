"""The report page: one HTML file with everything inside, readable offline."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

import jinja2
from markupsafe import Markup

import hitforge
from hitforge.provenance import read_json
from hitforge.reporting.changes import Changes
from hitforge.reporting.chapter import Cell, Chapter, Column, FigureText, Measured, Table
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


@dataclass(frozen=True)
class ChapterFiles:
    """Folders with the tables and the figures of one study."""

    tables: Path
    figures: Path


@dataclass(frozen=True)
class _Picture:
    """A figure ready for the page."""

    text: FigureText
    source: str
    file_name: str


@dataclass(frozen=True)
class _ShownTable:
    """A table ready for the page; ``downloads`` holds (suffix, data URI)."""

    table: Table
    downloads: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _ShownChapter:
    chapter: Chapter
    tables: dict[str, _ShownTable]
    figures: dict[str, _Picture]


def render_page(chapters: Sequence[ChapterFiles], run: RunInfo) -> str:
    """Return the page of these chapters.

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
    loaded = [_load(files_) for files_ in chapters]
    style = files("hitforge.reporting").joinpath("page.css").read_text(encoding="utf-8")
    return environment.get_template("page.html.j2").render(
        chapters=loaded,
        front_table=_front_table([shown.chapter for shown in loaded]) if len(loaded) > 1 else None,
        run=run,
        style=Markup(style),  # our own file, not data
        version=hitforge.__version__,
        preset_note=PRESET_NOTES.get(run.preset),
        cost_tables=[table for table in (_cost_table(run.stages), _training_table(run.trainings)) if table],
        change_table=None if run.changes is None else _change_table(run.changes),
    )


def _load(files_: ChapterFiles) -> _ShownChapter:
    chapter = Chapter.model_validate(read_json(files_.tables / "chapter.json"))
    tables = {name: _table(files_.tables, name) for name in _names(chapter, "table")}
    figures = {name: _picture(files_.figures, name) for name in _names(chapter, "figure")}
    return _ShownChapter(chapter, tables, figures)


def _names(chapter: Chapter, kind: str) -> list[str]:
    return [item.name for section in chapter.sections for item in section.items if item.kind == kind]


def _table(folder: Path, name: str) -> _ShownTable:
    downloads = []
    for suffix, kind in (("csv", "text/csv"), ("md", "text/markdown"), ("tex", "application/x-tex")):
        text = (folder / f"{name}.{suffix}").read_text(encoding="utf-8")
        downloads.append((suffix, f"data:{kind};charset=utf-8,{quote(text)}"))
    return _ShownTable(read_table(folder, name), tuple(downloads))


def _picture(folder: Path, name: str) -> _Picture:
    text = FigureText.model_validate(read_json(folder / f"{name}.json"))
    svg = folder / f"{name}.svg"
    # an image of its own, not inline: ids of different drawings cannot collide, and browsers decode it when needed
    path, kind = (svg, "svg+xml") if svg.stat().st_size <= MAX_SVG_BYTES else (folder / f"{name}.png", "png")
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return _Picture(text, f"data:image/{kind};base64,{data}", path.name)


def _front_table(chapters: Sequence[Chapter]) -> Table:
    """Return the front page's table: a line for each study."""
    rows: list[tuple[Cell, ...]] = []
    for chapter in chapters:
        row = chapter.front
        if row is None:
            rows.append((chapter.study, chapter.title, *[None] * 8))
            continue
        quantity = f"{row.quantity} [{row.unit}]" if row.unit else row.quantity
        pairs = (row.baseline, row.baseline_number, row.ensemble, row.ensemble_number)
        rows.append((chapter.study, row.data, quantity, *pairs, row.gain, row.published, row.other_sample))
    return Table(
        name="front",
        title="The studies in one table",
        caption="Baseline and ensemble on the same events; gain is by how much the ensemble is better, with the error "
        "of the paired difference. Published numbers are for other samples and show the scale only.",
        columns=(
            Column(key="study", label="Study", align="left"),
            Column(key="data", label="Data", align="left", wide=True),
            Column(key="quantity", label="Quantity", align="left", wide=True),
            Column(key="baseline", label="Baseline", align="left"),
            Column(key="baseline_number", label="its number"),
            Column(key="ensemble", label="Ensemble", align="left"),
            Column(key="ensemble_number", label="its number"),
            Column(key="gain", label="Gain"),
            Column(key="published", label="Published", align="left", wide=True),
            Column(key="other_sample", label="No comparison, because", align="left", wide=True),
        ),
        rows=tuple(rows),
    )


def _cost_table(stages: Sequence[StageCost]) -> Table | None:
    if not stages:
        return None
    on_slurm = any(cost.slurm_jobs for cost in stages)
    rows: list[tuple[Cell, ...]] = []
    for cost in stages:
        row: list[Cell] = [cost.rule, cost.jobs, duration(cost.wall_s_total), duration(cost.wall_s_max)]
        row += [_rounded(cost.max_rss_mb), cost.suggested_mem_mb, cost.suggested_runtime_min]
        if on_slurm:
            row += [cost.slurm_jobs, cost.slurm_failed, _rounded(cost.slurm_mem_mb), _rounded(cost.slurm_runtime_min)]
        rows.append(tuple(row))
    columns = [
        Column(key="rule", label="Rule", align="left"),
        Column(key="jobs", label="Jobs"),
        Column(key="wall_total", label="Wall time, all jobs"),
        Column(key="wall_max", label="Longest job"),
        Column(key="rss", label="Peak memory", unit="MB"),
        Column(key="mem_suggested", label="mem_mb suggested"),
        Column(key="runtime_suggested", label="runtime suggested", unit="min"),
    ]
    if on_slurm:
        columns += [
            Column(key="slurm_jobs", label="Slurm jobs"),
            Column(key="slurm_failed", label="of them failed"),
            Column(key="slurm_mem", label="Memory requested", unit="MB"),
            Column(key="slurm_runtime", label="Time requested", unit="min"),
        ]
    total = sum(cost.wall_s_total for cost in stages)
    rows.append(("all", sum(cost.jobs for cost in stages), duration(total), *[""] * (len(columns) - 3)))
    requests = " Requests are those of a Slurm job, from the accounting; grouped rules share one." if on_slurm else ""
    return Table(
        name="run_cost",
        title="Time and memory",
        caption="From the benchmark files, the most expensive rule first; suggestions leave a margin of 30 % in memory "
        f"and a factor 2 in time over the largest job.{requests}",
        columns=tuple(columns),
        rows=tuple(rows),
        highlight=(len(rows) - 1,),
    )


def _training_table(trainings: Sequence[TrainingCost]) -> Table | None:
    if not trainings:
        return None
    return Table(
        name="training_cost",
        title="Training time of each model",
        caption="Wall time from the benchmark files, searches included; trainings that ran side by side shared the "
        "machine. Members of an ensemble and boosters of a model count as trainings.",
        columns=(
            Column(key="study", label="Study", align="left"),
            Column(key="model", label="Model", align="left"),
            Column(key="trainings", label="Trainings"),
            Column(key="wall_mean", label="Mean"),
            Column(key="wall_max", label="Longest"),
            Column(key="wall_total", label="All"),
        ),
        rows=tuple(
            (
                cost.study,
                cost.model,
                cost.trainings,
                duration(cost.wall_s_total / cost.trainings),
                duration(cost.wall_s_max),
                duration(cost.wall_s_total),
            )
            for cost in trainings
        ),
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
    rows = [
        (
            item.study,
            item.model,
            f"{item.quantity} [{item.unit}]",
            item.before,
            item.after,
            _moved(item.before, item.after),
        )
        for item in changes.numbers
    ]
    return Table(
        name="changed_numbers",
        title="Headline numbers that moved",
        caption="The shift is not divided by an error: both reports share most of their events.",
        columns=(
            Column(key="study", label="Study", align="left"),
            Column(key="model", label="Model", align="left"),
            Column(key="quantity", label="Quantity", align="left"),
            Column(key="before", label="Before"),
            Column(key="after", label="Now"),
            Column(key="shift", label="Shift"),
        ),
        rows=tuple(rows),
        empty=None if rows else "no headline number changed",
    )


def _moved(before: Measured | None, after: Measured | None) -> Cell:
    if before is None or after is None or before.value is None or after.value is None:
        return None
    shift = after.value - before.value
    return ("+" if shift > 0 else "") + cell_text(Measured(value=shift, decimals=2))
