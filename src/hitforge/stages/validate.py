"""Stages validate and inventory: verdicts on parts, and the decision which parts a sample uses."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from hitforge.provenance import read_json, write_json
from hitforge.studies.base import Study
from hitforge.validation import Verdict, describe, judge, read_verdict, take_inventory, write_inventory

log = logging.getLogger(__name__)


def validate_part(study: Study, part: str, source: str, out: Path | None = None) -> Verdict:
    """Read a part in full and write its verdict, good or bad; a bad part is an answer, not an error."""
    verdict = judge(part, source, study.inspect(source))
    if out is not None:
        write_json(out, verdict.model_dump(mode="json"))
    if verdict.verdict == "good":
        log.info("%s: good, %d events", source, verdict.n_events)
    for problem in verdict.problems:
        log.warning("%s: bad: %s", source, describe(problem))
    return verdict


def make_inventory(
    study_name: str,
    sample: str,
    verdicts: Sequence[Path],
    policy: Literal["fail", "quarantine"],
    max_bad_fraction: float,
    out: Path,
    memory: Path,
) -> None:
    """Decide which parts are used.

    ``memory`` remembers which part first had a content, so that a later copy under an earlier name does not take
    its place; it survives reruns because the workflow does not know of it.
    """
    first_seen = read_json(memory) if memory.is_file() else {}
    inventory = take_inventory(
        study_name, sample, [read_verdict(path) for path in verdicts], policy, max_bad_fraction, first_seen
    )
    write_json(memory, {inventory.parts[part].content_checksum: part for part in inventory.good})
    write_inventory(out, inventory)
    log.info("%s/%s: %d parts used, %d events", study_name, sample, len(inventory.good), inventory.n_events)
