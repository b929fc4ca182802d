"""Reading a part in chunks and judging it whole: what the readers of all studies share."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from hitforge.branches import TreeBranches
from hitforge.identities import Identities, repeats
from hitforge.ntuple import NtupleError, entry_ranges, find_tree, naming_damage, open_root, words_of
from hitforge.refusals import refused
from hitforge.validation import PartFindings, Problem

log = logging.getLogger(__name__)

Events = TypeVar("Events")


@dataclass(frozen=True)
class Chunk(Generic[Events]):
    """Consecutive events of a part and what is wrong with them.

    Attributes
    ----------
    first_entry : int
        Entry of the first event.
    events : table of the study
        Empty rows and unusable values stand where ``problems`` tells of faults.
    problems : tuple of Problem
        Each kind of fault once, with its first entry and count.
    faults : tuple of Fault
        The same, with every event that has it.
    """

    first_entry: int
    events: Events
    problems: tuple[Problem, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class OpenPart(Generic[Events]):
    """A part that is open for reading.

    Attributes
    ----------
    layout : str
        Name of the file's layout; empty if it cannot be told.
    n_events, n_bytes : int
        Events of the part, and size of the file.
    problems : tuple of Problem
        What is wrong before any event: missing branches and wrong types.
    chunks : iterator of Chunk
        The content; reads as it goes.
    has_truth : bool
        Whether it tells what was generated.
    """

    layout: str
    n_events: int
    n_bytes: int
    problems: tuple[Problem, ...]
    chunks: Iterator[Chunk[Events]]
    has_truth: bool = True


class TreeReader(TreeBranches, Generic[Events]):
    """Reads ranges of entries of one tree as events; a study says what it reads and what can be wrong with it.

    Attributes
    ----------
    layout : str
        Name of the file's layout.
    main_branch : str
        The branch with most bytes; a chunk is of so many of its bytes.
    branches_per_event : int
        In how many branches of its size an event is.
    has_truth : bool
        Whether the tree tells what was generated.
    """

    layout = ""
    main_branch: str
    branches_per_event = 1
    has_truth = True

    def ranges(self, chunk_mb: float) -> Iterable[tuple[int, int]]:
        """Return start and stop entries of the chunks."""
        return entry_ranges(self.tree, self.main_branch, chunk_mb / self.branches_per_event)

    def read(self, start: int, stop: int) -> Events:
        """Read entries ``start:stop``."""
        raise NotImplementedError

    def faults(self, events: Events) -> Iterable[Fault]:
        """Return everything that consecutive events are looked through for."""
        raise NotImplementedError

    def branch_of(self, column: str) -> str:
        """Return the file's name of a column."""
        return column


def open_tree(
    source: str | Path, tree_name: str, reader_of: Callable[[Any, str, str], TreeReader[Events]], chunk_mb: float
) -> Iterator[OpenPart[Events]]:
    """Yield the one open part of a ROOT file; a generator so that the file closes when the caller is done.

    With any problem there are no chunks.

    Parameters
    ----------
    source : str or Path
        Its address.
    tree_name : str
    reader_of : callable
        Makes the reader of the tree, its name and the address.
    chunk_mb : float
        Uncompressed bytes in memory at a time.
    """
    with open_root(source) as file:
        name, tree = find_tree(file, (tree_name,), source)
        with naming_damage(str(source), name):
            reader = reader_of(tree, name, str(source))
            n_bytes = int(file.file.source.num_bytes)

        def chunks() -> Iterator[Chunk[Events]]:
            if reader.problems:
                return
            with naming_damage(str(source), name):
                ranges = reader.ranges(chunk_mb)
            for start, stop in ranges:
                events = reader.read(start, stop)
                yield looked_through(start, events, reader.faults(events), str(source), name, reader.branch_of)

        yield OpenPart(
            reader.layout, int(tree.num_entries), n_bytes, tuple(reader.problems), chunks(), reader.has_truth
        )


def good_events(opened: Iterable[OpenPart[Events]]) -> Iterator[tuple[int, Events]]:
    """Yield first entry and events of each chunk.

    Raises
    ------
    NtupleError
        Anything is wrong with them.
    """
    for part in opened:
        if part.problems:
            raise NtupleError(*part.problems)
        for chunk in part.chunks:
            if chunk.problems:
                raise NtupleError(*chunk.problems)
            yield chunk.first_entry, chunk.events


