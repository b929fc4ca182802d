"""Verdicts on parts, and the inventory of a sample that says which parts are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

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
    # uint64 of each event, as bytes; they have a file of their own beside the verdict
    identities: bytes = Field(b"", exclude=True, repr=False)

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
    return Verdict(part=part, source=source, verdict=verdict, identities=findings.identities, **findings.model_dump())


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


def read_inventory(path: Path) -> Inventory:
    """Read an inventory file."""
    return Inventory.model_validate(read_json(path))


def write_inventory(path: Path, inventory: Inventory) -> None:
    """Write an inventory file atomically."""
    write_json(path, inventory.model_dump(mode="json"))
