"""Objects from ROOT trees: sub-images in two branches, or lists of cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from hitforge.branches import MAKE_AGAIN
from hitforge.identities import Identities, identities_of
from hitforge.inspection import Fault, OpenPart, TreeReader, bad_weight, find_problems, good_events, open_tree
from hitforge.ntuple import NtupleError
from hitforge.studies.object_id.data.image import ImageSettings, wrapped
from hitforge.studies.object_id.data.objects import AXIS, CHANNELS, N_CLASSES, SCALARS, TAU, Objects
from hitforge.studies.object_id.settings import ReaderSettings
from hitforge.validation import Problem

CHUNK_MB: Final = 8.0
"""Uncompressed bytes of one channel in memory at a time: 8 000 objects of 16 x 16 cells."""

_CELLS = "write the ntuple again; an empty cell is 0"
_AXIS = "match each object to its generated axis; without it the object cannot be selected"
_SORT = "sort the entries by event: overlaps are looked for within an event"
FAULTS: Final = (
    *("not_finite", "negative_cell", "unknown_label", "bad_n_prong", "bad_weight", "uneven_lists", "unknown_layer"),
)
"""Codes of everything that objects are looked through for."""

_CLASSES: Final = ("label", "n_prong", "event")
"""What the cuts on truth need."""

_UNKNOWN: Final = {"label": -1, "n_prong": -1, "w": 1}
"""What stands for a branch that is not there and not needed; 0 for others."""

CELL_BRANCHES: Final = ("cell_eta", "cell_phi", "cell_et", "cell_layer")
"""Branches of the layout ``cells``: detector eta and phi, transverse energy in GeV, and channel (0 EM, 1 HAD)."""


def open_objects(
    source: str | Path,
    settings: ReaderSettings,
    image: ImageSettings,
    chunk_mb: float = CHUNK_MB,
    needs_truth: bool = True,
) -> Iterator[OpenPart[Objects]]:
    """Yield the one open part of a source; its layout is that of the settings.

    Objects without truth, where it is not needed, have no class (-1).
    """
    reader = partial(_ObjectTree, settings=settings, image=image, needs_truth=needs_truth)
    return open_tree(source, settings.tree, reader, chunk_mb)


def read_objects(
    source: str | Path, settings: ReaderSettings, image: ImageSettings, chunk_mb: float = CHUNK_MB
) -> Iterator[tuple[int, Objects]]:
    """Yield the objects of a part in chunks of bounded memory, with the entry of each chunk's first object.

    No event is cut in two.

    Raises
    ------
    NtupleError
        The part has any fault that ``data.validation.inspect_part`` reports, except having no entries.
    """
    yield from good_events(open_objects(source, settings, image, chunk_mb))


def _whole_events(ranges: Iterable[tuple[int, int]], event: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Yield the ranges with their ends moved to where the next event begins."""
    begins = np.append(np.flatnonzero(event[1:] != event[:-1]) + 1, len(event))
    start = 0
    for _, stop in ranges:
        end = int(begins[np.searchsorted(begins, stop)])
        if end > start:
            yield start, end
        start = max(start, end)