def inspect(
    source: str | Path,
    opened: Iterable[OpenPart[Events]],
    event: str,
    look: Callable[[Events], None],
    identify: Callable[[Events], Identities],
) -> PartFindings:
    """Read a part to its end and collect every distinct problem.

    Parameters
    ----------
    source : str or Path
        Its address.
    opened : iterable of OpenPart
        The part; opening and reading may raise :class:`~hitforge.ntuple.NtupleError`.
    event : str
        What the study calls an event, for the words of an empty part.
    look : callable
        Gets the events of each chunk, good or bad.
    identify : callable
        Returns what tells each event from others, shape (N,), uint64.

    Returns
    -------
    PartFindings
        Without checksum and ranges, which are the study's.
    """
    found: dict[tuple[str, str], Problem] = {}
    layout, n_events, n_bytes = "", 0, 0
    identities: list[Identities] = []
    first_entry: int | None = None

    def collect(problems: Iterable[Problem]) -> None:
        # of the same kind in the same branch the first entry stays
        for problem in problems:
            key = (problem.reason, problem.branch)
            before = found.get(key)
            found[key] = problem if before is None else replace(before, count=before.count + problem.count)

    try:
        for part in opened:
            layout, n_events, n_bytes = part.layout, part.n_events, part.n_bytes
            collect(part.problems)
            if n_events == 0:
                fix = f"leave the part out, or find out why its job wrote no {event}"
                collect([Problem("empty_tree", "there are no entries", fix, str(source))])
            for chunk in part.chunks:
                collect(chunk.problems)
                look(chunk.events)
                identities.append(identify(chunk.events))
                first_entry = chunk.first_entry if first_entry is None else first_entry
    except NtupleError as error:
        collect(error.problems)
    except Exception as error:
        refusal = refused(error, source)
        if refusal is not None:
            raise refusal from error
        if isinstance(error, ImportError):
            raise  # a package that is not there is not the part's fault
        log.info("%s", source, exc_info=True)
        # whatever else a file made the reader or the study's checks raise
        detail, fix = f"reading ended with {words_of(error)}", "restore the file from its source or make it again"
        collect([Problem("unreadable", detail, fix, str(source))])
    every = np.concatenate([np.zeros(0, dtype=np.uint64), *identities])
    if not found:
        collect(repeat_problems(every, event, str(source), first_entry or 0))
    if not n_bytes and "://" not in str(source) and Path(source).is_file():
        n_bytes = Path(source).stat().st_size
    return PartFindings(
        n_events=n_events,
        content_checksum="",
        layout=layout,
        problems=tuple(found.values()),
        size_bytes=n_bytes,
        identities=b"" if found else every.tobytes(),
    )


Selection = tuple[NDArray[np.bool_], dict[str, int]]
"""Which events pass all cuts, shape (N,), and how many are left after each of them."""


def apply_cuts(
    names: Sequence[str], n: int, decisions: Callable[[NDArray[np.bool_]], Iterable[NDArray[np.bool_]]]
) -> Selection:
    """Apply cuts one after the other.

    Parameters
    ----------
    names : sequence of str
        Rows of the cut flow: that of all events, then of each cut.
    n : int
        Number of events.
    decisions : callable
        Yields the decision of each cut, shape (n,). It is given what those before left, updated between them.
    """
    passed = np.ones(n, dtype=bool)
    flow = {names[0]: n}
    for name, good in zip(names[1:], decisions(passed), strict=True):
        passed &= good
        flow[name] = int(passed.sum())
    return passed, flow


