"""Judging one part: every kind of fault with its first entry and how many entries have it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from hitforge.ntuple import NtupleError
from hitforge.studies.csc_muon.checks import MAX_THETA
from hitforge.studies.csc_muon.cuts import CUT_NAMES, CutSettings, select
from hitforge.studies.csc_muon.ntuple import CHUNK_MB, ContentChecksum, read_chunks
from hitforge.studies.csc_muon.reading import ReaderSettings
from hitforge.studies.csc_muon.roads import ROAD_WORD3
from hitforge.validation import PartFindings, Problem

_ENOUGH_ROADS = 100  # a quad-strip is above 90 for almost half of the roads


def inspect_part(
    source: str | Path, settings: ReaderSettings, cuts: CutSettings | None = None, chunk_mb: float = CHUNK_MB
) -> PartFindings:
    """Read a part to its end and report every distinct problem.

    Parameters
    ----------
    source : str or Path
        As for :func:`hitforge.studies.csc_muon.ntuple.read_roads`.
    settings : ReaderSettings
        Names and meanings of columns.
    cuts : CutSettings, optional
        Without them all roads count.
    chunk_mb : float, default 16
        Uncompressed bytes of ``variables`` that are in memory at a time.

    Returns
    -------
    PartFindings
        ``layout`` is ``vector``, ``scalars``, ``npz`` or empty; the range is that of pT in GeV; the checksum is
        empty if there are problems. Never raises for what is wrong with the file: an unreadable file is a finding
        too.
    """
    checksum = ContentChecksum()
    found: dict[tuple[str, str], Problem] = {}
    n_roads = size = 0
    layout = ""
    flow: Counter[str] = Counter()
    largest_word, lowest, highest = -np.inf, np.inf, 0.0  # lowest and highest |q/pT|
    try:
        for ntuple in read_chunks(source, settings, chunk_mb):
            n_roads, size, layout = ntuple.n_roads, ntuple.n_bytes, ntuple.layout
            _collect(found, ntuple.problems)
            if n_roads == 0:
                fix = "leave the part out, or find out why its job wrote no road"
                _collect(found, (Problem("empty_tree", "there are no entries", fix, str(source)),))
            for chunk in ntuple.chunks:
                _collect(found, chunk.problems)
                checksum.update(chunk.roads)
                if cuts is not None:
                    flow.update(select(chunk.roads, cuts)[1])
                x = np.abs(chunk.roads.q_over_pt)
                x = x[np.isfinite(x) & (x > 0)]
                if len(x):
                    lowest, highest = min(lowest, float(x.min())), max(highest, float(x.max()))
                largest_word = max(largest_word, float(chunk.roads.variables[:, ROAD_WORD3].max(initial=-np.inf)))
    except NtupleError as error:
        _collect(found, error.problems)
    if settings.road_word3 == "phi_quadstrip" and n_roads >= _ENOUGH_ROADS and 0 <= largest_word <= MAX_THETA:
        detail = f"never more than {MAX_THETA}: this is the median theta, not a quad-strip"
        fix = "set reader.road_word3: theta_median"
        _collect(found, (Problem("road_word3", detail, fix, str(source), "", "road_word3"),))
    if not size and "://" not in str(source) and Path(source).is_file():
        size = Path(source).stat().st_size
    return PartFindings(
        n_events=n_roads if cuts is None else flow[CUT_NAMES[-1]],
        content_checksum="" if found else checksum.hexdigest(),
        layout=layout,
        problems=tuple(found.values()),
        e_min_gev=1 / highest if highest else None,
        e_max_gev=1 / lowest if highest else None,
        cut_flow=tuple(flow.items()),
        size_bytes=size,
    )


def _collect(found: dict[tuple[str, str], Problem], problems: tuple[Problem, ...]) -> None:
    """Add problems to those found before; of the same kind in the same branch the first entry stays."""
    for problem in problems:
        key = (problem.reason, problem.branch)
        before = found.get(key)
        found[key] = problem if before is None else replace(before, count=before.count + problem.count)
