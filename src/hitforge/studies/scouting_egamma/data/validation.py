"""Judging one part: every kind of fault with its first entry and how many entries have it."""

from __future__ import annotations

from pathlib import Path

from hitforge.inspection import inspect_selected
from hitforge.studies.scouting_egamma.data.ntuple import (
    CHUNK_MB,
    candidate_identities,
    checksum_columns,
    open_candidates,
)
from hitforge.studies.scouting_egamma.data.selection import select
from hitforge.studies.scouting_egamma.settings import ReaderSettings
from hitforge.validation import PartFindings


def inspect_part(source: str | Path, *, reader: ReaderSettings, chunk_mb: float = CHUNK_MB) -> PartFindings:
    """Read a part to its end and report every distinct problem.

    ``layout`` is ``scalars``, ``vectors`` or empty; the range is that of the generated energy in GeV.
    """
    return inspect_selected(
        source,
        open_candidates(source, reader, chunk_mb),
        "candidate",
        columns=checksum_columns,
        select=select,
        energy=lambda candidates: candidates.true_energy,
        identify=candidate_identities,
    )
