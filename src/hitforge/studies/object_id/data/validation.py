"""Judging one part: every kind of fault with its first entry and how many entries have it."""

from __future__ import annotations

from pathlib import Path

from hitforge.inspection import inspect_selected
from hitforge.studies.object_id.data.cuts import CutSettings, select
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.ntuple import CHUNK_MB, checksum_columns, object_identities, open_objects
from hitforge.studies.object_id.settings import ReaderSettings
from hitforge.validation import PartFindings


def inspect_part(
    source: str | Path, *, reader: ReaderSettings, image: ImageSettings, cuts: CutSettings, chunk_mb: float = CHUNK_MB
) -> PartFindings:
    """Read a part to its end and report every distinct problem; the range is that of pT in GeV.

    Objects that no cut can judge are not in the cut flow.
    """
    return inspect_selected(
        source,
        open_objects(source, reader, image, chunk_mb),
        "object",
        columns=checksum_columns,
        select=lambda objects: select(objects, cuts),
        energy=lambda objects: objects.pt,
        identify=object_identities,
    )
