"""What a study's chapter shows, as a declaration: its sections with their words, tables and figures, by name.

The workflow reads it to know its outputs, so it imports nothing that draws or computes. A function is named
``module:function``, the module relative to the study's folder or, from ``hitforge.`` on, absolute.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from hitforge.named import load_function, module_named

if TYPE_CHECKING:
    from hitforge.reporting.chapter import ReportInputs

Kind = Literal["table", "figure"]
DEFAULT = "reporting.default_chapter"
"""Chapter of a study that declares none; no full name, as the code of one stage would then count for the other."""


@dataclass(frozen=True)
class View:
    """A table or a figure of a chapter: its name, the function that makes it, and options that the function gets."""

    kind: Kind
    name: str
    maker: str
    options: Mapping[str, Any] = field(default_factory=dict)


def table(name: str, module: str, **options: Any) -> View:
    """Return the table that the function of its name in a module makes, called with the inputs and the options."""
    return View("table", name, f"{module}:{name}", options)


def figure(name: str, module: str, **options: Any) -> View:
    """Return the figure that the function of its name in a module makes, called with the inputs and the options."""
    return View("figure", name, f"{module}:{name}", options)


def tables(module: str, *names: str) -> tuple[View, ...]:
    """Return the tables of a module that have no options."""
    return tuple(table(name, module) for name in names)


def figures(module: str, *names: str) -> tuple[View, ...]:
    """Return the figures of a module that have no options."""
    return tuple(figure(name, module) for name in names)


@dataclass(frozen=True)
class Section:
    """A part of a chapter: paragraphs, then tables and figures in reading order.

    ``text`` is a function of the inputs that returns the paragraphs, or the only one; those that depend on nothing are
    ``words``.
    """

    id: str
    title: str
    text: str | None = None
    words: tuple[str, ...] = ()
    views: tuple[View, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """The chapter of a study, with functions of the inputs.

    ``summary`` and ``notes`` return paragraphs: what was run on which data, and what a reader must know before using a
    number. ``headline`` yields the headline numbers, for the next report's comparison, and ``front`` returns the
    study's line on the front page. ``opening`` names one or two figures that show the result.
    """

    title: str
    summary: str | None = None
    notes: str | None = None
    headline: str | None = None
    front: str | None = None
    sections: tuple[Section, ...] = ()
    opening: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in set(self.opening) - set(self.figures):
            raise ValueError(f"chapter {self.title!r}: no section has the figure {name!r} that it is to open with")
        for kind in ("table", "figure"):
            names = [view.name for view in self.views(kind)]
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"chapter {self.title!r}: {kind} {name!r} stands in it twice; leave one out")

    def views(self, kind: Kind) -> tuple[View, ...]:
        """Return the tables or the figures in reading order."""
        return tuple(view for section in self.sections for view in section.views if view.kind == kind)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables in reading order."""
        return tuple(view.name for view in self.views("table"))

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures in reading order."""
        return tuple(view.name for view in self.views("figure"))


def chapter(title: str, *sections: Section, opening: tuple[str, ...], text: str = "report.text") -> Catalogue:
    """Return the catalogue of a chapter whose words are functions of one module.

    They are ``summary``, ``notes``, ``headline_numbers`` and ``front_row``; see :class:`Catalogue`.
    """
    return Catalogue(
        title, f"{text}:summary", f"{text}:notes", f"{text}:headline_numbers", f"{text}:front_row", sections, opening
    )


def load_catalogue(study: str) -> Catalogue:
    """Return the catalogue of the chapter that a study declares, or the default one."""
    declared = importlib.import_module(f"hitforge.studies.{study}.study").STUDY.chapter
    found: Catalogue = importlib.import_module(module_named(study, declared or f"hitforge.{DEFAULT}")).CHAPTER
    return found if declared else replace(found, title=f"Study {study}")


def make(view: View, inputs: ReportInputs) -> Any:
    """Return the table or figure of a view; ValueError if its function gave it, and so its files, another name."""
    made = load_function(inputs.study, view.maker)(inputs, **view.options)
    if made.name != view.name:
        raise ValueError(
            f"chapter of {inputs.study}: {view.maker} made {made.name!r}, the catalogue says {view.name!r}; correct one"
        )
    return made


def modules_of(catalogue: Catalogue, study: str, stage: str) -> tuple[str, ...]:
    """Return the full names of the modules whose code decides what a stage of the report writes.

    The words are made with the tables. The study's package is among them for the published values beside it.
    """
    functions: list[str | None] = [view.maker for view in catalogue.views("table" if stage == "tables" else "figure")]
    if stage == "tables":
        functions += [catalogue.summary, catalogue.notes, catalogue.headline, catalogue.front]
        functions += [section.text for section in catalogue.sections]
    called = {module_named(study, function.partition(":")[0]) for function in functions if function}
    return tuple(sorted({f"hitforge.studies.{study}", *called}))
