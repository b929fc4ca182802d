"""The page that shows two runs side by side: settings that differ, headline numbers with their shifts, figures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hitforge.reporting.changes import SampleChange
from hitforge.reporting.chapter import Cell, Chapter, Measured, Table, by_place, column, make_table, text_column
from hitforge.reporting.metrics import SIGMAS, significance
from hitforge.reporting.page import picture, templates
from hitforge.settings_base import Settings


class ComparedNumber(Settings):
    """A headline number in run A and in run B; the shift is B minus A."""

    model: str
    quantity: str
    unit: str
    numbers: tuple[Measured, Measured]
    shift: Measured
    paired: bool
    """Whether the error of the shift knows that both runs have the same events."""

    @property
    def moved(self) -> bool:
        """Whether the shift is larger than its errors allow."""
        shift = self.shift
        return shift.value is not None and shift.error is not None and abs(shift.value) > SIGMAS * shift.error


class StudyComparison(Settings):
    """All that is compared of a study; pairs are of A and B."""

    chapters: tuple[Chapter, Chapter]
    folders: tuple[Path, Path]
    settings: tuple[tuple[str, Any, Any], ...]
    samples: tuple[SampleChange, ...]
    numbers: tuple[ComparedNumber, ...]
    unpaired: Mapping[str, str]
    """Samples whose errors are not paired, with the reason."""


def render_comparison(runs: tuple[Path, Path], studies: Sequence[StudyComparison]) -> str:
    """Return the page of two runs; it needs no network and no other file."""
    shown = [
        {
            "study": each.chapters[1].study,
            "title": each.chapters[1].title,
            "result": result_of(each),
            "samples": each.samples,
            "numbers": number_table(each),
            "settings": settings_table(each),
            "figures": list(_figures(each)),
        }
        for each in studies
    ]
    return templates().get_template("comparison.html.j2").render(runs=runs, studies=shown)


def result_of(comparison: StudyComparison) -> str:
    """Return the sentence that says how many numbers moved."""
    known = [number for number in comparison.numbers if number.shift.error is not None]
    if not known:
        return "No headline number has an error in both runs."
    moved = sum(number.moved for number in known)
    paired = sum(number.paired for number in known)
    return (
        f"{moved or 'None'} of {len(known)} headline numbers moved by more than {SIGMAS:.0f} errors; "
        f"{paired} of the errors are paired."
    )


def number_table(comparison: StudyComparison) -> Table:
    """Return the headline numbers of both runs."""
    return make_table(
        "headline_numbers",
        "Headline numbers",
        "Shift: B minus A, of percentages in pp. A paired error is of the difference, on the same events and bootstrap "
        "draws: what these events do to both runs cancels. An independent one is that of both runs in quadrature, "
        "which is right for other events and as a rule too large for the same ones. Set off: more than 2 errors.",
        (
            text_column("model", "Model", lambda row: row.model),
            text_column("quantity", "Quantity", _quantity, wide=True),
            column("a", "A", lambda row: row.numbers[0]),
            column("b", "B", lambda row: row.numbers[1]),
            column("shift", "Shift", lambda row: row.shift),
            column("sigma", "Shift", lambda row: significance(row.shift), "σ"),
            text_column("error", "Error", _kind_of_error),
        ),
        comparison.numbers,
        notes=[f"{sample}: not paired, {why}." for sample, why in comparison.unpaired.items()],
        empty="the chapter of this study has no headline numbers",
        highlight=lambda row: row.moved,
    )


def _quantity(number: ComparedNumber) -> Cell:
    return f"{number.quantity} [{number.unit}]" if number.unit else number.quantity


def _kind_of_error(number: ComparedNumber) -> Cell:
    return None if number.shift.error is None else "paired" if number.paired else "independent"


def settings_table(comparison: StudyComparison) -> Table:
    """Return the settings that differ."""
    return make_table(
        "settings",
        "Settings that differ",
        "Of the study and of its reported models, with all defaults.",
        by_place({"key": "Key", "a": "A", "b": "B"}),
        [(key, _text(a), _text(b)) for key, a, b in comparison.settings],
        empty="all settings of the study are the same",
    )


def _text(value: Any) -> str:
    return "—" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _figures(comparison: StudyComparison) -> Iterator[dict[str, Any]]:
    """Yield the figures with something to show, in the order of B and then of A; one that is the same is there once."""
    names = dict.fromkeys(
        item.name
        for chapter in reversed(comparison.chapters)
        for section in chapter.sections
        for item in section.items
        if item.kind == "figure"
    )
    for name in names:
        pictures = [
            picture(folder / "figures", name) if (folder / "figures" / f"{name}.json").is_file() else None
            for folder in comparison.folders
        ]
        pictures = [None if each is None or each["empty"] else each for each in pictures]
        a, b = pictures
        if a and b and a["source"] == b["source"]:
            yield {"name": name, "title": b["title"], "pictures": {"A and B": b}}
        elif a or b:
            title = next(each["title"] for each in (b, a) if each)
            yield {"name": name, "title": title, "pictures": {"A": a, "B": b}}
