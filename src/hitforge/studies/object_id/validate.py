"""Judging one part: every kind of fault with its first entry and how many entries have it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from hitforge.ntuple import NtupleError
from hitforge.studies.object_id.cuts import CUT_NAMES, CutSettings, select
from hitforge.studies.object_id.image import ImageSettings
from hitforge.studies.object_id.ntuple import CHUNK_MB, ContentChecksum, read_chunks
from hitforge.studies.object_id.reading import ReaderSettings
from hitforge.validation import PartFindings, Problem


def inspect_part(
    source: str | Path, settings: ReaderSettings, image: ImageSettings, cuts: CutSettings, chunk_mb: float = CHUNK_MB
) -> PartFindings:
    """Read a part to its end and report every distinct problem.

    Returns
    -------
    PartFindings
        The range is that of pT in GeV; chunks with problems are not in the cut flow; the checksum is empty if there
        are problems. Never raises for what is wrong
        with the file: an unreadable file is a finding too.
    """
    checksum = ContentChecksum()
    found: dict[tuple[str, str], Problem] = {}
    n_objects = size = 0
    flow: Counter[str] = Counter()
    lowest, highest = np.inf, -np.inf
    try:
        for ntuple in read_chunks(source, settings, image, chunk_mb):
            n_objects, size = ntuple.n_objects, ntuple.n_bytes
            _collect(found, ntuple.problems)
            if n_objects == 0:
                fix = "leave the part out, or find out why its job wrote no object"
                _collect(found, (Problem("empty_tree", "there are no entries", fix, str(source)),))
            for chunk in ntuple.chunks:
                _collect(found, chunk.problems)
                checksum.update(chunk.objects)
                if not chunk.problems:
                    flow.update(select(chunk.objects, cuts)[1])
                pt = chunk.objects.pt[np.isfinite(chunk.objects.pt)]
                if len(pt):
                    lowest, highest = min(lowest, float(pt.min())), max(highest, float(pt.max()))
    except NtupleError as error:
        _collect(found, error.problems)
    if not size and "://" not in str(source) and Path(source).is_file():
        size = Path(source).stat().st_size
    return PartFindings(
        n_events=flow[CUT_NAMES[-1]],
        content_checksum="" if found else checksum.hexdigest(),
        layout=settings.layout if n_objects else "",
        problems=tuple(found.values()),
        e_min_gev=lowest if np.isfinite(lowest) else None,
        e_max_gev=highest if np.isfinite(highest) else None,
        cut_flow=tuple(flow.items()),
        size_bytes=size,
    )


def _collect(found: dict[tuple[str, str], Problem], problems: tuple[Problem, ...]) -> None:
    """Add problems to those found before; of the same kind in the same branch the first entry stays."""
    for problem in problems:
        key = (problem.reason, problem.branch)
        before = found.get(key)
        found[key] = problem if before is None else replace(before, count=before.count + problem.count)
