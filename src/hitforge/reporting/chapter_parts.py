"""Pieces that the chapters of all studies are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from hitforge.named import load_function
from hitforge.remarks import remarks
from hitforge.reporting.catalogue import Catalogue
from hitforge.reporting.chapter import Chapter, Compared, HeadlineNumber, Item, Measured, ReportInputs, Section
from hitforge.reporting.metrics import sample_title, shown_sample
from hitforge.reporting.numbers import cell_text, fixed


def write_chapter(catalogue: Catalogue, inputs: ReportInputs) -> Chapter:
    """Return the words of a catalogue's chapter and the order of its tables and figures.

    With them go the used parts of each sample and the headline numbers, for the next report's comparison.
    """

    def called(function: str | None) -> Any:
        return () if function is None else load_function(inputs.study, function)(inputs)

    def paragraphs(function: str | None) -> tuple[str, ...]:
        found = called(function)
        return (found,) if isinstance(found, str) else tuple(found)

    return Chapter(
        study=inputs.study,
        title=catalogue.title,
        author=inputs.settings.get("report", {}).get("author", ""),
        opening=catalogue.opening,
        summary=paragraphs(catalogue.summary),
        notes=(*map(_sentence, remarks(inputs.settings)), *paragraphs(catalogue.notes)),
        sections=tuple(
            Section(
                id=section.id,
                title=section.title,
                text=(*section.words, *paragraphs(section.text)),
                items=tuple(Item(kind=view.kind, name=view.name) for view in section.views),
            )
            for section in catalogue.sections
        ),
        parts={
            sample: {part: inventory.parts[part].n_events for part in inventory.good}
            for sample, inventory in inputs.inventory_of.items()
        },
        headline=tuple(called(catalogue.headline)),
        front=called(catalogue.front) or None,
        settings=inputs.settings,
    )


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def models_and_events(inputs: ReportInputs, events: str) -> str:
    """Return the sentence that names the models and counts the ``events``: muons, roads."""
    count = {
        role: sum(inputs.inventory_of[name].n_events for name in names if name in inputs.inventory_of)
        for role in ("train", "test")
        for names in (inputs.samples_with_role(role),)
    }
    return (
        f"{len(inputs.metrics)} model{'s' * (len(inputs.metrics) != 1)} ({', '.join(inputs.metrics)}) on "
        f"{fixed(count['train'], 0)} {events} of the train sample and {fixed(count['test'], 0)} test {events} that no "
        "training sees."
    )


def headline_numbers(
    inputs: ReportInputs,
    numbers_of: Callable[[ReportInputs, str], Mapping[str, Measured]],
    quantities: Mapping[str, tuple[str, str]],
) -> Iterator[HeadlineNumber]:
    """Yield the numbers of each model on the shown sample; ``quantities`` has title and unit of those to show."""
    for model in inputs.metrics:
        for name, number in numbers_of(inputs, model).items():
            if name in quantities:
                quantity, unit = quantities[name]
                yield HeadlineNumber(
                    model=model,
                    quantity=quantity,
                    unit=unit,
                    number=number,
                    compared=Compared(sample=shown_sample(inputs), quantity=name, scale=100.0 if unit == "%" else 1.0),
                )


def reference_sentence(inputs: ReportInputs, headline: Iterable[HeadlineNumber], events: str) -> Iterator[str]:
    """Yield the sentence with what is known of the reference model; nothing where there is nothing."""
    words = [
        f"{item.quantity} {cell_text(item.number)} {item.unit}".rstrip()
        for item in headline
        if item.model == inputs.reference and item.number.value is not None
    ]
    if words:
        sample = sample_title(shown_sample(inputs))
        yield f"The reference model {inputs.reference} on the {sample} {events}: {'; '.join(words)}."


def generated_samples(inputs: ReportInputs) -> str:
    """Return the names of the samples that are simulated here, ``a and b``; empty if none is."""
    return " and ".join(name for name, sample in inputs.settings["samples"].items() if sample["source"] == "simulate")


def missing_numbers(headline: Iterable[HeadlineNumber]) -> dict[tuple[str, str], list[str]]:
    """Return the models without a headline number, by quantity and reason: a note says each once."""
    missing: dict[tuple[str, str], list[str]] = {}
    for item in headline:
        if item.number.value is None:
            missing.setdefault((item.quantity, item.number.reason or "it was not computed"), []).append(item.model)
    return missing


def parts_left_out(inputs: ReportInputs) -> Iterator[str]:
    """Yield a note for each sample of which parts were left out."""
    for sample, inventory in inputs.inventory_of.items():
        left_out = len(inventory.parts) - len(inventory.good)
        if left_out:
            yield f"{left_out} of {len(inventory.parts)} parts of {sample} are left out; the table of parts says why."


def evaluated_events(inputs: ReportInputs, sample: str, n: int, events: str) -> str:
    """Return what was evaluated, for the front page: ``2 625 simulated test objects``; ``events`` names them."""
    return f"{fixed(n, 0)} {'simulated ' * inputs.is_simulated(sample)}{events}"
