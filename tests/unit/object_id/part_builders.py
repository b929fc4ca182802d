"""Parts in both layouts, made from the same objects."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from hitforge.studies.object_id.data.image import ImageSettings, wrapped
from hitforge.studies.object_id.data.objects import SCALARS, Objects, join
from hitforge.studies.object_id.simulation.generate import simulate_objects
from hitforge.studies.object_id.simulation.settings import SimulationSettings
from hitforge.studies.object_id.simulation.write import write_part

IMAGE = ImageSettings()


@cache
def some_objects(n: int = 400, seed: int = 1) -> Objects:
    return join(list(simulate_objects(n, seed, SimulationSettings(), IMAGE)))


def write_images(path: Path, objects: Objects, chunk: int = 100) -> Path:
    chunks = (objects.take(slice(i, i + chunk)) for i in range(0, len(objects), chunk))
    write_part(path, chunks, IMAGE)
    return path


def write_cells(path: Path, objects: Objects) -> Path:
    """Write lists of the cells with energy, in detector coordinates."""
    owner, layer, row, column = np.nonzero(objects.image)
    eta, phi = IMAGE.axes()
    counts = np.bincount(owner, minlength=len(objects))
    flat = {
        "cell_eta": objects.eta.astype(float)[owner] + eta[row],
        "cell_phi": wrapped(objects.phi.astype(float)[owner] + phi[column]),
        "cell_et": objects.image[owner, layer, row, column],
        "cell_layer": layer.astype(np.int32),
    }
    lists = {name: ak.unflatten(values, counts) for name, values in flat.items()}
    with uproot.recreate(path) as file:
        types = {name: values.type.content for name, values in lists.items()} | SCALARS
        file.mktree("objects", types).extend(lists | {name: getattr(objects, name) for name in SCALARS})
    return path


def hand_made(cells: dict[tuple[int, int, int], float]) -> np.ndarray:
    """Return one image, shape (1, 2, 16, 16), with some cells (channel, row, column) in GeV."""
    image = np.zeros((1, *IMAGE.shape), dtype=np.float32)
    for place, energy in cells.items():
        image[(0, *place)] = energy
    return image
