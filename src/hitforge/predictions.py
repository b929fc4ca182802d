"""Prediction files: per-event output of a model's members on a block of parts, as named columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from hitforge.hdf5_files import naming_hdf5, open_hdf5
from hitforge.provenance import atomic_path, read_json
from hitforge.settings_base import Settings
from hitforge.validation import read_inventory

FORMAT_VERSION = 2
_AGAIN = "predict again"


@dataclass(frozen=True)
class Predictions:
    """Output of an ensemble of M members on N events."""

    part: NDArray[np.object_]
    """Id of the part of each event, shape (N,), as entry, bucket and target."""
    entry: NDArray[np.int64]
    bucket: NDArray[np.int16]
    """Identity bucket."""
    target: NDArray[np.float32]
    truth: Mapping[str, NDArray[np.float32]]
    """The shard's truth by name, each shape (N,), for evaluation in bins of it."""
    members: Mapping[str, NDArray[np.float32]]
    """Output columns of each member by name, each shape (N, M) or (N, M, k)."""
    ensemble: Mapping[str, NDArray[np.float32]]
    """The same columns of the ensemble, each shape (N,) or (N, k)."""

    def __len__(self) -> int:
        return len(self.entry)

    def select(self, events: NDArray[np.bool_] | NDArray[np.integer]) -> Predictions:
        """Return the events of a mask, or at some positions."""
        return from_columns({name: values[events] for name, values in self.columns().items()})

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return all columns by the name that they have in a file; those of a group as ``group/name``."""
        plain = {name: getattr(self, name) for name in ("part", "entry", "bucket", "target")}
        groups = {f"{group}/{name}": v for group in _GROUPS for name, v in getattr(self, group).items()}
        return plain | groups

    def sorted(self) -> Predictions:
        """Return the events ordered by (part, entry): the order in which models are compared."""
        return self.select(np.lexsort((self.entry, self.part.astype(str))))


_GROUPS = ("truth", "members", "ensemble")


def from_columns(columns: Mapping[str, NDArray[Any]]) -> Predictions:
    """Return the predictions whose :meth:`Predictions.columns` these are."""
    fields: dict[str, Any] = {group: {} for group in _GROUPS}
    for name, values in columns.items():
        group, _, inner = name.partition("/")
        (fields[group] if inner else fields)[inner or name] = values
    return Predictions(**fields)


class PlannedPiece(Settings):
    """Part of an evaluation sample: prediction files of a fit, its calibration and the inventory of the sample.

    Without an inventory all predicted events count. ``calibrated_on``: the calibration was fitted on these events.
    """

    predictions: tuple[Path, ...]
    calibration: Path
    inventory: Path | None = None
    calibrated_on: bool = False

    def read(self) -> EvaluationPiece:
        """Read the usable predictions and the calibration."""
        events = usable(self.predictions, self.inventory)
        return EvaluationPiece(events, read_json(self.calibration), self.calibrated_on)


@dataclass(frozen=True)
class EvaluationPiece:
    """Predictions of one fit together with the calibration of that fit: a rotation, or the main fit.

    ``calibrated_on`` says that the calibration was fitted on these very events.
    """

    predictions: Predictions
    calibration: Mapping[str, Any]
    calibrated_on: bool = False


def write_predictions(path: Path, predictions: Predictions, attributes: Mapping[str, Any]) -> None:
    """Write a block's predictions atomically; the same content gives the same bytes."""
    parts = sorted(set(predictions.part.tolist()))
    index = {part: i for i, part in enumerate(parts)}
    with atomic_path(path) as temporary, h5py.File(temporary, "w", libver="v110") as handle:
        zstd = dict(hdf5plugin.Zstd(clevel=3)) if len(predictions) else {}
        columns = predictions.columns()
        columns["part_index"] = np.array([index[part] for part in columns.pop("part")], dtype=np.int32)
        for name, values in columns.items():
            # a full disk is an error here; met as the dataset closes, it is passed over and crashes the process later
            handle.create_dataset(name, data=values, **zstd).flush()
        handle.attrs["parts"] = json.dumps(parts)
        handle.attrs["format"] = "hitforge-predictions"
        handle.attrs["format_version"] = FORMAT_VERSION
        for name, value in attributes.items():
            handle.attrs[name] = value


def read_predictions(paths: Sequence[Path]) -> Predictions:
    """Read and join prediction files."""
    return join([_read(path) for path in paths])


def _read(path: Path) -> Predictions:
    with open_hdf5(path, ValueError, _AGAIN) as handle, naming_hdf5(path, ValueError, _AGAIN):
        version = handle.attrs.get("format_version")
        if version != FORMAT_VERSION:
            raise ValueError(f"{path}: prediction format {version}, this release reads {FORMAT_VERSION}; predict again")
        names = np.array(json.loads(handle.attrs["parts"]), dtype=object)
        index = handle["part_index"][:]
        columns = {"part": names[index] if len(index) else np.zeros(0, dtype=object)}
        columns |= {name: handle[name][:] for name in ("entry", "bucket", "target")}
        for group in (group for group in _GROUPS if group in handle):
            columns |= {f"{group}/{name}": values[:] for name, values in handle[group].items()}
        return from_columns(columns)


def join(pieces: Sequence[Predictions]) -> Predictions:
    """Join predictions of different events."""
    columns = [piece.columns() for piece in pieces]
    return from_columns({name: np.concatenate([each[name] for each in columns]) for name in columns[0]})


def usable(paths: Sequence[Path], inventory: Path | None) -> Predictions:
    """Read predictions and keep the parts that the inventory uses (None: all), in comparison order."""
    found = read_predictions(paths)
    if inventory is not None:
        found = found.select(np.isin(found.part.astype(str), sorted(read_inventory(inventory).good)))
    return found.sorted()
