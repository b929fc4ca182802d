"""ROOT files of roads, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import uproot

from hitforge.provenance import atomic_path
from hitforge.studies.csc_muon.data.roads import N_VARIABLES, Roads

TREE = "muons"


def write_part(path: Path, chunks: Iterable[Roads]) -> int:
    """Write one file with tree ``muons``, one entry a road, and return the number of roads.

    The file appears under its name only when it is complete. Chunks are written as they come, so memory stays at
    one chunk.

    Parameters
    ----------
    path : Path
        Final name; its folder is made if needed.
    chunks : iterable of Roads
        Consecutive roads. Branches: ``variables`` float32[87], ``parameters`` float32[3], ``event`` uint64,
        ``n_hits`` and ``mode`` int32, ``w`` float32.
    """
    n_roads = 0
    with atomic_path(path) as temporary, uproot.recreate(temporary, compression=uproot.ZSTD(3)) as file:
        tree = file.mktree(
            TREE,
            {
                "variables": ("<f4", (N_VARIABLES,)),
                "parameters": ("<f4", (3,)),
                "event": "<u8",
                "n_hits": "<i4",
                "mode": "<i4",
                "w": "<f4",
            },
        )
        for roads in chunks:
            n_roads += len(roads)
            tree.extend(
                {
                    "variables": roads.variables,
                    "parameters": roads.parameters,
                    "event": roads.event,
                    "n_hits": roads.n_hits,
                    "mode": roads.mode,
                    "w": roads.weight,
                }
            )
    return n_roads
