"""Objects from shards and predictions, for the tables and figures that show the data themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitforge.reporting.chapter import ReportInputs
from hitforge.shards import Shard
from hitforge.studies.object_id.data.image import ImageSettings, to_gev, to_image

MAX_OBJECTS = 20_000
"""Mean images and distributions of more objects would look the same; further shards are left out."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ObjectTable:
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


def image_settings(inputs: ReportInputs) -> ImageSettings:
    """Return the geometry of the sub-images."""
    return ImageSettings.model_validate(inputs.settings["image"])


def train_sample(inputs: ReportInputs) -> str:
    """Return the name of the sample that models were trained on."""
    return inputs.samples_with_role("train")[0]


def load_objects(inputs: ReportInputs, sample: str, limit: int = MAX_OBJECTS) -> ObjectTable:
    """Read the objects of a sample, shard by shard up to ``limit``."""
    geometry = image_settings(inputs)
    empty = ObjectTable(
        np.zeros((0, *geometry.shape), np.float32),
        np.zeros(0, np.int64),
        np.zeros(0, np.float32),
        np.zeros(0, np.float32),
        np.zeros(0, np.float32),
        np.zeros(0, np.int64),
        np.zeros(0, np.str_),
        np.zeros(0, np.int64),
    )
    tables, total = [empty], 0
    for path in inputs.shards.get(sample, ()):
        if total >= limit:
            break
        with Shard(path) as shard:
            n = min(len(shard), limit - total)
            tables.append(
                ObjectTable(
                    image=to_gev(to_image(shard.rows("features", 0, n), geometry)),
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
    return ObjectTable(**{name: np.concatenate([getattr(t, name) for t in tables]) for name in empty.__dict__})
