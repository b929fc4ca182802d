"""Prediction files: per-event output of a model's members on a block of parts."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from hitforge.provenance import atomic_path
from hitforge.validation import Inventory

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Predictions:
    """Output of an ensemble on N events.

    Attributes
    ----------
    part : ndarray, shape (N,), object
        Id of the part of each event.
    entry : ndarray, shape (N,), int64
        Entry in the part.
    bucket : ndarray, shape (N,), int16
        Identity bucket.
    target : ndarray, shape (N,), float32
        True value.
    members : ndarray, shape (N, M), float32
        Output of each member.
    ensemble : ndarray, shape (N,), float32
        Weighted mean of the members.
    """

    part: NDArray[np.object_]
    entry: NDArray[np.int64]
    bucket: NDArray[np.int16]
    target: NDArray[np.float32]
    members: NDArray[np.float32]
    ensemble: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.entry)

    def select(self, mask: NDArray[np.bool_]) -> Predictions:
        """Return the events of a mask."""
        return replace(self, **{name: getattr(self, name)[mask] for name in self.__dataclass_fields__})

    def sorted(self) -> Predictions:
        """Return the events ordered by (part, entry): the order in which models are compared."""
        order = np.lexsort((self.entry, self.part.astype(str)))
        return replace(self, **{name: getattr(self, name)[order] for name in self.__dataclass_fields__})


@dataclass(frozen=True)
class EvaluationPiece:
    """Predictions of one fit together with the calibration of that fit: a rotation, or the main fit."""

    predictions: Predictions
    calibration: Mapping[str, Any]


def write_predictions(path: Path, predictions: Predictions, attributes: Mapping[str, Any]) -> None:
    """Write a block's predictions atomically; the same content gives the same bytes."""
    parts = sorted(set(predictions.part.tolist()))
    index = {part: i for i, part in enumerate(parts)}
    with atomic_path(path) as temporary, h5py.File(temporary, "w", libver="v110") as handle:
        zstd = dict(hdf5plugin.Zstd(clevel=3)) if len(predictions) else {}
        columns = {"part_index": np.array([index[part] for part in predictions.part], dtype=np.int32)}
        columns |= {name: getattr(predictions, name) for name in ("entry", "bucket", "target", "members", "ensemble")}
        for name, values in columns.items():
            handle.create_dataset(name, data=values, **zstd)
        handle.attrs["parts"] = json.dumps(parts)
        handle.attrs["format"] = "hitforge-predictions"
        handle.attrs["format_version"] = FORMAT_VERSION
        for name, value in attributes.items():
            handle.attrs[name] = value


def read_predictions(paths: Sequence[Path]) -> Predictions:
    """Read and join prediction files."""
    pieces = []
    for path in paths:
        with h5py.File(path, "r") as handle:
            version = handle.attrs.get("format_version")
            if version != FORMAT_VERSION:
                raise ValueError(
                    f"{path}: prediction format {version}, this release reads {FORMAT_VERSION}; predict again"
                )
            names = np.array(json.loads(handle.attrs["parts"]), dtype=object)
            index = handle["part_index"][:]
            part = names[index] if len(index) else np.zeros(0, dtype=object)
            rest = {name: handle[name][:] for name in ("entry", "bucket", "target", "members", "ensemble")}
            pieces.append(Predictions(part=part, **rest))
    return join(pieces)


def join(pieces: Sequence[Predictions]) -> Predictions:
    """Join predictions of different events."""
    fields = Predictions.__dataclass_fields__
    return Predictions(**{name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in fields})


def keep_parts(predictions: Predictions, parts: Collection[str]) -> Predictions:
    """Drop the events of parts that an inventory does not use."""
    return predictions.select(np.isin(predictions.part.astype(str), sorted(parts)))


def usable(paths: Sequence[Path], inventory: Inventory | None) -> Predictions:
    """Read predictions and keep the parts that the inventory uses (None: all), in comparison order."""
    predictions = read_predictions(paths)
    return (predictions if inventory is None else keep_parts(predictions, inventory.good)).sorted()
