"""Stage build-shard: one part becomes one shard."""

from __future__ import annotations

import logging
from pathlib import Path

from hitforge.provenance import stamp
from hitforge.shards import write_shard
from hitforge.studies.base import Study
from hitforge.validation import Verdict, describe

log = logging.getLogger(__name__)


class ChangedPartError(ValueError):
    """A part that is not what its verdict says: it was replaced between the two stages."""


def build_shard(study: Study, sample: str, verdict: Verdict, out: Path, config_hash: str) -> int:
    """Write the shard of a part and return its number of events; another one than validated is a ChangedPartError.

    A bad part becomes a valid shard without events, so that the stages below need not know of it.
    """
    attributes = stamp(
        study=study.name,
        sample=sample,
        part=verdict.part,
        content_checksum=verdict.content_checksum or "",
        config_hash=config_hash,
        features_scaled=verdict.layout == "fold_file",
    )
    if verdict.verdict == "bad":
        log.warning("%s: quarantined, empty shard: %s", verdict.source, "; ".join(map(describe, verdict.problems)))
        return write_shard(out, study.layout, (), {**attributes, "quarantined": True})
    n_events = write_shard(out, study.layout, study.read(verdict.source), {**attributes, "quarantined": False})
    if n_events != verdict.n_events:
        out.unlink()
        raise ChangedPartError(
            f"{verdict.source}: {n_events} events, but {verdict.n_events} when it was validated; "
            "the file was replaced meanwhile: run the workflow again"
        )
    log.info("%s: %d events -> %s", verdict.source, n_events, out)
    return n_events
