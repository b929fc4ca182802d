"""Objects read back from shards, with their images in GeV."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hitforge.shards import Shard
from hitforge.studies.object_id.data.image import ImageSettings, to_gev, to_image
from hitforge.studies.object_id.data.objects import join

MAX_OBJECTS = 20_000
"""Mean images and distributions of more objects would look the same; further shards are left out."""

_DATASETS = {"pt": "truth/pt", "eta": "truth/eta", "phi": "truth/phi", "bucket": "bucket", "entry": "entry"}


@dataclass(frozen=True)
class StoredObjects:
    """N objects: images, shape (N, 2, H, W), classes, axes, the bucket of the event, and where each is from."""

    image: NDArray[np.float32]
    label: NDArray[np.int64]
    pt: NDArray[np.float32]
    eta: NDArray[np.float32]
    phi: NDArray[np.float32]
    bucket: NDArray[np.integer]
    part: NDArray[np.str_]
    entry: NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.label)


def load_objects(shards: Iterable[Path], image: ImageSettings, limit: int = MAX_OBJECTS) -> StoredObjects:
    """Read the objects of a sample, shard by shard up to ``limit``."""
    none = (np.zeros(0, dtype) for dtype in ("i8", "f4", "f4", "f4", "i2", "U1", "i8"))
    found, total = [StoredObjects(np.zeros((0, *image.shape), np.float32), *none)], 0
    for path in shards:
        if total >= limit:
            break
        with Shard(path) as shard:
            n = min(len(shard), limit - total)
            columns = {name: shard.rows(dataset, 0, n) for name, dataset in _DATASETS.items()}
            pixels = to_gev(to_image(shard.rows("features", 0, n), image))
            label = shard.rows("targets/label", 0, n).astype(np.int64)
            found.append(StoredObjects(pixels, label, part=np.full(n, path.stem), **columns))
            total += n
    return join(found)
