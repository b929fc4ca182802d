"""Objects from ROOT trees: sub-images in two branches, or lists of cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from hitforge.branches import MAKE_AGAIN, TreeBranches
from hitforge.identities import Identities, identities_of
from hitforge.inspection import Chunk, OpenPart, good_events
from hitforge.ntuple import NtupleError, entry_ranges, find_tree, naming_damage, open_root
from hitforge.studies.object_id.cells import CELL_BRANCHES, images_of
from hitforge.studies.object_id.checks import Place, find_problems
from hitforge.studies.object_id.image import ImageSettings
from hitforge.studies.object_id.objects import SCALARS, Objects
from hitforge.studies.object_id.reader_settings import ReaderSettings
from hitforge.validation import Problem

CHUNK_MB: Final = 8.0
"""Uncompressed bytes of one channel in memory at a time: 8 000 objects of 16 x 16 cells."""

_SORT = "sort the entries by event: overlaps are looked for within an event"


def open_objects(
    source: str | Path, settings: ReaderSettings, image: ImageSettings, chunk_mb: float = CHUNK_MB
) -> Iterator[OpenPart[Objects]]:
    """Yield the one open part of a source; a generator so that the file closes when the caller is done.

    Its layout is that of the settings; with any problem there are no chunks.
    """
    with open_root(source) as file:
        name, tree = find_tree(file, (settings.tree,), source)
        with naming_damage(str(source), name):
            reader = _ObjectTree(tree, name, str(source), settings, image)
            n_bytes = int(file.file.source.num_bytes)
            event = reader.events()

        def chunks() -> Iterator[Chunk[Objects]]:
            if reader.problems:
                return
            with naming_damage(str(source), name):
                ranges = entry_ranges(tree, reader.place.channels[0], chunk_mb)
            for start, stop in _whole_events(ranges, event):
                objects = reader.read(start, stop)
                yield Chunk(start, objects, tuple(find_problems(objects, start, reader.place)))

        yield OpenPart(settings.layout, int(tree.num_entries), n_bytes, tuple(reader.problems), chunks())


def read_objects(
    source: str | Path, settings: ReaderSettings, image: ImageSettings, chunk_mb: float = CHUNK_MB
) -> Iterator[tuple[int, Objects]]:
    """Yield the objects of a part in chunks of bounded memory, with the entry of each chunk's first object.

    No event is cut in two.

    Raises
    ------
    NtupleError
        The part has any fault that :func:`hitforge.studies.object_id.validate.inspect_part` reports, except having
        no entries.
    """
    yield from good_events(open_objects(source, settings, image, chunk_mb))


def _whole_events(ranges: list[tuple[int, int]], event: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Yield the ranges with their ends moved to where the next event begins."""
    begins = np.append(np.flatnonzero(event[1:] != event[:-1]) + 1, len(event))
    start = 0
    for _, stop in ranges:
        end = int(begins[np.searchsorted(begins, stop)])
        if end > start:
            yield start, end
        start = max(start, end)


class _ObjectTree(TreeBranches):
    """Reads ranges of entries of one tree."""

    def __init__(self, tree: Any, name: str, file: str, settings: ReaderSettings, image: ImageSettings) -> None:
        super().__init__(tree, name, file)
        self._image = image
        self._lists = settings.layout == "cells"
        self.place = Place(file, name, ("cell_et", "cell_et") if self._lists else (settings.em, settings.had))
        if self._lists:
            for branch in CELL_BRANCHES:
                self.require_list(branch, "biuf")
        else:
            for branch in self.place.channels:
                self.require_array(branch, image.n_cells)
        for branch, dtype in SCALARS.items():
            self.require_scalar(branch, "f" if np.dtype(dtype).kind == "f" else "iu")

    def events(self) -> NDArray[np.uint64]:
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
        scalars = {name: self._scalar(name, np.dtype(dtype), start, stop) for name, dtype in SCALARS.items()}
        if self._lists:
            cells = {branch: self.array(branch, start, stop, "ak") for branch in CELL_BRANCHES}
            self._check_lists(cells, start)
            image = images_of(cells, scalars["eta"], scalars["phi"], self._image)
        else:
            flat = [self.array(branch, start, stop).astype(np.float32) for branch in self.place.channels]
            image = np.stack(flat, axis=1).reshape(stop - start, *self._image.shape)
        return Objects(image=image, **scalars)

    def _scalar(self, name: str, dtype: np.dtype[Any], start: int, stop: int) -> NDArray[Any]:
        if dtype.kind == "i":
            return self.integers(name, start, stop, dtype)
        values: NDArray[Any] = self.array(name, start, stop).astype(dtype)
        return values

    def _check_lists(self, cells: dict[str, ak.Array], start: int) -> None:
        counts = np.stack([ak.to_numpy(ak.num(values)) for values in cells.values()])
        uneven = (counts != counts[0]).any(axis=0)
        if uneven.any():
            detail = f"lists of different lengths in {', '.join(CELL_BRANCHES)}"
            self._raise("uneven_lists", detail, "one number for each cell in all lists", "cell_et", uneven, start)
        layer = cells["cell_layer"]
        wrong = ak.to_numpy(ak.any((layer != 0) & (layer != 1), axis=1))
        if wrong.any():
            self._raise(
                "unknown_layer", "neither 0 (EM) nor 1 (HAD)", "map layers to these", "cell_layer", wrong, start
            )
        for branch in ("cell_eta", "cell_phi"):
            wrong = ~ak.to_numpy(ak.all(np.isfinite(cells[branch]), axis=1))
            if wrong.any():
                self._raise("not_finite", "a cell's place is NaN or infinite", MAKE_AGAIN, branch, wrong, start)

    def _raise(self, reason: str, detail: str, fix: str, branch: str, bad: NDArray[np.bool_], start: int) -> None:
        entry = start + int(bad.argmax())
        raise NtupleError(Problem(reason, detail, fix, self.file, self.name, branch, entry, int(bad.sum())))


def checksum_columns(objects: Objects) -> tuple[NDArray[Any], ...]:
    """Return the columns that enter the checksum of a part."""
    columns = (getattr(objects, name) for name in ("image", *SCALARS))
    return tuple(values.astype(values.dtype.newbyteorder("<"), copy=False) for values in columns)


def object_identities(objects: Objects) -> Identities:
    """Return what tells each object from others; number and weight of the event may have been changed in a copy."""
    return identities_of(objects.image, objects.pt, objects.eta, objects.phi, objects.label)
