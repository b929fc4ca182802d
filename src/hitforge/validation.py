"""Verdicts on parts, and the inventory of a sample that decides which parts are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import hitforge
from hitforge.provenance import read_json, write_json
from hitforge.settings_base import Settings


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a ntuple.

    Attributes
    ----------
    reason : str
        Short code, the same for all files with this fault, such as ``missing_branch``.
    detail : str
        What was found and what was expected.
    fix : str
        What the user can do.
    file, tree, branch : str
        Where; empty where it does not apply.
    entry : int or None
        First entry that has the problem.
    count : int
        Number of entries that have it; 0 where it does not belong to entries.
    """

    reason: str
    detail: str
    fix: str
    file: str
    tree: str = ""
    branch: str = ""
    entry: int | None = None
    count: int = 0

    def __str__(self) -> str:
        place = [self.file]
        if self.tree:
            place.append(f"tree {self.tree}")
        if self.branch:
            place.append(f"branch {self.branch}")
        if self.entry is not None:
            place.append(f"entry {self.entry}")
        return f"{', '.join(place)}: {self.detail} [{self.reason}]; {self.fix}"


class PartFindings(Settings):
    """What a full reading of a part found.

    ``content_checksum`` is a hash of the decoded values: it survives renaming, re-compression and re-writing.
    ``n_events`` is what a shard will hold: for a study with cuts the last number of ``cut_flow``, the pairs of a cut
    and the entries left after it.
    """

    n_events: int
    content_checksum: str
    layout: str
    problems: tuple[Problem, ...]
    e_min_gev: float | None = None
    e_max_gev: float | None = None
    cut_flow: tuple[tuple[str, int], ...] = ()
    size_bytes: int = 0

    @property
    def good(self) -> bool:
        """True for a part without problems."""
        return not self.problems


class Verdict(PartFindings):
    """The outcome of validating a part."""

    hitforge_version: str = hitforge.__version__
    part: str
    source: str
    verdict: Literal["good", "bad"]


class PartEntry(Settings):
    """A part as the inventory sees it."""

    status: Literal["good", "bad", "duplicate"]
    n_events: int
    content_checksum: str
    source: str
    cut_flow: tuple[tuple[str, int], ...] = ()
    reasons: tuple[str, ...] = ()


class Inventory(Settings):
    """All parts of a sample and what becomes of them."""

    hitforge_version: str = hitforge.__version__
    study: str
    sample: str
    parts: Mapping[str, PartEntry]

    @property
    def good(self) -> list[str]:
        """Ids of the parts that are used, sorted."""
        return sorted(part for part, entry in self.parts.items() if entry.status == "good")

    @property
    def n_events(self) -> int:
        """Events in the used parts."""
        return sum(self.parts[part].n_events for part in self.good)


class BadPartsError(ValueError):
    """Bad parts that the policy does not tolerate; the message lists each with reason and fix."""


def judge(part: str, source: str, findings: PartFindings) -> Verdict:
    """Turn findings into a verdict."""
    verdict: Literal["good", "bad"] = "bad" if findings.problems else "good"
    return Verdict(part=part, source=source, verdict=verdict, **findings.model_dump())


def read_verdict(path: Path) -> Verdict:
    """Read a verdict file."""
    return Verdict.model_validate(read_json(path))


def describe(problem: Problem) -> str:
    """Return one line for a person: reason, place, what was found and the fix, without the file."""
    place = "".join(
        text
        for text in (
            f", branch {problem.branch}" if problem.branch else "",
            f", entry {problem.entry}" if problem.entry is not None else "",
            f", {problem.count} entries" if problem.count > 1 else "",
        )
    )
    return f"{problem.reason}{place}: {problem.detail} (fix: {problem.fix})"


def take_inventory(
    study: str,
    sample: str,
    verdicts: Sequence[Verdict],
    policy: Literal["fail", "quarantine"],
    max_bad_fraction: float,
    first_seen: Mapping[str, str],
) -> Inventory:
    """Decide what becomes of each part.

    Parameters
    ----------
    first_seen : mapping of content checksum to part id
        Which part was the first with this content in an earlier inventory; it stays the one that is used.

    Raises
    ------
    BadPartsError
        Policy ``fail`` and any bad or duplicate part; policy ``quarantine`` and too many; or no good part at all.
    """
    entries: dict[str, PartEntry] = {}
    ordered = sorted(verdicts, key=lambda verdict: verdict.part)
    # of several parts with one content the first by name owns it, unless another was there before
    owner = {verdict.content_checksum: verdict.part for verdict in reversed(ordered) if verdict.good}
    present = {v.part for v in verdicts}
    owner |= {checksum: part for checksum, part in first_seen.items() if checksum in owner and part in present}
    for verdict in ordered:
        status: Literal["good", "bad", "duplicate"] = verdict.verdict
        reasons = tuple(describe(problem) for problem in verdict.problems)
        if status == "good" and owner[verdict.content_checksum] != verdict.part:
            status = "duplicate"
            reasons = (f"same content as part {owner[verdict.content_checksum]} (fix: remove one of the two files)",)
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
    return inventory


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


def read_inventory(path: Path) -> Inventory:
    """Read an inventory file."""
    return Inventory.model_validate(read_json(path))


def write_inventory(path: Path, inventory: Inventory) -> None:
    """Write an inventory file atomically."""
    write_json(path, inventory.model_dump(mode="json"))
