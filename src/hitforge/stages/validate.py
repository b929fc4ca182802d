"""Stages validate and inventory: verdicts on parts, which parts a sample uses, and whether samples share events."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hitforge.identities import read_identities, write_identities
from hitforge.inventory import Policy, compare_samples, read_events, take_inventory, write_events
from hitforge.provenance import read_json, write_json
from hitforge.studies.base import Study
from hitforge.validation import Verdict, describe, judge, read_verdict, write_inventory

log = logging.getLogger(__name__)


def validate_part(study: Study, part: str, source: str, out: Path | None = None, events: Path | None = None) -> Verdict:
    """Read a part in full and write its verdict, good or bad; a bad part is an answer, not an error.

    ``events`` is where the identities of its events are written.
    """
    verdict = judge(part, source, study.inspect(source))
    if out is not None:
        write_json(out, verdict.model_dump(mode="json"))
    if events is not None:
        # where a study does not tell its events apart, the part as a whole stands for them
        whole = hashlib.blake2b(verdict.content_checksum.encode(), digest_size=8).digest() if verdict.good else b""
        write_identities(events, np.frombuffer(verdict.identities or whole, dtype=np.uint64))
    if verdict.verdict == "good":
        log.info("%s: good, %d events", source, verdict.n_events)
    for problem in verdict.problems:
        log.warning("%s: bad: %s", source, describe(problem))
    return verdict


def make_inventory(
    study_name: str,
    sample: str,
    verdicts: Sequence[Path],
    identities: Sequence[Path],
    policy: Policy,
    max_bad_fraction: float,
    out: Path,
    events_out: Path,
    memory: Path,
) -> None:
    """Decide which parts are used, and write the identities of their events.

    ``memory`` remembers which part first had a content, so that a later copy under an earlier name does not take
    its place; it survives reruns because the workflow does not know of it.
    """
    first_seen = read_json(memory) if memory.is_file() else {}
    read = [read_verdict(path) for path in verdicts]
    known = {verdict.part: read_identities(path) for verdict, path in zip(read, identities, strict=True)}
    inventory, events = take_inventory(study_name, sample, read, policy, max_bad_fraction, first_seen, known)
    write_json(memory, {inventory.parts[part].content_checksum: part for part in inventory.good})
    write_events(events_out, events)
    write_inventory(out, inventory)
    log.info("%s/%s: %d parts used, %d events", study_name, sample, len(inventory.good), inventory.n_events)


def compare_study(
    study_name: str,
    events: Mapping[str, Path],
    roles: Mapping[str, str],
    policy: Policy,
    out: Path,
) -> None:
    """Compare the events of all samples; what may be shared is listed in ``out``, what may not is an error."""
    shared = compare_samples(study_name, {name: read_events(path) for name, path in events.items()}, roles, policy)
    for pair in shared:
        log.warning("%s/%s and %s/%s share %d events", *pair.values())
    write_json(out, {"shared": shared})
