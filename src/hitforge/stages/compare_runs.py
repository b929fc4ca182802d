"""Stage of the command ``compare``: two runs, study by study, with paired errors where the events are the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from math import hypot
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.config import RunSettings
from hitforge.evaluation.differences import Row, find
from hitforge.named import load_function
from hitforge.predictions import EvaluationPiece, PlannedPiece
from hitforge.provenance import read_json
from hitforge.reporting.catalogue import load_catalogue
from hitforge.reporting.changes import compare_chapters
from hitforge.reporting.chapter import Chapter, HeadlineNumber, Measured, ReportInputs
from hitforge.reporting.comparison_page import ComparedNumber, StudyComparison
from hitforge.reporting.metrics import sample_title
from hitforge.stages.report_inputs import paths_in, read_inputs
from hitforge.studies.base import Study, load_study
from hitforge.studies.declaration import declaration_of

SEED: int = RunSettings.model_fields["seed"].default
"""Root of the bootstrap draws: the results do not name that of their run."""


@dataclass(frozen=True)
class StudyRun:
    """What a run has of a study."""

    folder: Path
    """The study's folder in the results."""

    @cached_property
    def chapter(self) -> Chapter:
        """The chapter of its report, with the settings of the run; a ValueError if that was not kept."""
        path = self.folder / "tables" / "chapter.json"
        chapter = Chapter.model_validate(read_json(path))
        if not chapter.settings:
            raise ValueError(f"{path}: no settings are kept in it; fix: make the tables again (snakemake tables)")
        return chapter

    @cached_property
    def study(self) -> Study:
        """The study with the settings of the run that evaluation and plan read.

        Not with all: what is kept has the reported models only, and other settings may name further ones.
        """
        name = self.chapter.study
        blocks = {block for entry in declaration_of(name).entry_points("compare").values() for block in entry.settings}
        wanted = {"samples", "folds", "run_models", "models", *blocks}
        return load_study(name, {key: value for key, value in self.chapter.settings.items() if key in wanted})

    @cached_property
    def inputs(self) -> ReportInputs:
        """The artefacts of the models that the run reports."""
        return read_inputs({**paths_in(self.folder, self.study), "settings": self.chapter.settings})

    @cached_property
    def headline(self) -> dict[tuple[str, str], HeadlineNumber]:
        """The headline numbers by model and quantity."""
        function = load_catalogue(self.chapter.study).headline
        found = () if function is None else load_function(self.chapter.study, function)(self.inputs)
        return {(item.model, item.quantity): item for item in found}

    def pieces(self, model: str, sample: str) -> list[EvaluationPiece]:
        """Return the predictions of a model on an evaluation sample, none where they are gone."""
        planned: Sequence[PlannedPiece] = self.inputs.outputs.get(model, {}).get(sample, ())
        return [piece.read() for piece in planned]


def studies_in(run: Path) -> dict[str, StudyRun]:
    """Return the studies of a results folder, or the one whose folder it is."""
    chapters = [run / "tables" / "chapter.json", *sorted(run.glob("*/tables/chapter.json"))]
    found = {read_json(path)["study"]: StudyRun(path.parents[1]) for path in chapters if path.is_file()}
    if not found:
        raise FileNotFoundError(
            f"{run}: no study with a report in it; fix: name a results folder after snakemake tables"
        )
    return found


def compare_runs(a: Path, b: Path) -> list[StudyComparison]:
    """Compare the studies that two runs have in common."""
    first, second = studies_in(a), studies_in(b)
    common = [study for study in first if study in second]
    if not common:
        raise ValueError(f"no study is in both {a} ({', '.join(first)}) and {b} ({', '.join(second)})")
    return [compare_study(first[study], second[study]) for study in common]


