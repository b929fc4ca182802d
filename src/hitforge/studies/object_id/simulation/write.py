"""ROOT files of objects, written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import uproot

from hitforge.config import SampleSettings, TreeFormat
from hitforge.new_trees import NewTree
from hitforge.provenance import atomic_path
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.objects import CHANNELS, SCALARS, Objects
from hitforge.studies.object_id.simulation.generate import simulate_objects
from hitforge.studies.object_id.simulation.settings import SimulationSettings

TREE = "objects"


def simulate_part(
    out: Path,
    sample: SampleSettings,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    *,
    simulation: SimulationSettings,
    image: ImageSettings,
) -> None:
    """Write one simulated part of ``events_per_part`` objects, two in each event."""
    assert sample.events_per_part is not None
    if sample.spectrum != "flat":
        raise ValueError(f"spectrum {sample.spectrum!r} is not known; the generator has one, leave it out")
    objects = simulate_objects(sample.events_per_part, seed, simulation, image, progress)
    write_part(out, objects, image, sample.tree_format)


def write_part(path: Path, chunks: Iterable[Objects], image: ImageSettings, tree_format: TreeFormat = "ttree") -> int:
    """Write one file with tree ``objects``, one entry an object, and return the number of objects.

    Branches: ``em`` and ``had`` float32[H W] in GeV, row-major eta then phi, and those of
    :data:`hitforge.studies.object_id.data.objects.SCALARS`. Chunks are written as they come.
    """
    n_objects = 0
    types = dict.fromkeys(CHANNELS, ("<f4", (image.n_cells,))) | SCALARS
    with atomic_path(path) as temporary, uproot.recreate(temporary, compression=uproot.ZSTD(3)) as file:
        tree = NewTree(file, TREE, types, tree_format)
        for objects in chunks:
            n_objects += len(objects)
            flat = objects.image.reshape(len(objects), len(CHANNELS), -1)
            cells = {channel: flat[:, c] for c, channel in enumerate(CHANNELS)}
            tree.extend(cells | {name: getattr(objects, name) for name in SCALARS})
    return n_objects
