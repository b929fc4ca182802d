"""ROOT files of candidates, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import uproot

from hitforge.provenance import atomic_path
from hitforge.studies.scouting_egamma.candidates import COLUMNS, MATRIX, N_CELLS, WORDS, Candidates

TREE = "egamma"
BRANCHES = {name: "<i2" if name in WORDS else "<f4" for name in COLUMNS} | {
    MATRIX: ("<f4", (N_CELLS,)),
    "event": "<u8",
}


def write_part(path: Path, chunks: Iterable[Candidates]) -> int:
    """Write one file with tree ``egamma``, one entry a candidate, and return the number of candidates.

    The file appears under its name only when it is complete; memory stays at one chunk.
    """
    total = 0
    with atomic_path(path) as temporary, uproot.recreate(temporary, compression=uproot.ZSTD(3)) as file:
        tree = file.mktree(TREE, BRANCHES)
        for candidates in chunks:
            total += len(candidates)
            tree.extend({name: candidates[name] for name in COLUMNS})
    return total
