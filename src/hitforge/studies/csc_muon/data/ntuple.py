"""Roads from ROOT trees, with 87 + 3 columns in two branches or in 90, and from the original ``.npz`` file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hitforge.identities import Identities, identities_of
from hitforge.inspection import Chunk, Fault, OpenPart, TreeReader, good_events, looked_through, open_tree
from hitforge.studies.csc_muon.data.checks import faults_of
from hitforge.studies.csc_muon.data.npz import is_npz, open_npz
from hitforge.studies.csc_muon.data.planes import modes_of
from hitforge.studies.csc_muon.data.roads import N_VARIABLES, PARAMETER_NAMES, VARIABLE_NAMES, Roads
from hitforge.studies.csc_muon.settings import ReaderSettings

CHUNK_MB: Final = 16.0
"""Uncompressed bytes of ``variables`` in memory at a time: 46 000 roads."""


def open_roads(
    source: str | Path, settings: ReaderSettings, chunk_mb: float = CHUNK_MB, needs_truth: bool = True
) -> Iterator[OpenPart[Roads]]:
    """Yield the one open part of a source; its layout is ``vector``, ``scalars`` or ``npz``.

    Roads without truth, where it is not needed, have parameters of NaN.
    """
    if is_npz(str(source)):
        return _read_npz(str(source), settings, chunk_mb, needs_truth)
    reader = partial(_RoadTree, settings=settings, needs_truth=needs_truth)
    return open_tree(source, settings.tree, reader, chunk_mb)


def read_roads(source: str | Path, settings: ReaderSettings, chunk_mb: float = CHUNK_MB) -> Iterator[tuple[int, Roads]]:
    """Read the roads of a part in chunks of bounded memory.

    Parameters
    ----------
    source : str or Path
        Local path or ``root://`` URL of a ROOT file, path of an ``.npz`` file, or ``<file.npz>#slice_<k>_of_<n>``.
    settings : ReaderSettings
        Names and meanings of columns.
    chunk_mb : float, default 16
        Uncompressed bytes of ``variables`` per chunk.

    Yields
    ------
    tuple of int and Roads
        Entry of the chunk's first road in the file, and the roads.

    Raises
    ------
    NtupleError
        The part has any fault that :func:`hitforge.studies.csc_muon.data.validation.inspect_part` reports, except
        having no entries and quad-strips that are median theta.
    """
    yield from good_events(open_roads(source, settings, chunk_mb))


class _RoadTree(TreeReader[Roads]):
    """Reads ranges of entries of one tree."""

    def __init__(self, tree: Any, name: str, file: str, settings: ReaderSettings, needs_truth: bool) -> None:
        super().__init__(tree, name, file)
        self._names, self._word3 = settings.branches, settings.road_word3
        self.layout = "scalars" if self._names else "vector"
        generated = [self._names[name] for name in PARAMETER_NAMES] if self._names else ["parameters"]
        self.has_truth = needs_truth or self.there.issuperset(generated)
        self._clip = not needs_truth  # a wrong number is then its entry's own fault
        if self._names:
            self._branches = dict(self._names)
            for column in (*VARIABLE_NAMES, *(PARAMETER_NAMES if self.has_truth else ())):
                self.require_scalar(self._names[column], "biuf")
            # branches called n_hits and mode in a foreign tree may mean anything
            known = {"event": self._names.get("event"), "weight": self._names.get("w")}
        else:
            self._branches = {name: f"variables[{column}]" for column, name in enumerate(VARIABLE_NAMES)}
            self._branches |= {name: f"parameters[{column}]" for column, name in enumerate(PARAMETER_NAMES)}
            self.require_array("variables", N_VARIABLES)
            if self.has_truth:
                self.require_array("parameters", len(PARAMETER_NAMES))
            known = {"event": "event", "weight": "w", "n_hits": "n_hits", "mode": "mode"}
            required = {"event"} if needs_truth else set()
            known = {name: branch for name, branch in known.items() if branch in self.there or name in required}
        self._known = {
            name: branch
            for name, branch in known.items()
            if branch is not None and self.require_scalar(branch, "f" if name == "weight" else "iu")
        }
        self.main_branch = self._names[VARIABLE_NAMES[0]] if self._names else "variables"
        self.branches_per_event = N_VARIABLES if self._names else 1

    def read(self, start: int, stop: int) -> Roads:
        """Read entries ``start:stop``; what the tree does not tell follows from the hits and the generator."""
        variables = self._stacked(VARIABLE_NAMES, start, stop) if self._names else self.rows("variables", start, stop)
        if not self.has_truth:
            parameters = np.full((len(variables), len(PARAMETER_NAMES)), np.nan)
        elif self._names:
            parameters = self._stacked(PARAMETER_NAMES, start, stop)
        else:
            parameters = self.rows("parameters", start, stop)
        known = {
            name: self.integers(branch, start, stop, np.int32, self._clip)
            if name in ("n_hits", "mode")
            else self.array(branch, start, stop)
            for name, branch in self._known.items()
        }
        return complete_roads(variables, parameters, **known)

    def _stacked(self, columns: tuple[str, ...], start: int, stop: int) -> NDArray[Any]:
        return np.stack([self.array(self._names[column], start, stop) for column in columns], axis=1)

    def faults(self, events: Roads) -> Iterator[Fault]:
        """Return everything that consecutive roads are looked through for."""
        return faults_of(events, self._word3)

    def branch_of(self, column: str) -> str:
        """Return the branch that holds a column, and where in it."""
        return self._branches.get(column, column)


def _read_npz(source: str, settings: ReaderSettings, chunk_mb: float, needs_truth: bool) -> Iterator[OpenPart[Roads]]:
    with open_npz(source, needs_truth) as file:
        branches = {name: f"variables[:, {column}]" for column, name in enumerate(VARIABLE_NAMES)}
        branches |= {name: f"parameters ({name})" for name in PARAMETER_NAMES}

        def chunks() -> Iterator[Chunk[Roads]]:
            for first, variables, parameters in file.rows(max(int(chunk_mb * 1e6 / (4 * N_VARIABLES)), 1)):
                roads = complete_roads(variables, parameters)
                faults = faults_of(roads, settings.road_word3)
                yield looked_through(first, roads, faults, file.path, "", lambda name: branches.get(name, name))

        n_bytes = Path(file.path).stat().st_size
        yield OpenPart("npz", file.stop - file.start, n_bytes, (), chunks(), file.has_truth)


def complete_roads(variables: NDArray[Any], parameters: NDArray[Any], **known: NDArray[Any]) -> Roads:
    """Return roads; what is not ``known`` of event, weight, n_hits and mode is derived.

    Parameters
    ----------
    variables, parameters : ndarray, shape (N, 87) and (N, 3)
        Numbers of any type.

    Returns
    -------
    Roads
        ``event`` is a hash of the generated muon if the ntuple does not number its events.
    """
    variables = np.ascontiguousarray(variables, dtype=np.float32)
    parameters = np.ascontiguousarray(parameters, dtype=np.float32)
    hit = np.ascontiguousarray(variables[:, 72:84].T) == 0
    event = known["event"] if "event" in known else event_numbers(parameters)
    return Roads(
        variables=variables,
        parameters=parameters,
        event=np.asarray(event).astype(np.uint64),
        n_hits=np.asarray(known.get("n_hits", hit.sum(axis=0))).astype(np.int32),
        mode=np.asarray(known.get("mode", modes_of(hit))).astype(np.int32),
        weight=np.asarray(known.get("weight", np.ones(len(variables)))).astype(np.float32),
    )


def event_numbers(parameters: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return a number for each generated muon, shape (N,): 8 bytes of blake2b of its float32 q/pT, phi and eta."""
    raw = np.ascontiguousarray(parameters, dtype="<f4").tobytes()
    digests = b"".join(hashlib.blake2b(raw[i : i + 12], digest_size=8).digest() for i in range(0, len(raw), 12))
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def checksum_columns(roads: Roads) -> tuple[NDArray[Any], ...]:
    """Return the columns that enter the checksum of a part."""
    variables = roads.variables.astype("<f4")
    variables[np.isnan(variables)] = np.nan  # of the many bit patterns of NaN one
    return variables, roads.parameters.astype("<f4"), roads.event.astype("<u8"), roads.weight.astype("<f4")


def road_identities(roads: Roads) -> Identities:
    """Return what tells each road from others: all of it but number and weight, which a copy may have changed."""
    return identities_of(roads.variables, roads.parameters)
