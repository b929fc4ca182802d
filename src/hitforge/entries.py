"""The entries of a part as models are applied to them: every one in its place, with the reason where there is none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from hitforge.inspection import Chunk, OpenPart
from hitforge.ntuple import NtupleError, naming_damage
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


class EventTable(Protocol):
    """Events of a study as its reader gives them."""

    def __len__(self) -> int:
        """Return their number."""

    def take(self, which: NDArray[np.bool_]) -> Self:
        """Return those of a mask."""


Events = TypeVar("Events", bound=EventTable)


def _no_cuts(_events: Any, _left: NDArray[np.bool_]) -> Iterable[NDArray[np.bool_]]:
    return ()


@dataclass(frozen=True)
class EntryReader:
    """How a study makes entries of the events that its reader gives.

    Attributes
    ----------
    block_of : callable
        Returns the block of a shard of some events and their entries, shape (n,), int64.
    faults : sequence of str
        Codes of all faults that an entry can have, as verdicts have them.
    target : collection of str
        Columns that targets alone are made of: an entry with a fault in them has no target, and is predicted.
    unread : collection of str
        Columns that neither models nor targets need, such as weights; their faults do not count.
    cut_names : sequence of str
        Names of the cuts.
    cuts : callable
        Yields the decision of each cut on events without faults, shape (n,). It is given what those before left,
        updated between them.
    """

    block_of: Callable[[Any, NDArray[np.int64]], ShardBlock]
    faults: Sequence[str]
    target: Collection[str]
    unread: Collection[str] = ()
    cut_names: Sequence[str] = ()
    cuts: Callable[[Any, NDArray[np.bool_]], Iterable[NDArray[np.bool_]]] = _no_cuts

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why an entry may have no prediction: a fault, or ``cut: NAME``."""
        return (*self.faults, *(f"cut: {name}" for name in self.cut_names))

    def open_entries(self, source: str, opened: Iterable[OpenPart[Events]]) -> Iterator[OpenEntries]:
        """Yield all entries of an open part.

        Raises
        ------
        NtupleError
            Something is wrong with the part as a whole; also when blocks are read.
        """
        for part in opened:
            if part.problems:
                raise NtupleError(*part.problems)
            blocks = self._blocks(source, part.chunks)
            yield OpenEntries(part.layout, part.n_events, part.has_truth, self.reasons, blocks)

    def _blocks(self, source: str, chunks: Iterator[Chunk[Events]]) -> Iterator[EntryBlock]:
        while True:
            # whatever else damaged bytes make the reader raise
            with naming_damage(source):
                chunk = next(chunks, None)
                block = None if chunk is None else self._block(chunk)
            if block is None:
                return
            yield block

    def _block(self, chunk: Chunk[Events]) -> EntryBlock:
        events, n = chunk.events, len(chunk.events)
        status, truthless = np.full(n, PREDICTED, dtype=np.uint8), np.zeros(n, dtype=np.bool_)
        for reason, _, _, column, bad in chunk.faults:
            if column in self.target:
                truthless |= bad
            elif column not in self.unread:
                status[bad & (status == PREDICTED)] = 1 + self.reasons.index(reason)
        sound = status == PREDICTED
        sound_events = events if sound.all() else events.take(sound)
        left = np.ones(len(sound_events), dtype=np.bool_)
        codes = np.full(len(sound_events), PREDICTED, dtype=np.uint8)
        # of an entry that has no truth, what is made of truth is not a number
        with np.errstate(invalid="ignore", divide="ignore"):
            for name, good in zip(self.cut_names, self.cuts(sound_events, left), strict=True):
                codes[left & ~good] = 1 + self.reasons.index(f"cut: {name}")
                left &= good
            status[sound] = codes
            chosen = sound_events if left.all() else sound_events.take(left)
            block = self.block_of(chosen, chunk.first_entry + np.flatnonzero(status == PREDICTED))
        unknown = truthless[status == PREDICTED]
        targets = {name: np.where(unknown, np.float32(np.nan), values) for name, values in block.targets.items()}
        return EntryBlock(chunk.first_entry, status, replace(block, targets=targets))


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
