"""What tells one event from another: 64 bits of what was decoded. Finds events that are there twice. Knows no study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.compiled import compiled
from hitforge.provenance import atomic_path

Identities = NDArray[np.uint64]


def identities_of(*columns: NDArray[Any]) -> Identities:
    """Return 64 bits of each event's values, shape (N,).

    Equal values have equal bits, whatever the layout they came in: floats count in single precision, 0 and -0 are the
    same, and so are all NaN. Different ones have equal bits by chance once in 2^64 pairs.

    Parameters
    ----------
    columns : ndarray, shape (N, ...)
        The same ones in the same order for all events that are compared.
    """
    found: Identities = np.zeros(len(columns[0]), dtype=np.uint64)
    first = 0
    for column in columns:
        words = _words(column).reshape(len(column), -1)
        _add_rows(words, first, found)
        first += words.shape[1]
    return found


def add_lists(found: Identities, offsets: NDArray[np.int64], places: NDArray[Any], values: NDArray[Any]) -> None:
    """Mix the lists of events into their bits.

    Parameters
    ----------
    found : ndarray, shape (N,), uint64
        Changed in place.
    offsets : ndarray, shape (N + 1,), int64
        Event i has the values ``offsets[i]:offsets[i + 1]``.
    places, values : ndarray, shape (n,), integer and float
        What each value belongs to, such as a cell, and the value.
    """
    _add_lists(offsets, places, _words(values), found)


def _words(column: NDArray[Any]) -> NDArray[np.uint32]:
    """Return values as 32-bit words; a zero is a word of zero, which counts for nothing."""
    if column.dtype.kind == "f":
        values = column.astype(np.float32) + np.float32(0)
        values[np.isnan(values)] = np.nan  # of the many bit patterns of NaN one
        return np.ascontiguousarray(values).view(np.uint32)
    whole = np.ascontiguousarray(column.astype("<i8")).reshape(*column.shape, 1)
    return whole.view("<u4").astype(np.uint32, copy=False)


@compiled
def _mixed(word: int, place: int) -> np.uint64:
    """Return 64 bits of a word at a place: the finaliser of splitmix64 (doi:10.1145/2660193.2660195)."""
    bits = (np.uint64(place) << np.uint64(32) | np.uint64(word)) + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@compiled
def _add_rows(words: NDArray[np.uint32], first: int, found: Identities) -> None:
    for row in range(words.shape[0]):
        for column in range(words.shape[1]):
            if words[row, column] != 0:
                found[row] += _mixed(words[row, column], first + column)


@compiled
def _add_lists(
    offsets: NDArray[np.int64], places: NDArray[np.integer], words: NDArray[np.uint32], found: Identities
) -> None:
    far = 2**31  # no column of a row has such a number
    for row in range(len(offsets) - 1):
        for i in range(offsets[row], offsets[row + 1]):
            if words[i] != 0:
                found[row] += _mixed(words[i], far + places[i])


def repeats(found: Identities) -> tuple[int, int]:
    """Return how many events are there that were there before, and the position of the first; 0 and -1 if none."""
    ordered = np.argsort(found, kind="stable")
    again = ordered[1:][found[ordered[1:]] == found[ordered[:-1]]]
    return len(again), int(again.min(initial=len(found))) if len(again) else -1


def write_identities(path: Path, found: Identities) -> None:
    """Write the identities of a part, sorted and every one once (npy)."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.unique(found))


def read_identities(path: Path) -> Identities:
    """Read what :func:`write_identities` wrote."""
    found: Identities = np.load(path, allow_pickle=False)
    return found
