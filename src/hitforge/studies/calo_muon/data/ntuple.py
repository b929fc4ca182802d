"""Muons from ROOT ntuples: the tree ``B4`` of the original production and the compact tree ``muons``.

Cells are taken by their position in the array, never by their coordinates, which differ between productions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.folds import bucket_of
from hitforge.identities import Identities, add_lists, identities_of
from hitforge.inspection import Chunk, OpenPart, good_events, looked_through
from hitforge.ntuple import entry_ranges, find_tree, naming_damage, open_root
from hitforge.studies.calo_muon.data.geometry import Geometry
from hitforge.studies.calo_muon.data.layouts import MuonTree
from hitforge.studies.calo_muon.data.muons import Muons

TREES = ("B4", "muons")
"""Tree of the original production, tree of the compact layout."""


def open_muons(
    source: str | Path, geometry: Geometry, chunk_mb: float = 64.0, needs_truth: bool = True
) -> Iterator[OpenPart[Muons]]:
    """Yield the one open part of a file; a generator so that the file closes when the caller is done.

    Its layout is ``b4-vector``, ``b4-fixed``, ``b4-variable`` or ``compact``; empty if the tree has no usable hits.
    """
    with open_root(source) as file:
        name, tree = find_tree(file, TREES, source)
        with naming_damage(str(source), name):
            reader = MuonTree(tree, name, str(source), geometry, needs_truth)
            n_bytes = int(file.file.source.num_bytes)

        def chunks() -> Iterator[Chunk[Muons]]:
            with naming_damage(str(source), name):
                ranges = entry_ranges(tree, reader.main_branch, chunk_mb) if reader.main_branch else []
            for start, stop in ranges:
                yield looked_through(start, *reader.read(start, stop), str(source), name)

        yield OpenPart(
            reader.layout, int(tree.num_entries), n_bytes, tuple(reader.problems), chunks(), reader.has_truth
        )


def read_muons(source: str | Path, geometry: Geometry, chunk_mb: float = 64.0) -> Iterator[tuple[int, Muons]]:
    """Read the muons of a ntuple in chunks of bounded memory.

    Parameters
    ----------
    source : str or Path
        Local path or ``root://`` URL of a ROOT file with tree ``B4`` (vectors or fixed-length arrays of all cells)
        or ``muons`` (sparse hits).
    geometry : Geometry
        Geometry that the file was made with; only the number of cells is used here, and the block's width.
    chunk_mb : float, default 64
        Uncompressed bytes of hits per chunk.

    Yields
    ------
    tuple of int and Muons
        Entry of the chunk's first muon, and the muons. Deposits are float32, GeV, larger than zero.

    Raises
    ------
    NtupleError
        The file has any fault that :func:`hitforge.studies.calo_muon.data.validation.inspect_part` reports, except
        having no entries.
    """
    yield from good_events(open_muons(source, geometry, chunk_mb))


def checksum_columns(muons: Muons) -> tuple[NDArray[Any], ...]:
    """Return the columns that enter the checksum of a part.

    Two files with the same muons in the same order have the same checksum, whatever their layout, compression or
    name, as long as the deposits agree in single precision.
    """
    return (
        muons.energy_gev.astype("<f4"),
        muons.x_mm.astype("<f4"),
        muons.y_mm.astype("<f4"),
        muons.charge.astype("i1"),
        np.diff(muons.hits.indptr).astype("<i4"),
        muons.hits.cell.astype("<u4"),
        muons.hits.energy.astype("<f4", copy=False),
    )


def muon_identities(muons: Muons) -> Identities:
    """Return what tells each muon from others: its energy, entry point and hits; not all layouts have the charge."""
    found = identities_of(muons.energy_gev, muons.x_mm, muons.y_mm)
    add_lists(found, muons.hits.indptr, muons.hits.cell, muons.hits.energy)
    return found


def event_identity(muons: Muons) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Return the bytes that identify each muon, shape (N, 13), uint8.

    float32 energy, x and y, little endian, and the charge as int8; of a muon without known charge only the first
    12 bytes count.
    """
    columns = (muons.energy_gev.astype("<f4"), muons.x_mm.astype("<f4"), muons.y_mm.astype("<f4"))
    rows = [column.view(np.uint8).reshape(-1, 4) for column in columns]
    return np.concatenate([*rows, muons.charge.astype("i1").view(np.uint8).reshape(-1, 1)], axis=1)


def event_bucket(muons: Muons) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Return the identity bucket of each muon, shape (N,), int16, 0 to 3599."""
    identity = event_identity(muons)
    buckets = np.empty(len(muons), dtype=np.int16)
    known = muons.charge != 0
    buckets[known] = bucket_of(identity[known])
    buckets[~known] = bucket_of(identity[~known, :12])
    return buckets
