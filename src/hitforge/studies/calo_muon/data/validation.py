"""Judging one part: every kind of fault with its first entry and how many entries have it."""

from __future__ import annotations

from pathlib import Path

from hitforge.inspection import ContentChecksum, inspect
from hitforge.studies.calo_muon.data.geometry import Geometry, load_geometry
from hitforge.studies.calo_muon.data.lumin import inspect_fold, is_fold
from hitforge.studies.calo_muon.data.muons import Muons
from hitforge.studies.calo_muon.data.ntuple import checksum_columns, muon_identities, open_muons
from hitforge.validation import PartFindings


def inspect_part(source: str, *, geometry: str | Geometry) -> PartFindings:
    """Read a part, a ntuple or a fold of a published file, to its end and report every problem in it."""
    block = load_geometry(geometry)
    return inspect_fold(source, block) if is_fold(source) else inspect_ntuple(source, block)


def inspect_ntuple(source: str | Path, geometry: Geometry, chunk_mb: float = 64.0) -> PartFindings:
    """Read a ntuple to its end and report every distinct problem.

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
    lowest: list[float] = []
    highest: list[float] = []

    def look(muons: Muons) -> None:
        checksum.update(*checksum_columns(muons))
        energies = muons.energy_gev[muons.energy_gev > 0.0]
        if len(energies):
            lowest.append(float(energies.min()))
            highest.append(float(energies.max()))

    findings = inspect(source, open_muons(source, geometry, chunk_mb), "muon", look, muon_identities)
    return findings.model_copy(
        update={
            "content_checksum": "" if findings.problems else checksum.hexdigest(),
            "e_min_gev": min(lowest, default=None),
            "e_max_gev": max(highest, default=None),
        }
    )
