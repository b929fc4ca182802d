"""What changed since the last report: parts that came and went, headline numbers before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hitforge.reporting.chapter import Chapter, Measured
from hitforge.settings_base import Settings


class SampleChange(Settings):
    """Parts of a sample that were added or removed, and the events used before and after."""

    study: str
    sample: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    events_before: int = 0
    events_after: int = 0


class NumberChange(Settings):
    """A headline number before and after; None where a report does not have it."""

    study: str
    model: str
    quantity: str
    unit: str
    before: Measured | None
    after: Measured | None


class Changes(Settings):
    """All changes; empty tuples mean that nothing changed."""

    samples: tuple[SampleChange, ...] = ()
    numbers: tuple[NumberChange, ...] = ()


def compare_chapters(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """Return what differs between two reports, each a mapping of study to the content of its ``chapter.json``.

    Study by study: one that is in only one of them has nothing to be compared with.
    """
    samples: list[SampleChange] = []
    numbers: list[NumberChange] = []
    for study in (study for study in after if study in before):
        old, new = Chapter.model_validate(before[study]), Chapter.model_validate(after[study])
        samples += _samples(study, old, new)
        numbers += _numbers(study, old, new)
    return Changes(samples=tuple(samples), numbers=tuple(numbers))


def _samples(study: str, old: Chapter, new: Chapter) -> Iterator[SampleChange]:
    for sample in dict.fromkeys([*new.parts, *old.parts]):
        was, now = old.parts.get(sample, {}), new.parts.get(sample, {})
        if was != now:
            yield SampleChange(
                study=study,
                sample=sample,
                added=tuple(sorted(set(now) - set(was))),
                removed=tuple(sorted(set(was) - set(now))),
                events_before=sum(was.values()),
                events_after=sum(now.values()),
            )


def _numbers(study: str, old: Chapter, new: Chapter) -> Iterator[NumberChange]:
    was = {(item.model, item.quantity): item for item in old.headline}
    now = {(item.model, item.quantity): item for item in new.headline}
    # in the order of the new report, and in its words
    for key, some in (now | was | now).items():
        before, after = was.get(key), now.get(key)
        if before != after:
            yield NumberChange(
                study=study,
                model=some.model,
                quantity=some.quantity,
                unit=some.unit,
                before=before.number if before else None,
                after=after.number if after else None,
            )