def compare_study(a: StudyRun, b: StudyRun) -> StudyComparison:
    """Compare two runs of one study."""
    study = a.chapter.study
    pairs = _Pairs(a, b)
    return StudyComparison(
        chapters=(a.chapter, b.chapter),
        folders=(a.folder, b.folder),
        settings=tuple(differing(a.chapter.settings, b.chapter.settings)),
        samples=compare_chapters({study: a.chapter.model_dump()}, {study: b.chapter.model_dump()}).samples,
        numbers=tuple(_numbers(a, b, pairs)),
        unpaired={sample_title(sample): why for sample, why in pairs.why_not.items()},
    )


def differing(a: Any, b: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield each setting that differs, by its dotted key, with both values; None where a run has no such key."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for name in dict.fromkeys(chain(a, b)):
            yield from differing(a.get(name), b.get(name), f"{key}.{name}" if key else str(name))
    elif a != b:
        yield key, a, b


def _numbers(a: StudyRun, b: StudyRun, pairs: _Pairs) -> Iterator[ComparedNumber]:
    for key in dict.fromkeys(chain(a.headline, b.headline)):
        first, second = a.headline.get(key), b.headline.get(key)
        model, quantity = key
        some = first or second
        assert some is not None
        if first is None or second is None:
            absent = Measured(value=None, reason=f"not in {'A' if first is None else 'B'}")
            numbers, shift, paired = (
                (first.number if first else absent, second.number if second else absent),
                absent,
                False,
            )
        else:
            numbers = (first.number, second.number)
            found = pairs.difference(first)
            paired = found is not None
            shift = _shift(*numbers, found)
        yield ComparedNumber(
            model=model, quantity=quantity, unit=some.unit, numbers=numbers, shift=shift, paired=paired
        )


def _shift(first: Measured, second: Measured, paired: Measured | None) -> Measured:
    """Return second minus first, with the error of the paired difference or, without one, of independent samples."""
    if first.value is None or second.value is None:
        return Measured(value=None, reason=first.reason or second.reason)
    error = None if first.error is None or second.error is None else hypot(first.error, second.error)
    return Measured(value=second.value - first.value, error=error if paired is None else paired.error)


class _Pairs:
    """Paired differences, B minus A, of the models of two runs; ``why_not`` says which samples have none."""

    def __init__(self, a: StudyRun, b: StudyRun) -> None:
        self._runs = (a, b)
        self._rows: dict[tuple[str, str], list[Row]] = {}
        self.why_not: dict[str, str] = {}
        given = [declaration_of(a.chapter.study).given_settings(run.study.settings, "compare") for run in self._runs]
        self._same_evaluation = given[0] == given[1]

    def difference(self, item: HeadlineNumber) -> Measured | None:
        """Return the difference of a number of both runs; None where the study compares none, or not these events."""
        wanted = item.compared
        if wanted is None:
            return None
        key = (item.model, wanted.sample)
        if key not in self._rows:
            self._rows[key] = self._compare(*key)
        found = find(self._rows[key], "B", "A", wanted.quantity, wanted.where)
        return None if found is None or found["error"] is None else Measured.of(found, wanted.scale)

    def _compare(self, model: str, sample: str) -> list[Row]:
        a, b = self._runs
        first, second = (run.pieces(model, sample) for run in self._runs)
        why = _why_unpaired(first, second) if self._same_evaluation else "the settings of the evaluation differ"
        if why:
            self.why_not[sample] = why
            return []
        events = {"A": a.study.calibrated(first), "B": b.study.calibrated(second)}
        return b.study.compare(events, SEED, sample)


def _why_unpaired(first: Sequence[EvaluationPiece], second: Sequence[EvaluationPiece]) -> str:
    """Return why predictions of two runs are not of the same events in the same order; empty if they are."""
    if not first or not second:
        return "the predictions of a run are not there"
    columns = [
        {name: np.concatenate([getattr(p.predictions, name) for p in pieces]) for name in ("part", "entry", "target")}
        for pieces in (first, second)
    ]
    if all(np.array_equal(columns[0][name], columns[1][name]) for name in columns[0]):
        return ""
    return f"other events: {len(columns[0]['entry'])} in A, {len(columns[1]['entry'])} in B"
