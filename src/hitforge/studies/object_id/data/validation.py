"""Judging one part: every kind of fault with its first entry and how many entries have it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from hitforge.inspection import ContentChecksum, inspect
from hitforge.studies.object_id.data.cuts import CUT_NAMES, CutSettings, select
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.ntuple import CHUNK_MB, checksum_columns, object_identities, open_objects
from hitforge.studies.object_id.data.objects import Objects
from hitforge.studies.object_id.settings import ReaderSettings
from hitforge.validation import PartFindings


def inspect_part(
    source: str | Path,
    *,
    reader: ReaderSettings,
    image: ImageSettings,
    cuts: CutSettings,
    chunk_mb: float = CHUNK_MB,
) -> PartFindings:
    """Read a part to its end and report every distinct problem.

    Returns
    -------
    PartFindings
        The range is that of pT in GeV; objects that no cut can judge are not in the cut flow; the checksum is empty
        if there are problems. Never raises for what is wrong with the file: an unreadable file is a finding too.
    """
    checksum = ContentChecksum()
    flow: Counter[str] = Counter()
    lowest, highest = [np.inf], [-np.inf]  # pT of each chunk

    def look(objects: Objects) -> None:
        checksum.update(*checksum_columns(objects))
        with np.errstate(invalid="ignore"):  # objects with faults are looked at too
            flow.update(select(objects, cuts)[1])
        pt = objects.pt[np.isfinite(objects.pt)]
        lowest.append(float(pt.min(initial=np.inf)))
        highest.append(float(pt.max(initial=-np.inf)))

    findings = inspect(source, open_objects(source, reader, image, chunk_mb), "object", look, object_identities)
    return findings.model_copy(
        update={
            "n_events": flow[CUT_NAMES[-1]],
            "content_checksum": "" if findings.problems else checksum.hexdigest(),
            "e_min_gev": min(lowest) if np.isfinite(min(lowest)) else None,
            "e_max_gev": max(highest) if np.isfinite(max(highest)) else None,
            "cut_flow": tuple(flow.items()),
        }
    )
