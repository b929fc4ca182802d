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

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class StoredObjects:
    """Objects of shards.

    Attributes
    ----------
    image : ndarray, shape (N, 2, H, W), GeV
    label : ndarray, shape (N,), int
    pt, eta, phi : ndarray, shape (N,)
    bucket : ndarray, shape (N,), int
        Identity bucket of the event.
    part : ndarray of str, entry : ndarray of int, shape (N,)
        Where each object is from.
    """

    image: Floats
    label: NDArray[np.int64]
    pt: Floats
    eta: Floats
    phi: Floats
    bucket: NDArray[np.int64]
    part: NDArray[np.str_]
    entry: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.label)


def load_objects(shards: Iterable[Path], image: ImageSettings, limit: int = MAX_OBJECTS) -> StoredObjects:
    """Read the objects of a sample, shard by shard up to ``limit``."""
    none, numbers = np.zeros(0, np.float32), np.zeros(0, np.int64)
    empty = np.zeros((0, *image.shape), np.float32)
    found = [StoredObjects(empty, numbers, none, none, none, numbers, np.zeros(0, np.str_), numbers)]
    total = 0
    for path in shards:
        if total >= limit:
            break
        with Shard(path) as shard:
            n = min(len(shard), limit - total)
            found.append(
                StoredObjects(
                    image=to_gev(to_image(shard.rows("features", 0, n), image)),
                    label=shard.rows("targets/label", 0, n).astype(np.int64),
                    pt=shard.rows("truth/pt", 0, n),
                    eta=shard.rows("truth/eta", 0, n),
                    phi=shard.rows("truth/phi", 0, n),
                    bucket=shard.rows("bucket", 0, n).astype(np.int64),
                    part=np.full(n, path.stem),
                    entry=shard.rows("entry", 0, n),
                )
            )
            total += n
    return join(found)