def inspect_selected(
    source: str | Path,
    opened: Iterable[OpenPart[Events]],
    event: str,
    *,
    columns: Callable[[Events], Iterable[NDArray[Any]]],
    select: Callable[[Events], Selection],
    energy: Callable[[Events], NDArray[np.floating]],
    identify: Callable[[Events], Identities],
) -> PartFindings:
    """Read a part to its end, report every distinct problem and count the events that pass the cuts.

    Never raises for what is wrong with the file: an unreadable file is a finding too.

    Parameters
    ----------
    source, opened, event, identify
        As for :func:`inspect`.
    columns : callable
        Returns what enters the checksum, which is empty if there are problems.
    select : callable
        Applies the cuts.
    energy : callable
        Returns the quantity whose range is given, GeV; what is not finite is left out.
    """
    checksum = ContentChecksum()
    flow: Counter[str] = Counter()
    lowest, highest = [np.inf], [-np.inf]  # of each chunk

    def look(events: Events) -> None:
        checksum.update(*columns(events))
        with np.errstate(invalid="ignore", divide="ignore"):  # events with faults are looked at too
            flow.update(select(events)[1])
            values = energy(events)
        values = values[np.isfinite(values)]
        lowest.append(float(values.min(initial=np.inf)))
        highest.append(float(values.max(initial=-np.inf)))

    findings = inspect(source, opened, event, look, identify)
    known = np.isfinite(min(lowest))
    return findings.model_copy(
        update={
            "n_events": next(reversed(flow.values()), 0),
            "content_checksum": "" if findings.problems else checksum.hexdigest(),
            "e_min_gev": min(lowest) if known else None,
            "e_max_gev": max(highest) if known else None,
            "cut_flow": tuple(flow.items()),
        }
    )


Fault = tuple[str, str, str, str, NDArray[np.bool_]]
"""Reason, what is wrong, fix, column, and which of some consecutive events have it, shape (n,)."""


def find_problems(
    faults: Iterable[Fault], first_entry: int, file: str, tree: str, branch_of: Callable[[str], str] = str
) -> list[Problem]:
    """Return the problems of consecutive events, each kind of fault and column once, with its first entry and count.

    Parameters
    ----------
    faults : iterable of Fault
        Everything that was looked for; those that no event has are no problems.
    first_entry : int
        Entry of the first of the events.
    file, tree : str
        For the messages.
    branch_of : callable, optional
        Gives the file's name of a column.
    """
    return [
        Problem(reason, detail, fix, file, tree, branch_of(column), first_entry + int(bad.argmax()), int(bad.sum()))
        for reason, detail, fix, column, bad in faults
        if bad.any()
    ]


def looked_through(
    first_entry: int,
    events: Events,
    faults: Iterable[Fault],
    file: str,
    tree: str,
    branch_of: Callable[[str], str] = str,
) -> Chunk[Events]:
    """Return consecutive events with what is wrong with them; arguments as for :func:`find_problems`."""
    found = tuple(fault for fault in faults if fault[-1].any())
    return Chunk(first_entry, events, tuple(find_problems(found, first_entry, file, tree, branch_of)), found)


def bad_weight(weight: NDArray[np.floating], column: str = "w") -> Fault:
    """Return the fault of event weights that are no weights."""
    bad = ~(np.isfinite(weight) & (weight >= 0))
    return "bad_weight", "NaN, infinite or negative", "weights are 0 or larger", column, bad


def repeat_problems(identities: Identities, event: str, file: str, first_entry: int = 0) -> list[Problem]:
    """Return what is wrong with a part in which events are there twice, given the identities of all."""
    count, position = repeats(identities)
    if not count:
        return []
    detail = f"this {event} and perhaps others were there before, with the same values"
    fix = "write each once: in training and test they would count twice"
    return [Problem("repeated_events", detail, fix, file, entry=first_entry + position, count=count)]


class ContentChecksum:
    """Streaming hash of the columns of decoded events; neither the file's layout nor the size of the chunks enters."""

    def __init__(self) -> None:
        # one hash per column, so that a chunk boundary leaves no trace
        self._columns: list[Any] = []

    def update(self, *columns: NDArray[Any]) -> None:
        """Add the events that follow: the same columns, of the same little-endian types, in each call."""
        self._columns = self._columns or [hashlib.blake2b(digest_size=16) for _ in columns]
        for digest, column in zip(self._columns, columns, strict=True):
            digest.update(np.ascontiguousarray(column).data)

    def hexdigest(self) -> str:
        """Return the checksum so far, 32 hexadecimal digits."""
        return hashlib.blake2b(b"".join(column.digest() for column in self._columns), digest_size=16).hexdigest()
