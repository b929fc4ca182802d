"""Judging one part: every kind of fault with its first entry and how many entries have it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from hitforge.inspection import ContentChecksum, inspect
from hitforge.studies.scouting_egamma.data.candidates import Candidates
from hitforge.studies.scouting_egamma.data.ntuple import (
    CHUNK_MB,
    candidate_identities,
    checksum_columns,
    open_candidates,
)
from hitforge.studies.scouting_egamma.data.selection import CUT_NAMES, select
from hitforge.studies.scouting_egamma.settings import ReaderSettings
from hitforge.validation import PartFindings


def inspect_part(source: str | Path, *, reader: ReaderSettings, chunk_mb: float = CHUNK_MB) -> PartFindings:
    """Read a part to its end and report every distinct problem.

    Returns
    -------
    PartFindings
        ``layout`` is ``scalars``, ``vectors`` or empty; the range is that of the generated energy in GeV; the
        checksum is empty if there are problems. Never raises for what is wrong with the file.
    """
    checksum = ContentChecksum()
    flow: Counter[str] = Counter()
    lowest, highest = [np.inf], [0.0]  # generated energy of each chunk

    def look(candidates: Candidates) -> None:
        checksum.update(*checksum_columns(candidates))
        flow.update(select(candidates)[1])
        energy = candidates.true_energy
        energy = energy[np.isfinite(energy)]
        lowest.append(float(energy.min(initial=np.inf)))
        highest.append(float(energy.max(initial=0.0)))

    findings = inspect(source, open_candidates(source, reader, chunk_mb), "candidate", look, candidate_identities)
    return findings.model_copy(
        update={
            "n_events": flow[CUT_NAMES[-1]],
            "content_checksum": "" if findings.problems else checksum.hexdigest(),
            "e_min_gev": min(lowest) if max(highest) else None,
            "e_max_gev": max(highest) or None,
            "cut_flow": tuple(flow.items()),
        }
    )
