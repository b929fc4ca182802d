"""Which parts of a sample are used: policies, duplicates, the memory of who was first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hitforge.inventory import take_inventory
from hitforge.validation import (
    BadPartsError,
    PartFindings,
    Problem,
    Verdict,
    describe,
    judge,
    read_inventory,
    write_inventory,
)

PROBLEM = Problem("truncated", "the file ends early", "copy it again", "b.root", branch="x", entry=3, count=2)


def verdict(part: str, checksum: str = "", bad: bool = False) -> Verdict:
    problems = (PROBLEM,) if bad else ()
    findings = PartFindings(
        n_events=10, content_checksum="" if bad else checksum or part, layout="compact", problems=problems
    )
    return judge(part, f"{part}.root", findings)


def inventory(*verdicts: Verdict, **changes: Any) -> dict[str, str]:
    options: dict[str, Any] = {"policy": "quarantine", "max_bad_fraction": 0.5, "first_seen": {}, **changes}
    taken, _ = take_inventory("toy", "train", verdicts, **options)
    return {part: entry.status for part, entry in taken.parts.items()}


def test_bad_part_is_quarantined() -> None:
    assert inventory(verdict("a"), verdict("b", bad=True)) == {"a": "good", "b": "bad"}


def test_bad_part_fails_with_reason_place_and_fix() -> None:
    with pytest.raises(BadPartsError, match=r"b\.root.*truncated, branch x, entry 3, 2 entries.*fix: copy it again"):
        inventory(verdict("a"), verdict("b", bad=True), policy="fail")


def test_too_many_bad_parts_stop_even_under_quarantine() -> None:
    with pytest.raises(BadPartsError, match=r"max_bad_fraction 0\.4"):
        inventory(verdict("a"), verdict("b", bad=True), max_bad_fraction=0.4)


def test_no_good_part_is_an_error() -> None:
    with pytest.raises(BadPartsError, match="no good part"):
        inventory(verdict("b", bad=True), max_bad_fraction=1.0)


def test_duplicate_is_used_once_under_its_first_name() -> None:
    assert inventory(verdict("a", "same"), verdict("b", "same")) == {"a": "good", "b": "duplicate"}


def test_part_that_was_there_first_stays() -> None:
    seen = {"same": "b"}
    assert inventory(verdict("a", "same"), verdict("b", "same"), first_seen=seen) == {"a": "duplicate", "b": "good"}


def test_first_part_may_leave() -> None:
    assert inventory(verdict("a", "same"), first_seen={"same": "b"}) == {"a": "good"}


def test_a_problem_says_its_place_and_nothing_that_it_lacks() -> None:
    full = Problem("nan", "is not finite", "drop it", "a.root", tree="muons", branch="pt", entry=0, count=2)
    bare = Problem("truncated", "ends early", "copy it again", "a.root", count=1)
    assert str(full) == "a.root, tree muons, branch pt, entry 0: is not finite [nan]; drop it"
    assert str(bare) == "a.root: ends early [truncated]; copy it again"
    assert describe(full) == "nan, branch pt, entry 0, 2 entries: is not finite (fix: drop it)"
    assert describe(bare) == "truncated: ends early (fix: copy it again)"


def test_only_events_of_used_parts_count(tmp_path: Path) -> None:
    verdicts = [verdict("c"), verdict("b", bad=True), verdict("a")]
    taken, _ = take_inventory("toy", "train", verdicts, "quarantine", max_bad_fraction=0.5, first_seen={})
    assert (taken.good, taken.n_events, len(taken.parts)) == (["a", "c"], 20, 3)
    write_inventory(tmp_path / "inventory.json", taken)
    assert read_inventory(tmp_path / "inventory.json") == taken
