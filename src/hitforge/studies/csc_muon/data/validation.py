"""Judging one part: every kind of fault with its first entry and how many entries have it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hitforge.inspection import Selection, inspect_selected
from hitforge.studies.csc_muon.data.checks import MAX_THETA
from hitforge.studies.csc_muon.data.cuts import select
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
        ``layout`` is ``vector``, ``scalars``, ``npz`` or empty; the range is that of pT.
    """
    words = [-np.inf]  # the largest third road word of each chunk

    def select_roads(roads: Roads) -> Selection:
        words.append(float(roads.variables[:, ROAD_WORD3].max(initial=-np.inf)))
        return select(roads, cuts)

    def pt(roads: Roads) -> NDArray[np.float64]:
        x = np.abs(roads.q_over_pt.astype(np.float64))
        return 1.0 / x[np.isfinite(x)]

    opened = open_roads(source, reader, chunk_mb)
    findings = inspect_selected(
        source, opened, "road", columns=checksum_columns, select=select_roads, energy=pt, identify=road_identities
    )
    enough = sum(n for _, n in findings.cut_flow[:1]) >= _ENOUGH_ROADS
    if reader.road_word3 == "phi_quadstrip" and enough and 0 <= max(words) <= MAX_THETA:
        detail = f"never more than {MAX_THETA}: this is the median theta, not a quad-strip"
        fix = "set reader.road_word3: theta_median"
        problems = *findings.problems, Problem("road_word3", detail, fix, str(source), "", "road_word3")
        return findings.model_copy(update={"content_checksum": "", "problems": problems, "identities": b""})
    return findings
