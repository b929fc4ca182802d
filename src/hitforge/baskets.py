"""Decompressed baskets of one branch, one after another in the same memory.

uproot decompresses each basket into new memory and copies it twice. With wide branches that costs as much as the
decompression, since the operating system has to provide every new page.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from queue import Queue
from typing import Any, Final

import cramjam
import numpy as np
from numpy.typing import NDArray

_KEY: Final = struct.Struct(">ihiIhh")  # fNbytes, version, fObjlen, fDatime, fKeylen, fCycle
_BASKET: Final = struct.Struct(">Hiiiib")  # version, fBufferSize, fNevBufSize, fNevBuf, fLast, flag; ends the key
_BLOCK_HEADER: Final = 9
_DECOMPRESS: Final[dict[bytes, Callable[[Any, Any], int]]] = {
    b"ZL": cramjam.zlib.decompress_into,
    b"XZ": cramjam.xz.decompress_into,
    b"ZS": cramjam.zstd.decompress_into,
}


@dataclass(frozen=True)
class Basket:
    """Consecutive entries of a branch as bytes.

    Attributes
    ----------
    start, stop : int
        Entries of the branch.
    content : ndarray, shape (n_bytes,), uint8
        Values as they are in the file. Overwritten when the next basket is read.
    offsets : ndarray, shape (stop - start + 1,), int64, or None
        Entry i has the bytes ``offsets[i - start]:offsets[i - start + 1]`` of ``content``; None where all entries
        have the same size.
    """

    start: int
    stop: int
    content: NDArray[np.uint8]
    offsets: NDArray[np.int64] | None


class BasketReader:
    """Reads the baskets of one branch.

    Parameters
    ----------
    branch : uproot.TBranch
        Branch of an open file.
    """

    def __init__(self, branch: Any) -> None:
        self._branch = branch
        self._memory = np.empty(0, dtype=np.uint8)

    def between(self, start: int, stop: int) -> Iterator[Basket]:
        """Yield the baskets with the entries ``start:stop``, cut to these entries.

        Raises
        ------
        ValueError
            The sizes in a basket contradict each other, or its compressed bytes are damaged.
        """
        edges = [int(edge) for edge in self._branch.entry_offsets]
        wanted = [
            (number, first, last)
            for number, (first, last) in enumerate(pairwise(edges))
            if max(start, first) < min(stop, last)
        ]
        chunks = self._request([number for number, _, _ in wanted])
        for number, first, last in wanted:
            basket = self._read(number, chunks.pop(number, None), first, last)
            yield self._cut(basket, max(start, first), min(stop, last))

    def _request(self, numbers: list[int]) -> dict[int, Any]:
        """Ask for the bytes of baskets in one go, as a remote file wants it; those in the tree's own record lack."""
        branch = self._branch
        n_separate = branch.num_baskets - len(branch.embedded_baskets)
        places = {}
        for number in numbers:
            if number < n_separate:
                place = int(branch.member("fBasketSeek")[number])
                places[number] = (place, place + branch.basket_compressed_bytes(number))
        found = branch.file.source.chunks(list(places.values()), notifications=Queue()) if places else ()
        chunks = {(chunk.start, chunk.stop): chunk for chunk in found}
        return {number: chunks[place] for number, place in places.items()}

    def _cut(self, basket: Basket, start: int, stop: int) -> Basket:
        if (start, stop) == (basket.start, basket.stop):
            return basket
        lower, upper = start - basket.start, stop - basket.start
        if basket.offsets is None:
            size = len(basket.content) // (basket.stop - basket.start)
            return Basket(start, stop, basket.content[lower * size : upper * size], None)
        offsets = basket.offsets[lower : upper + 1]
        return Basket(start, stop, basket.content[offsets[0] : offsets[-1]], offsets - offsets[0])

    def _read(self, number: int, chunk: Any, start: int, stop: int) -> Basket:
        if chunk is None:
            return self._read_with_uproot(number, start, stop)
        raw = np.asarray(chunk.raw_data).data
        n_bytes, _, n_content, _, n_key, _ = _KEY.unpack_from(raw)
        if not _KEY.size + _BASKET.size <= n_key <= n_bytes <= len(raw):
            raise ValueError(f"basket {number} has {len(raw)} bytes, but its key says {n_key} and {n_bytes}")
        _, _, _, n_entries, end, _ = _BASKET.unpack_from(raw, n_key - _BASKET.size)
        compressed = raw[n_key:n_bytes]
        if len(compressed) == n_content:
            content = np.frombuffer(compressed, dtype=np.uint8)
        elif bytes(compressed[:2]) in _DECOMPRESS:
            content = self._decompress(compressed, n_content, number)
        else:
            return self._read_with_uproot(number, start, stop)
        border = end - n_key
        if n_entries != stop - start or not 0 <= border <= n_content:
            raise ValueError(
                f"basket {number} has {n_entries} entries and {border} of {n_content} bytes of values, "
                f"but the tree expects {stop - start} entries"
            )
        if border == n_content:
            return Basket(start, stop, content, None)
        # their number, their places in the basket, and one number without meaning
        places = np.frombuffer(content[border:], dtype=">i4")[1:].astype(np.int64) - n_key
        places[-1:] = border
        return Basket(start, stop, content[:border], _checked(places, number, start, stop))

    def _decompress(self, compressed: memoryview, n_content: int, number: int) -> NDArray[np.uint8]:
        if len(self._memory) < n_content:
            self._memory = np.empty(n_content, dtype=np.uint8)
        content = self._memory[:n_content]
        filled = 0
        while compressed:
            n_from = int.from_bytes(compressed[3:6], "little")
            n_to = int.from_bytes(compressed[6:_BLOCK_HEADER], "little")
            decompress = _DECOMPRESS[bytes(compressed[:2])]
            block, compressed = compressed[_BLOCK_HEADER : _BLOCK_HEADER + n_from], compressed[_BLOCK_HEADER + n_from :]
            if len(block) < n_from or filled + n_to > n_content:
                raise ValueError(f"a compressed block of basket {number} is longer than the basket")
            if decompress(block, content[filled : filled + n_to]) != n_to:
                raise ValueError(f"a compressed block of basket {number} is shorter than its header says")
            filled += n_to
        if filled != n_content:
            raise ValueError(f"basket {number} has {filled} bytes, but its key says {n_content}")
        return content

    def _read_with_uproot(self, number: int, start: int, stop: int) -> Basket:
        basket = self._branch.basket(number)
        if basket.num_entries != stop - start:
            raise ValueError(f"basket {number} has {basket.num_entries} entries, but the tree expects {stop - start}")
        offsets = None
        if basket.byte_offsets is not None:
            offsets = _checked(np.asarray(basket.byte_offsets).astype(np.int64), number, start, stop)
        return Basket(start, stop, np.asarray(basket.data), offsets)


def _checked(offsets: NDArray[np.int64], number: int, start: int, stop: int) -> NDArray[np.int64]:
    """Return the offsets of a basket if they can be used."""
    if len(offsets) != stop - start + 1 or offsets[0] != 0 or (np.diff(offsets) < 0).any():
        raise ValueError(f"the places of the entries in basket {number} are damaged")
    return offsets
