"""Resolution and bias in bins of the energy, or of what a study has in its place, as they are quoted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hitforge.evaluation.statistics import entry

Number = Mapping[str, Any]
"""``value``, ``error`` and ``reason`` of a metrics file."""


@dataclass(frozen=True)
class Bin:
    """A bin and what was measured in it.

    Attributes
    ----------
    where : str
        Of which events besides, such as a category; empty for all.
    low, high : float
        Edges, in units of :attr:`BinnedNumbers.units`.
    numbers : mapping
        A number for each of :attr:`BinnedNumbers.quantities`: fractions.
    """

    where: str
    low: float
    high: float
    numbers: Mapping[str, Number]

    def holds(self, at: float) -> bool:
        """Return whether a value lies in the bin; one on an edge lies in the bins of both sides."""
        return self.low <= at <= self.high


@dataclass(frozen=True)
class BinnedNumbers:
    """What the entry point ``resolution`` returns of a sample.

    Attributes
    ----------
    axis, units : str
        What the bins are bins of.
    quantities : mapping
        Key to meaning, in a few words.
    bins : sequence of Bin
        In order.
    """

    axis: str
    units: str
    quantities: Mapping[str, str]
    bins: Sequence[Bin]


def bins_of(where: str, edges: Sequence[float], numbers: Mapping[str, Number], *index: int) -> list[Bin]:
    """Return the bins between edges of arrays of a metrics file, shape (..., bins), at an index of their other axes."""
    return [
        Bin(where, low, high, {name: entry(number, *index, i) for name, number in numbers.items()})
        for i, (low, high) in enumerate(pairwise(edges))
    ]


def shifted(number: Number, by: float) -> Number:
    """Return a number plus a constant; its error stays."""
    return {**number, "value": None if number["value"] is None else number["value"] + by}
