"""What a study's chapter of the report is made of: tables, figures, text, and the files they are views of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from hitforge.predictions import PlannedPiece
from hitforge.provenance import read_json
from hitforge.remarks import reference_of
from hitforge.settings_base import Settings
from hitforge.validation import Inventory, read_inventory

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


class Measured(Settings):
    """A number with its error, or the reason why there is none.

    ``decimals`` fixes the printed decimals, for example of a published value; otherwise the error decides.
    """

    value: float | None
    error: float | None = None
    reason: str | None = None
    decimals: int | None = None

    @classmethod
    def of(cls, number: Mapping[str, Any] | None, scale: float = 1.0, absent: str = "not evaluated") -> Measured:
        """Make a cell from a ``{value, error, reason}`` of a metrics file, times ``scale``."""
        if number is None:
            return cls(value=None, reason=absent)
        value, error = number["value"], number["error"]
        return cls(
            value=None if value is None else scale * value,
            error=None if error is None else abs(scale) * error,
            reason=number["reason"],
        )


Cell = str | int | float | Measured | None


class Column(Settings):
    """A column of a table; ``key`` names it in CSV, ``label`` and ``unit`` head it elsewhere.

    ``value`` returns its cell for a row, whatever object a row is; see :func:`make_table`.
    """

    key: str
    label: str
    unit: str = ""
    align: Literal["left", "right"] = "right"
    wide: bool = False
    """Text that may break over lines."""
    detail: bool = False
    """Left out where there is little room: on a terminal."""
    value: Callable[[Any], Cell] | None = Field(default=None, exclude=True, repr=False)


class Table(Settings):
    """A table of the report, with numbers as numbers: the writers of :mod:`hitforge.reporting.tables` format them.

    ``empty`` says why there are no rows; the table's files are then valid and hold only its heading.
    """

    name: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...] = ()
    notes: tuple[str, ...] = ()
    empty: str | None = None
    highlight: tuple[int, ...] = ()
    """Rows to set off, for example that of the reference model."""


def column(key: str, label: str, value: Callable[[Any], Cell], unit: str = "", **look: Any) -> Column:
    """Return a column of numbers; ``value`` takes a row and returns its cell."""
    return Column(key=key, label=label, unit=unit, value=value, **look)


def text_column(key: str, label: str, value: Callable[[Any], Cell], **look: Any) -> Column:
    """Return a column of words; ``value`` takes a row and returns its cell."""
    return Column(key=key, label=label, align="left", value=value, **look)


def columns_by(titles: Mapping[str, tuple[str, str]], value: Callable[[Any, str], Cell], **look: Any) -> list[Column]:
    """Return a column of numbers for each key with its label and unit; ``value`` takes a row and the key."""

    def of(key: str) -> Callable[[Any], Cell]:
        return lambda row: value(row, key)

    return [column(key, label, of(key), unit, **look) for key, (label, unit) in titles.items()]


def by_place(words: Mapping[str, str], numbers: Mapping[str, str | tuple[str, str]] | None = None) -> list[Column]:
    """Return columns for rows that are tuples: first of words, then of numbers; by key its label, or it and a unit."""
    titles = {key: (title, "") if isinstance(title, str) else title for key, title in (numbers or {}).items()}
    places = [*words, *titles]
    texts = [text_column(key, label, itemgetter(place)) for place, (key, label) in enumerate(words.items())]
    return texts + columns_by(titles, lambda row, key: row[places.index(key)])


MODEL = text_column("model", "Model", str)
"""First column of a table whose rows are models, each its name."""


def make_table(
    name: str,
    title: str,
    caption: str,
    columns: Iterable[Column],
    rows: Iterable[Any],
    notes: Iterable[str] = (),
    empty: str | None = None,
    highlight: Callable[[Any], bool] | None = None,
) -> Table:
    """Return a table with a row for each object, whose cells the columns get from it.

    ``empty`` says why there are no rows, if there are none; ``highlight`` of a row whether to set it off.
    """
    columns, rows = tuple(columns), tuple(rows)
    return Table(
        name=name,
        title=title,
        caption=caption,
        columns=columns,
        rows=tuple(tuple(column.value(row) if column.value else None for column in columns) for row in rows),
        notes=tuple(notes),
        empty=None if rows else empty,
        highlight=tuple(i for i, row in enumerate(rows) if highlight(row)) if highlight else (),
    )


@dataclass(frozen=True)
class Figure:
    """A figure of the report; ``empty`` says why a figure has nothing to show."""

    name: str
    title: str
    caption: str
    figure: MatplotlibFigure
    empty: str | None = None


class FigureText(Settings):
    """What stands beside a figure's pictures, as ``figures/<name>.json``."""

    name: str
    title: str
    caption: str
    empty: str | None = None
    width_in: float = 7.0


class Item(Settings):
    """A table or a figure of a section, by name."""

    kind: Literal["table", "figure"]
    name: str


class Section(Settings):
    """A part of a chapter: paragraphs, then tables and figures in reading order."""

    id: str
    title: str
    text: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()


class Compared(Settings):
    """Where the paired difference of a number stands in what ``Study.compare`` returns of a sample; times ``scale``."""

    sample: str
    quantity: str
    where: Mapping[str, Any] = {}
    scale: float = 1.0


