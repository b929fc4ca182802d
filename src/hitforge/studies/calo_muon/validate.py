"""Judging one ntuple: every kind of fault with its first entry and how many entries have it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hitforge.ntuple import NtupleError
from hitforge.studies.calo_muon.geometry import Geometry
from hitforge.studies.calo_muon.ntuple import ContentChecksum, read_chunks
from hitforge.validation import PartFindings, Problem


def inspect_part(source: str | Path, geometry: Geometry, chunk_mb: float = 64.0) -> PartFindings:
    """Read a part to its end and report every distinct problem.

    Parameters
    ----------
    source : str or Path
        Local path or ``root://`` URL.
    geometry : Geometry
        Geometry that the part should have.
    chunk_mb : float, default 64
        Uncompressed bytes of hits that are in memory at a time.

    Returns
    -------
    PartFindings
        ``layout`` is ``b4-vector``, ``b4-fixed``, ``b4-variable``, ``compact`` or empty; the checksum is empty if
        there are problems. Never raises for what is wrong with the file: an unreadable file is a finding too.
    """
    checksum = ContentChecksum()
    found: dict[tuple[str, str], Problem] = {}
    n_events = size = 0
    layout = ""
    lowest: float | None = None
    highest: float | None = None
    try:
        for ntuple in read_chunks(source, geometry, chunk_mb):
            n_events, size, layout = ntuple.n_events, ntuple.n_bytes, ntuple.layout
            _collect(found, ntuple.problems)
            if n_events == 0:
                fix = "leave the part out, or find out why its job wrote no muon"
                _collect(found, (Problem("empty_tree", "the tree has no entries", fix, str(source)),))
            for chunk in ntuple.chunks:
                _collect(found, chunk.problems)
                checksum.update(chunk.muons)
                energies = chunk.muons.energy_gev[chunk.muons.energy_gev > 0.0]
                if len(energies):
                    low, high = float(energies.min()), float(energies.max())
                    lowest = low if lowest is None else min(lowest, low)
                    highest = high if highest is None else max(highest, high)
    except NtupleError as error:
        _collect(found, error.problems)
    if not size and "://" not in str(source) and Path(source).is_file():
        size = Path(source).stat().st_size
    digest = "" if found else checksum.hexdigest()
    return PartFindings(
        n_events=n_events,
        content_checksum=digest,
        layout=layout,
        problems=tuple(found.values()),
        e_min_gev=lowest,
        e_max_gev=highest,
        size_bytes=size,
    )


def _collect(found: dict[tuple[str, str], Problem], problems: tuple[Problem, ...]) -> None:
    """Add problems to those found before; of the same kind in the same branch the first entry stays."""
    for problem in problems:
        key = (problem.reason, problem.branch)
        before = found.get(key)
        found[key] = problem if before is None else replace(before, count=before.count + problem.count)
