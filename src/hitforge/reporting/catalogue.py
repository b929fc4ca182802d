"""What a study's chapter shows, as a declaration: its sections with their words, tables and figures, by name.

The workflow reads it to know its outputs, so it imports nothing that draws or computes. A function is named
``module:function``, the module relative to the study's folder or, from ``hitforge.`` on, absolute.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from hitforge.reporting.chapter import ReportInputs

Kind = Literal["table", "figure"]
DEFAULT = "hitforge.reporting.default_chapter"
"""Chapter of a study that declares none."""


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


@dataclass(frozen=True)
class Section:
    """A part of a chapter: paragraphs, then tables and figures in reading order.

    Attributes
    ----------
    id, title : str
    text : str, optional
        Function of the inputs that returns the paragraphs, or the only one; where they depend on nothing, ``words``.
    words : tuple of str
    views : tuple of View
    """

    id: str
    title: str
    text: str | None = None
    words: tuple[str, ...] = ()
    views: tuple[View, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """The chapter of a study.

    Attributes
    ----------
    title : str
    summary, notes : str, optional
        Functions of the inputs that return paragraphs: what was run on which data, and what a reader must know before
        using a number.
    headline : str, optional
        Function of the inputs that yields the headline numbers, for the next report's comparison.
    front : str, optional
        Function of the inputs that returns the study's line on the front page.
    sections : tuple of Section
    """

    title: str
    summary: str | None = None
    notes: str | None = None
    headline: str | None = None
    front: str | None = None
    sections: tuple[Section, ...] = ()

    def __post_init__(self) -> None:
        for kind in ("table", "figure"):
            names = [view.name for view in self.views(kind)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"chapter {self.title!r}: {kind} {twice[0]!r} stands in it twice; leave one out")

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

    @property
    def texts(self) -> tuple[str, ...]:
        """Functions that write the chapter's words, whether for the chapter or for a section."""
        own = (self.summary, self.notes, self.headline, self.front, *(section.text for section in self.sections))
        return tuple(dict.fromkeys(function for function in own if function is not None))


def load_catalogue(study: str) -> Catalogue:
    """Return the catalogue of the chapter that a study declares, or the default one."""
    declared = importlib.import_module(f"hitforge.studies.{study}.study").STUDY.chapter
    found: Catalogue = importlib.import_module(_absolute(declared, study) if declared else DEFAULT).CHAPTER
    return found


def resolve(function: str, study: str) -> Callable[..., Any]:
    """Return a function that a catalogue names; its module is imported here.

    Raises
    ------
    AttributeError
        The module has no such function.
    """
    module, name = _absolute(function, study).split(":")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except AttributeError as error:
        raise AttributeError(
            f"chapter of {study}: module {module} has no function {name!r}; write it or correct the catalogue"
        ) from error
    return found


def make(view: View, inputs: ReportInputs) -> Any:
    """Return the table or figure of a view.

    Raises
    ------
    ValueError
        What its function made bears another name, so that its files would.
    """
    made = resolve(view.maker, inputs.study)(inputs, **view.options)
    if made.name != view.name:
        raise ValueError(
            f"chapter of {inputs.study}: {view.maker} made {made.name!r}, the catalogue says {view.name!r}"
        )
    return made


def modules_of(catalogue: Catalogue, study: str, stage: Literal["tables", "figures"]) -> tuple[str, ...]:
    """Return the modules, by their full names, whose code a stage of the report calls; words are made with tables."""
    functions = [view.maker for view in catalogue.views("table" if stage == "tables" else "figure")]
    if stage == "tables":
        functions += catalogue.texts
    return tuple(sorted({_absolute(function, study).split(":")[0] for function in functions}))


def _absolute(module: str, study: str) -> str:
    return module if module.startswith("hitforge.") else f"hitforge.studies.{study}.{module}"
