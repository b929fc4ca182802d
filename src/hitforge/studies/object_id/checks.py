"""What must hold for the objects of every ntuple, whatever its layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.object_id.objects import CHANNELS, N_CLASSES, TAU, Objects
from hitforge.validation import Problem

_CELLS = "write the ntuple again; an empty cell is 0"
_AXIS = "match each object to its generated axis; without it the object cannot be selected"


@dataclass(frozen=True)
class Place:
    """Where objects come from: the file, its tree, and the branches of the two channels."""

    file: str
    tree: str
    channels: tuple[str, str]


def find_problems(objects: Objects, first_entry: int, place: Place) -> list[Problem]:
    """Return what is wrong with consecutive objects, each kind of fault and branch once."""
    found = []
    for reason, detail, fix, branch, bad in _faults(objects, place):
        if bad.any():
            entry, count = first_entry + int(bad.argmax()), int(bad.sum())
            found.append(Problem(reason, detail, fix, place.file, place.tree, branch, entry, count))
    return found


_Fault = tuple[str, str, str, str, NDArray[np.bool_]]


def _faults(objects: Objects, place: Place) -> Iterator[_Fault]:
    for channel, branch in enumerate(place.channels[: len(CHANNELS)]):
        cells = objects.image[:, channel].reshape(len(objects), -1)
        finite = np.isfinite(cells)
        yield "not_finite", "a cell is NaN or infinite", _CELLS, branch, np.asarray(~finite.all(axis=1))
        negative = np.asarray((finite & (cells < 0)).any(axis=1))
        yield "negative_cell", "a transverse energy below 0", "cut noise at or above 0", branch, negative
    for name in ("pt", "eta", "phi"):
        yield "not_finite", "NaN or infinite", _AXIS, name, ~np.isfinite(getattr(objects, name))
    label = objects.label
    detail = f"not a class from 0 to {N_CLASSES - 1} (electron, jet, muon, tau)"
    yield "unknown_label", detail, "map the classes to these numbers", "label", ~np.isin(label, np.arange(N_CLASSES))
    detail = "neither 0 (leptonic decay) nor a number of charged hadrons"
    uncounted = np.logical_and(label == TAU, objects.n_prong < 0)
    yield "bad_n_prong", detail, "count the tau's charged hadrons", "n_prong", uncounted
    negative = ~(np.isfinite(objects.w) & (objects.w >= 0))
    yield "bad_weight", "NaN, infinite or negative", "weights are 0 or larger", "w", negative
