"""Tables of the page itself: the front page, time and memory, what changed since the last report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hitforge.reporting.changes import Changes
from hitforge.reporting.chapter import Cell, Chapter, Measured, Table, column, make_table, text_column
from hitforge.reporting.metrics import SIGMAS
from hitforge.reporting.numbers import cell_text, measured, unit_of_difference
from hitforge.reporting.run_info import StageCost, TrainingCost


def result_of(chapter: Chapter) -> str | None:
    """Return the sentence with the result of a chapter, from its line on the front page; None where it has none."""
    row = chapter.front
    if row is None or row.ensemble_number.value is None:
        return None
    unit, difference = row.unit and f" {row.unit}", unit_of_difference(row.unit)
    found = f"{row.ensemble} reaches {measured(row.ensemble_number)}{unit}"
    if row.baseline_number.value is not None:
        found += f", the baseline {row.baseline} {measured(row.baseline_number)}{unit}"
    return f"{row.quantity[0].upper()}{row.quantity[1:]}, {row.data}: {found}{_verdict(row.gain, difference)}."


def _verdict(gain: Measured, unit: str) -> str:
    """Return the words on a gain; nothing where there is none."""
    if gain.value is None or gain.error is None:
        return ""
    if abs(gain.value) <= SIGMAS * gain.error:
        return "; they are the same within two errors"
    size = measured(gain.model_copy(update={"value": abs(gain.value)}))
    return f"; {'better' if gain.value > 0 else 'worse'} by {size} {unit}".rstrip()


class Gain(NamedTuple):
    """Gain of a study in percent of the baseline's number, as the front figure draws it, and in words."""

    study: str
    value: float
    error: float
    text: str


def gains(chapters: Sequence[Chapter]) -> list[Gain]:
    """Return the gain of each study that has one."""
    found = []
    for chapter in chapters:
        row = chapter.front
        if row is None or row.gain.value is None or row.gain.error is None or not row.baseline_number.value:
            continue
        scale = 100.0 / abs(row.baseline_number.value)
        value, error = scale * row.gain.value, scale * row.gain.error
        text = measured(Measured(value=value, error=error))
        found.append(Gain(chapter.study, value, error, f"{text} % ({row.ensemble} against {row.baseline})"))
    return found


def front_table(chapters: Sequence[Chapter]) -> Table:
    """Return the front page's table: a line for each study."""

    def quantity(chapter: Chapter) -> Cell:
        row = chapter.front
        return None if row is None else f"{row.quantity} [{row.unit}]" if row.unit else row.quantity

    return make_table(
        "front",
        "The studies in one table",
        "Baseline and ensemble on the same events; gain is by how much the ensemble is better, with the error "
        "of the paired difference.",
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
        ),
        chapters,
    )


def cost_table(stages: Sequence[StageCost]) -> Table | None:
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


def training_table(trainings: Sequence[TrainingCost]) -> Table | None:
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


def change_table(changes: Changes) -> Table:
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
