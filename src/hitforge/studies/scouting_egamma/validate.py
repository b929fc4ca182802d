"""Judging one part: every kind of fault with its first entry and how many entries have it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from hitforge.ntuple import NtupleError
from hitforge.studies.scouting_egamma.ntuple import CHUNK_MB, ContentChecksum, read_chunks
from hitforge.studies.scouting_egamma.reading import ReaderSettings
from hitforge.studies.scouting_egamma.selection import CUT_NAMES, select
from hitforge.validation import PartFindings, Problem


def inspect_part(source: str | Path, settings: ReaderSettings, chunk_mb: float = CHUNK_MB) -> PartFindings:
    """Read a part to its end and report every distinct problem.

    Returns
    -------
    PartFindings
        ``layout`` is ``scalars``, ``vectors`` or empty; the range is that of the generated energy in GeV; the
        checksum is empty if there are problems. Never raises for what is wrong with the file.
    """
    checksum = ContentChecksum()
    found: dict[tuple[str, str], Problem] = {}
    size, layout = 0, ""
    flow: Counter[str] = Counter()
    lowest, highest = np.inf, 0.0
    try:
        for ntuple in read_chunks(source, settings, chunk_mb):
            size, layout = ntuple.n_bytes, ntuple.layout
            _collect(found, ntuple.problems)
            if ntuple.n_candidates == 0:
                fix = "leave the part out, or find out why its job wrote no candidate"
                _collect(found, (Problem("empty_tree", "there are no entries", fix, str(source), settings.tree),))
            for chunk in ntuple.chunks:
                _collect(found, chunk.problems)
                checksum.update(chunk.candidates)
                flow.update(select(chunk.candidates)[1])
                energy = chunk.candidates.true_energy
                energy = energy[np.isfinite(energy)]
                if len(energy):
                    lowest, highest = min(lowest, float(energy.min())), max(highest, float(energy.max()))
    except NtupleError as error:
        _collect(found, error.problems)
    if not size and "://" not in str(source) and Path(source).is_file():
        size = Path(source).stat().st_size
    return PartFindings(
        n_events=flow[CUT_NAMES[-1]],
        content_checksum="" if found else checksum.hexdigest(),
        layout=layout,
        problems=tuple(found.values()),
        e_min_gev=lowest if highest else None,
        e_max_gev=highest or None,
        cut_flow=tuple(flow.items()),
        size_bytes=size,
    )


def _collect(found: dict[tuple[str, str], Problem], problems: tuple[Problem, ...]) -> None:
    """Add problems to those found before; of the same kind in the same branch the first entry stays."""
    for problem in problems:
        key = (problem.reason, problem.branch)
        before = found.get(key)
        found[key] = problem if before is None else replace(before, count=before.count + problem.count)
