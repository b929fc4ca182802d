"""Judging one part: every kind of fault with its first entry and how many entries have it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from hitforge.inspection import ContentChecksum, inspect
from hitforge.studies.csc_muon.data.checks import MAX_THETA
from hitforge.studies.csc_muon.data.cuts import CUT_NAMES, select
from hitforge.studies.csc_muon.data.ntuple import CHUNK_MB, checksum_columns, open_roads, road_identities
from hitforge.studies.csc_muon.data.roads import ROAD_WORD3, Roads
from hitforge.studies.csc_muon.settings import CutSettings, ReaderSettings
from hitforge.validation import PartFindings, Problem

_ENOUGH_ROADS = 100  # a quad-strip is above 90 for almost half of the roads


def inspect_part(
    source: str | Path, reader: ReaderSettings, cuts: CutSettings, chunk_mb: float = CHUNK_MB
) -> PartFindings:
    """Read a part to its end and report every distinct problem.

    Parameters
    ----------
    source : str or Path
        As for :func:`hitforge.studies.csc_muon.data.ntuple.read_roads`.
    reader : ReaderSettings
        Names and meanings of columns.
    cuts : CutSettings
        Roads that pass them count.
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
    flow: Counter[str] = Counter()
    lowest, highest, words = [np.inf], [0.0], [-np.inf]  # |q/pT| and the third road word, of each chunk

    def look(roads: Roads) -> None:
        checksum.update(*checksum_columns(roads))
        flow.update(select(roads, cuts)[1])
        x = np.abs(roads.q_over_pt)
        x = x[np.isfinite(x) & (x > 0)]
        lowest.append(float(x.min(initial=np.inf)))
        highest.append(float(x.max(initial=0.0)))
        words.append(float(roads.variables[:, ROAD_WORD3].max(initial=-np.inf)))

    findings = inspect(source, open_roads(source, reader, chunk_mb), "road", look, road_identities)
    problems = findings.problems
    enough = findings.n_events >= _ENOUGH_ROADS
    if reader.road_word3 == "phi_quadstrip" and enough and 0 <= max(words) <= MAX_THETA:
        detail = f"never more than {MAX_THETA}: this is the median theta, not a quad-strip"
        fix = "set reader.road_word3: theta_median"
        problems += (Problem("road_word3", detail, fix, str(source), "", "road_word3"),)
    return findings.model_copy(
        update={
            "n_events": flow[CUT_NAMES[-1]],
            "content_checksum": "" if problems else checksum.hexdigest(),
            "problems": problems,
            "identities": b"" if problems else findings.identities,
            "e_min_gev": 1 / max(highest) if max(highest) else None,
            "e_max_gev": 1 / min(lowest) if max(highest) else None,
            "cut_flow": tuple(flow.items()),
        }
    )
