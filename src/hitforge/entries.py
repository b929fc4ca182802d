"""The entries of a part as models are applied to them: every one in its place, with the reason where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitforge.shards import ShardBlock

PREDICTED = 0
"""Status of an entry that models are applied to."""


@dataclass(frozen=True)
class EntryBlock:
    """Consecutive entries of a part.

    Attributes
    ----------
    first_entry : int
        Entry of the first.
    status : ndarray, shape (n,), uint8
        :data:`PREDICTED`, or k for ``OpenEntries.reasons[k - 1]``: a cut, or what is wrong with the entry.
    events : ShardBlock
        The entries of status :data:`PREDICTED`, in order, as in the shard of a training. Targets and truth that the
        part does not have are NaN.
    """

    first_entry: int
    status: NDArray[np.uint8]
    events: ShardBlock


@dataclass(frozen=True)
class OpenEntries:
    """A part that is open for the application of models.

    Attributes
    ----------
    layout : str
        Name of the file's layout.
    n_entries : int
        Entries of the part, whatever becomes of them.
    has_truth : bool
        Whether targets are there.
    reasons : tuple of str
        Why an entry may have no prediction; the same words in the same order for all parts of a study.
    blocks : iterator of EntryBlock
        Together all entries, in order; reads as it goes.
    """

    layout: str
    n_entries: int
    has_truth: bool
    reasons: tuple[str, ...]
    blocks: Iterator[EntryBlock]


@dataclass(frozen=True)
class Column:
    """A column of a friend file.

    Attributes
    ----------
    values : ndarray, shape (n,) or (n, k)
        One row for each predicted event; float32, float64 or an integer type.
    units : str
        ``GeV``, ``1/GeV``, or empty.
    meaning : str
        One line for a person.
    """

    values: NDArray[np.generic]
    units: str
    meaning: str
