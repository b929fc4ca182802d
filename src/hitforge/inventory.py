"""Which parts of a sample are used, and whether samples have events in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from hitforge.provenance import atomic_path
from hitforge.validation import BadPartsError, Inventory, PartEntry, Verdict, describe

if TYPE_CHECKING:
    from hitforge.identities import Identities

Policy = Literal["fail", "quarantine"]

_LISTED = 20  # pairs of parts in one message


@dataclass(frozen=True)
class PartEvents:
    """The events of some parts.

    Attributes
    ----------
    parts : tuple of str
        Ids of the parts.
    identities : ndarray, shape (N,), uint64
        Of the events of all parts, sorted, in each part every one once.
    part : ndarray, shape (N,), int32
        Position in ``parts`` of the part that each is in.
    """

    parts: tuple[str, ...]
    identities: Identities
    part: NDArray[np.int32]

    @staticmethod
    def joined(parts: Sequence[str], identities: Sequence[Identities]) -> PartEvents:
        """Return the events of parts, each with its identities."""
        number = np.repeat(np.arange(len(parts), dtype=np.int32), [len(own) for own in identities])
        every = np.concatenate([np.zeros(0, np.uint64), *identities])
        order = np.argsort(every)
        return PartEvents(tuple(parts), every[order], number[order])

    def take(self, parts: Sequence[str]) -> PartEvents:
        """Return the events of some of the parts, in the order given."""
        number = np.full(len(self.parts), -1, dtype=np.int32)
        number[[self.parts.index(part) for part in parts]] = np.arange(len(parts))
        kept = number[self.part] >= 0
        return PartEvents(tuple(parts), self.identities[kept], number[self.part[kept]])

    def repeating(self) -> dict[str, tuple[str, int]]:
        """Return the parts that repeat events of parts before them, each with one of these and the number of events.

        A part that repeats is not used, so its own events may come again.
        """
        change = np.flatnonzero(self.identities[1:] != self.identities[:-1]) + 1
        number = np.diff(np.concatenate([[0], change, [len(self.identities)]]))
        several = np.repeat(number > 1, number)
        event = np.cumsum(np.diff(self.identities[several], prepend=np.uint64(0)) != 0)
        part = self.part[several]
        owner = np.full(len(event) + 1, -1, dtype=np.int32)
        found = {}
        for number in np.unique(part).tolist():
            own = event[part == number]
            before = owner[own][owner[own] >= 0]
            if len(before):
                found[self.parts[number]] = (self.parts[int(np.bincount(before).argmax())], len(before))
            else:
                owner[own] = number
        return found

    def shared_with(self, other: PartEvents) -> list[tuple[str, str, int]]:
        """Return the pairs of own and other parts that share events, and how many."""
        lower = np.searchsorted(other.identities, self.identities, side="left")
        inside = np.flatnonzero(lower < len(other.identities))
        inside = inside[other.identities[lower[inside]] == self.identities[inside]]
        lower = lower[inside]
        number = np.searchsorted(other.identities, self.identities[inside], side="right") - lower
        # of each own event all others that are the same
        own = np.repeat(inside, number)
        theirs = np.arange(len(own)) - np.repeat(np.cumsum(number) - number - lower, number)
        pair = self.part[own].astype(np.int64) * len(other.parts) + other.part[theirs]
        pairs, counts = np.unique(pair, return_counts=True)
        return [
            (self.parts[key // len(other.parts)], other.parts[key % len(other.parts)], count)
            for key, count in zip(pairs.tolist(), counts.tolist(), strict=True)
        ]


def take_inventory(
    study: str,
    sample: str,
    verdicts: Sequence[Verdict],
    policy: Policy,
    max_bad_fraction: float,
    first_seen: Mapping[str, str],
    identities: Mapping[str, Identities] | None = None,
) -> tuple[Inventory, PartEvents]:
    """Decide what becomes of each part.

    Parameters
    ----------
    first_seen : mapping of content checksum to part id
        Which part was the first with this content in an earlier inventory; it stays the one that is used.
    identities : mapping of part id to ndarray of uint64, optional
        The events of each good part, each once. Without them only whole parts are compared.

    Returns
    -------
    Inventory
        Of several parts with one content, or with some events in common, the first by name is used.
    PartEvents
        The events of the parts that are used.

    Raises
    ------
    BadPartsError
        Policy ``fail`` and any bad or duplicate part; policy ``quarantine`` and too many; or no good part at all.
    """
    entries: dict[str, PartEntry] = {}
    known = {verdict.part: verdict.content_checksum for verdict in verdicts if verdict.good}
    # the first by name owns its events, unless another was there before
    before = {part for checksum, part in first_seen.items() if known.get(part) == checksum}
    ranked = sorted(known, key=lambda part: (part not in before, part))
    owner: dict[str, str] = {}
    for part in ranked:
        owner.setdefault(known[part], part)
    firsts = list(owner.values())
    given = identities or {}
    events = PartEvents.joined(firsts, [given.get(part, np.zeros(0, np.uint64)) for part in firsts])
    repeating = events.repeating()
    for verdict in sorted(verdicts, key=lambda verdict: verdict.part):
        status: Literal["good", "bad", "duplicate"] = verdict.verdict
        reasons = tuple(describe(problem) for problem in verdict.problems)
        if status == "good" and owner[verdict.content_checksum] != verdict.part:
            status = "duplicate"
            reasons = (f"same content as part {owner[verdict.content_checksum]} (fix: remove one of the two files)",)
        elif verdict.part in repeating:
            status = "duplicate"
            other, count = repeating[verdict.part]
            fix = "remove one of the two files, or the events from one of them"
            reasons = (f"{count} of its events are also in part {other} (fix: {fix})",)
        entries[verdict.part] = PartEntry(
            status=status,
            n_events=verdict.n_events,
            content_checksum=verdict.content_checksum,
            source=verdict.source,
            cut_flow=verdict.cut_flow,
            reasons=reasons,
        )
    inventory = Inventory(study=study, sample=sample, parts=entries)
    _apply_policy(inventory, policy, max_bad_fraction)
    return inventory, events.take(inventory.good)


def _apply_policy(inventory: Inventory, policy: str, max_bad_fraction: float) -> None:
    bad = {part: entry for part, entry in inventory.parts.items() if entry.status != "good"}
    listing = "\n".join(f"  {e.source} [{part}]: {'; '.join(e.reasons)}" for part, e in bad.items())
    where = f"study {inventory.study}, sample {inventory.sample}"
    if not inventory.good:
        raise BadPartsError(f"{where}: no good part among {len(inventory.parts)}\n{listing}")
    if bad and policy == "fail":
        raise BadPartsError(
            f"{where}: {len(bad)} of {len(inventory.parts)} parts cannot be used; mend or remove them, "
            f"or set on_bad_part: quarantine to go on without them\n{listing}"
        )
    if len(bad) > max_bad_fraction * len(inventory.parts):
        raise BadPartsError(
            f"{where}: {len(bad)} of {len(inventory.parts)} parts are bad, more than "
            f"max_bad_fraction {max_bad_fraction:g} allows; look for a common cause\n{listing}"
        )


class SharedEventsError(ValueError):
    """Samples have events in common; the message names samples and parts."""


def compare_samples(
    study: str, events: Mapping[str, PartEvents], roles: Mapping[str, str], policy: Policy
) -> list[dict[str, str | int]]:
    """Compare the events of all samples of a study with each other.

    Parameters
    ----------
    events : mapping of sample to PartEvents
        Of the parts that are used.
    roles : mapping of sample to role

    Returns
    -------
    list
        Pairs of parts of two samples of one role that share events.

    Raises
    ------
    SharedEventsError
        Samples of different roles share events: a test on what was trained on is none. Under policy ``fail`` also
        those of one role.
    """
    shared: list[dict[str, str | int]] = []
    forbidden: list[str] = []
    for a, b in combinations(sorted(events), 2):
        pairs = events[a].shared_with(events[b])
        total = sum(count for _, _, count in pairs)
        if pairs and (roles[a] != roles[b] or policy == "fail"):
            listing = "\n".join(f"  {mine} of {a} and {theirs} of {b}: {n}" for mine, theirs, n in pairs[:_LISTED])
            more = f"\n  and {len(pairs) - _LISTED} more pairs of parts" if len(pairs) > _LISTED else ""
            forbidden.append(
                f"study {study}: sample {a} (role {roles[a]}) and sample {b} (role {roles[b]}) have {total} events in "
                f"common; leave the files out of one of them\n{listing}{more}"
            )
        shared += [
            {"sample": a, "part": mine, "other_sample": b, "other_part": theirs, "n_events": n}
            for mine, theirs, n in pairs
        ]
    if forbidden:
        raise SharedEventsError("\n".join(forbidden))
    return shared


def write_events(path: Path, events: PartEvents) -> None:
    """Write the events of a sample's parts (npz)."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, parts=np.array(events.parts, dtype=np.str_), identities=events.identities, part=events.part)


def read_events(path: Path) -> PartEvents:
    """Read what :func:`write_events` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        return PartEvents(tuple(stored["parts"].tolist()), stored["identities"], stored["part"])