class _ObjectTree(TreeReader[Objects]):
    """Reads ranges of entries of one tree."""

    def __init__(
        self, tree: Any, name: str, file: str, settings: ReaderSettings, image: ImageSettings, needs_truth: bool
    ) -> None:
        super().__init__(tree, name, file)
        self._image, self.layout = image, settings.layout
        self._lists = settings.layout == "cells"
        self._channels = ("cell_et", "cell_et") if self._lists else (settings.em, settings.had)
        self.main_branch = self._channels[0]
        if self._lists:
            for branch in CELL_BRANCHES:
                self.require_list(branch, "biuf")
        else:
            for branch in self._channels:
                self.require_array(branch, image.n_cells)
        self._needs_truth = needs_truth
        self.has_truth = needs_truth or self.there.issuperset(_CLASSES)
        self._scalars = [name for name in SCALARS if needs_truth or name in AXIS or name in self.there]
        if not self.has_truth:
            self._scalars = [name for name in self._scalars if name not in _CLASSES]
        for branch in self._scalars:
            self.require_scalar(branch, "f" if np.dtype(SCALARS[branch]).kind == "f" else "iu")
        self._of_lists: list[Fault] = []  # of the objects that were read last
        self._event = self._events() if self.has_truth else None

    def ranges(self, chunk_mb: float) -> Iterator[tuple[int, int]]:
        """Return start and stop entries of the chunks, each of whole events where they are known."""
        ranges = super().ranges(chunk_mb)
        yield from ranges if self._event is None else _whole_events(ranges, self._event)

    def _events(self) -> NDArray[np.uint64]:
        """Return the event number of every entry, and note events that are not in one piece."""
        if self.problems:
            return np.zeros(0, dtype=np.uint64)
        event: NDArray[np.uint64] = self.array("event", 0, int(self.tree.num_entries)).astype(np.uint64)
        first = np.flatnonzero(np.append(True, event[1:] != event[:-1])[: len(event)])
        _, earliest, count = np.unique(event[first], return_index=True, return_counts=True)
        if (count > 1).any():
            again = np.setdiff1d(np.arange(len(first)), earliest)
            detail = "the event has other entries further up, with other events between"
            entry = int(first[again[0]])
            self.problems.append(
                Problem("split_event", detail, _SORT, self.file, self.name, "event", entry, len(again))
            )
        return event

    def read(self, start: int, stop: int) -> Objects:
        """Read entries ``start:stop``."""
        scalars = {
            name: self._scalar(name, np.dtype(dtype), start, stop)
            if name in self._scalars
            else np.full(stop - start, _UNKNOWN.get(name, 0), dtype)
            for name, dtype in SCALARS.items()
        }
        if self._lists:
            image = self._images_of_lists(scalars["eta"], scalars["phi"], start, stop)
        else:
            flat = [self.array(branch, start, stop).astype(np.float32) for branch in self._channels]
            image = np.stack(flat, axis=1).reshape(stop - start, *self._image.shape)
        return Objects(image=image, **scalars)

    def _images_of_lists(
        self, eta: NDArray[np.float32], phi: NDArray[np.float32], start: int, stop: int
    ) -> NDArray[np.float32]:
        """Return images, of zeros where none can be made."""
        cells = {branch: self.array(branch, start, stop, "ak") for branch in CELL_BRANCHES}
        self._of_lists = list(_list_faults(cells))
        if self._needs_truth:
            for problem in find_problems(self._of_lists, start, self.file, self.name):
                raise NtupleError(problem)
            return images_of(cells, eta, phi, self._image)
        bad = np.any([fault[-1] for fault in self._of_lists], axis=0)
        good = ~bad & np.isfinite(eta) & np.isfinite(phi)
        image = np.zeros((stop - start, *self._image.shape), np.float32)
        image[good] = images_of({name: lists[good] for name, lists in cells.items()}, eta[good], phi[good], self._image)
        return image

    def _scalar(self, name: str, dtype: np.dtype[Any], start: int, stop: int) -> NDArray[Any]:
        if dtype.kind == "i":
            # without need of truth a wrong number is its entry's own fault
            return self.integers(name, start, stop, dtype, clip=not self._needs_truth)
        values: NDArray[Any] = self.array(name, start, stop).astype(dtype)
        return values

    def faults(self, events: Objects) -> Iterator[Fault]:
        """Return everything that consecutive objects are looked through for."""
        yield from self._of_lists
        for channel, branch in enumerate(self._channels):
            cells = events.image[:, channel].reshape(len(events), -1)
            finite = np.isfinite(cells)
            yield "not_finite", "a cell is NaN or infinite", _CELLS, branch, np.asarray(~finite.all(axis=1))
            negative = np.asarray((finite & (cells < 0)).any(axis=1))
            yield "negative_cell", "a transverse energy below 0", "cut noise at or above 0", branch, negative
        for name in AXIS:
            yield "not_finite", "NaN or infinite", _AXIS, name, ~np.isfinite(getattr(events, name))
        label = events.label
        detail = f"not a class from 0 to {N_CLASSES - 1} (electron, jet, muon, tau)"
        yield (
            "unknown_label",
            detail,
            "map the classes to these numbers",
            "label",
            ~np.isin(label, np.arange(N_CLASSES)),
        )
        detail = "neither 0 (leptonic decay) nor a number of charged hadrons"
        uncounted = np.logical_and(label == TAU, events.n_prong < 0)
        yield "bad_n_prong", detail, "count the tau's charged hadrons", "n_prong", uncounted
        yield bad_weight(events.w)


def checksum_columns(objects: Objects) -> tuple[NDArray[Any], ...]:
    """Return the columns that enter the checksum of a part."""
    columns = (getattr(objects, name) for name in ("image", *SCALARS))
    return tuple(values.astype(values.dtype.newbyteorder("<"), copy=False) for values in columns)


def images_of(
    cells: dict[str, ak.Array], eta: NDArray[np.floating], phi: NDArray[np.floating], image: ImageSettings
) -> NDArray[np.float32]:
    """Return images around axes, shape (N, 2, H, W), in GeV.

    Parameters
    ----------
    cells : mapping of name to jagged array, N lists
        The branches of :data:`CELL_BRANCHES`; all lists of an object have the same length.
    eta, phi : ndarray, shape (N,)
        Axes. Distances in phi are wrapped; a cell outside the window is left out.
    """
    counts = ak.to_numpy(ak.num(cells["cell_et"]))
    owner = np.repeat(np.arange(len(counts)), counts)
    flat = {name: ak.to_numpy(ak.flatten(values)).astype(np.float64) for name, values in cells.items()}
    place = image.cell_of(flat["cell_eta"] - eta[owner], wrapped(flat["cell_phi"] - phi[owner]))
    layer = flat["cell_layer"].astype(np.int64)
    inside = place >= 0
    index = (owner * len(CHANNELS) + layer) * image.n_cells + place
    n_total = len(counts) * len(CHANNELS) * image.n_cells
    filled = np.bincount(index[inside], flat["cell_et"][inside], n_total)
    return filled.reshape(len(counts), *image.shape).astype(np.float32)


def _list_faults(cells: dict[str, ak.Array]) -> Iterator[Fault]:
    """Yield what must hold for lists of cells, or no images can be made of them."""
    counts = np.stack([ak.to_numpy(ak.num(values)) for values in cells.values()])
    detail = f"lists of different lengths in {', '.join(CELL_BRANCHES)}"
    yield "uneven_lists", detail, "one number for each cell in all lists", "cell_et", (counts != counts[0]).any(axis=0)
    layer = cells["cell_layer"]
    wrong = ak.to_numpy(ak.any((layer != 0) & (layer != 1), axis=1))
    yield "unknown_layer", "neither 0 (EM) nor 1 (HAD)", "map layers to these", "cell_layer", wrong
    for branch in ("cell_eta", "cell_phi"):
        wrong = ~ak.to_numpy(ak.all(np.isfinite(cells[branch]), axis=1))
        yield "not_finite", "a cell's place is NaN or infinite", MAKE_AGAIN, branch, wrong


def object_identities(objects: Objects) -> Identities:
    """Return what tells each object from others; number and weight of the event may have been changed in a copy."""
    return identities_of(objects.image, objects.pt, objects.eta, objects.phi, objects.label)
