"""Models of object_id on other files: every entry in its place, and what a user is told of an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hitforge.entries import Column, EntryReader, OpenEntries
from hitforge.predictions import Predictions
from hitforge.studies.object_id.data.cuts import CUT_NAMES, TRUTH_CUTS, CutSettings, decisions
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.ntuple import FAULTS, open_objects
from hitforge.studies.object_id.data.objects import CLASS_NAMES, N_CLASSES, TAU, Objects
from hitforge.studies.object_id.data.reading import block_of
from hitforge.studies.object_id.evaluation.calibration import calibrated_probabilities
from hitforge.studies.object_id.settings import ObjectModelSettings, ReaderSettings

_TARGET: Final = ("label",)
_UNREAD: Final = ("n_prong", "w")


def open_entries(
    source: str, *, reader: ReaderSettings, image: ImageSettings, cuts: CutSettings
) -> Iterator[OpenEntries]:
    """Yield the one open part of a file, with or without classes.

    Cuts that need the classes, those on other objects of the event among them, are applied to objects that have one: so
    the objects of a simulated file are those of its shard, and their predictions the same. Objects of data pass them.
    """

    def decide(objects: Objects, left: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
        blind = ~np.isin(objects.label, np.arange(N_CLASSES)) | ((objects.label == TAU) & (objects.n_prong < 0))
        found = decisions(objects, cuts, left)
        for name in CUT_NAMES[1:]:
            if name not in TRUTH_CUTS:
                yield next(found)
            else:
                yield blind if blind.all() else next(found) | blind

    entries = EntryReader(
        lambda objects, entry: block_of(objects, entry, reader, image), FAULTS, _TARGET, _UNREAD, CUT_NAMES[1:], decide
    )
    yield from entries.open_entries(source, open_objects(source, reader, image, needs_truth=False))


def friend_columns(
    _model: ObjectModelSettings, predictions: Predictions, calibration: Mapping[str, Any]
) -> dict[str, Column]:
    """Return the probability of each class at the temperature of the model, and the most probable class."""
    raw = predictions.ensemble["class_probabilities"].astype(np.float64)
    scores = calibrated_probabilities(raw, calibration)
    how = "calibrated" if calibration["temperature"] is not None else f"not calibrated: {calibration['reason']}"
    columns = {
        f"score_{name}": Column(values.astype(np.float32), "", f"probability of class {name}, {how}")
        for name, values in zip(CLASS_NAMES, scores.T, strict=True)
    }
    about = ", ".join(f"{number} {name}" for number, name in enumerate(CLASS_NAMES))
    return {**columns, "class": Column(scores.argmax(axis=1).astype(np.int8), "", f"most probable class: {about}")}