class HeadlineNumber(Settings):
    """One headline number of a model, kept in a chapter so that the next report can show what moved.

    ``compared`` is not kept: it is for the comparison of two runs, which asks for the numbers again.
    """

    model: str
    quantity: str
    unit: str
    number: Measured
    compared: Compared | None = Field(default=None, exclude=True, repr=False)


class FrontRow(Settings):
    """A study's line in the table on the report's front page; both numbers are for the same events, in ``unit``.

    The two models are what the field uses or the seed published, and ours. A number that there is not has its reason.
    """

    data: str
    """What was evaluated, in a few words: "4 200 simulated roads, test sample"."""
    quantity: str
    """What is compared, larger or smaller is better as ``gain`` says."""
    unit: str = ""
    baseline: str
    baseline_number: Measured
    ensemble: str
    ensemble_number: Measured
    gain: Measured
    """By how much the ensemble is better, positive if it is, with the error of the paired difference."""
    published: str
    """The nearest published number with its source, or that there is none."""
    other_sample: str
    """Why that number is for another sample and no comparison."""


class Chapter(Settings):
    """The text of a study's chapter and the order of its tables and figures; ``tables/chapter.json``.

    ``opening`` names the figures that show the result, ``settings`` are those of the whole study. ``parts`` holds the
    used parts of each sample and ``headline`` the main numbers, for the next report's comparison.
    """

    study: str
    title: str
    author: str = ""
    opening: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    parts: Mapping[str, Mapping[str, int]] = {}
    headline: tuple[HeadlineNumber, ...] = ()
    front: FrontRow | None = None
    """Line on the front page of a report of several studies; None leaves it empty."""
    settings: Mapping[str, Any] = {}


def _contents(paths: str) -> cached_property[dict[str, Any]]:
    """Return the property with the contents of JSON files by model, read when first asked for."""
    return cached_property(lambda inputs: {model: read_json(path) for model, path in getattr(inputs, paths).items()})


@dataclass(frozen=True)
class ReportInputs:
    """Paths of the artefacts that a chapter shows; ``metrics_of``, ``manifest_of`` … hold what is in them, by model.

    Metrics, manifests and calibrations have an entry for each reported model; a manifest stands beside its
    ``member_<k>.json`` histories. The shards are those of a sample's used parts.
    """

    study: str
    settings: Mapping[str, Any]
    """The study's whole validated settings, as plain data."""
    metrics: Mapping[str, Path]
    manifests: Mapping[str, Path]
    calibrations: Mapping[str, Path]
    comparison: Path
    """The paired differences."""
    inventories: Mapping[str, Path]
    shards: Mapping[str, tuple[Path, ...]]
    outputs: Mapping[str, Mapping[str, Sequence[PlannedPiece]]] = field(default_factory=dict)
    """The plan that each model was evaluated with: by ``heldout`` or test sample, what its fits predicted."""
    scaling: Path | None = None
    """That of the main fit; the shards serve where it is not given."""
    explain: Mapping[str, Path] = field(default_factory=dict)
    """What is known of models beyond their metrics."""

    metrics_of = _contents("metrics")
    manifest_of = _contents("manifests")
    calibration_of = _contents("calibrations")
    explain_of = _contents("explain")

    @cached_property
    def inventory_of(self) -> dict[str, Inventory]:
        """Inventories by sample."""
        return {sample: read_inventory(path) for sample, path in self.inventories.items()}

    @cached_property
    def comparison_of(self) -> dict[str, list[dict[str, Any]]]:
        """Rows of differences between models by sample; see :mod:`hitforge.evaluation.differences`."""
        samples: dict[str, list[dict[str, Any]]] = read_json(self.comparison)["samples"]
        return samples

    @property
    def reference(self) -> str:
        """The reference model if it is reported, otherwise the last one."""
        return str(reference_of(self.settings.get("reference_model"), self.metrics))

    @property
    def reference_outputs(self) -> Mapping[str, Sequence[PlannedPiece]]:
        """The plan of the reference model; empty where none was passed."""
        return self.outputs.get(self.reference, {})

    @property
    def baseline(self) -> str:
        """The model that the configuration names as the baseline, reported or not; ValueError if it names none."""
        wanted = self.settings.get("baseline_model")
        if wanted is None:
            raise ValueError(f"study {self.study}: the report needs a baseline; set baseline_model in its YAML file")
        return str(wanted)

    def base_of(self, model: str) -> str | None:
        """Return the reported model that a model is a variant of, by its ``base`` in the configuration."""
        base = self.settings["models"].get(model, {}).get("base")
        return str(base) if base in self.metrics else None

    @property
    def train_sample(self) -> str:
        """The sample that models are trained on."""
        return self.samples_with_role("train")[0]

    def is_simulated(self, sample: str) -> bool:
        """Whether a sample is simulated here; the held-out events are of the train sample."""
        samples = self.settings["samples"]
        return bool(samples.get(sample, samples[self.train_sample])["source"] == "simulate")

    def samples_with_role(self, role: str) -> list[str]:
        """Return the names of the samples of a role."""
        return [name for name, sample in self.settings["samples"].items() if sample["role"] == role]
