"""Reading compressed datasets past HDF5's lock, so that several threads can decompress at a time."""

from __future__ import annotations

from typing import Any

import cramjam
import h5py
import numpy as np
from numpy.typing import NDArray

_ZSTD = 32015
"""Number of the zstd filter with the HDF Group."""


class ZstdColumn:
    """A one-dimensional dataset in zstd: HDF5 hands over compressed chunks, what is in them is not its business.

    HDF5 does one thing at a time in a process, and decompressing is most of what reading hits takes. The chunk that was
    read last is kept: neighbouring slices share it. :meth:`can_read` says for which datasets this works.
    """

    def __init__(self, dataset: h5py.Dataset) -> None:
        self.dataset = dataset
        self.chunk = int(dataset.chunks[0])
        self._number = -1
        self._values: NDArray[Any] = np.empty(0, dataset.dtype)

    @staticmethod
    def can_read(dataset: h5py.Dataset) -> bool:
        """Whether the dataset's chunks went through the zstd filter and through no other."""
        if dataset.chunks is None or dataset.ndim != 1:
            return False
        properties = dataset.id.get_create_plist()
        return bool(properties.get_nfilters() == 1 and properties.get_filter(0)[0] == _ZSTD)

    def rows(self, first: int, last: int) -> NDArray[Any]:
        """Return the values ``first:last``."""
        found = np.empty(last - first, self.dataset.dtype)
        for number in range(first // self.chunk, -(-last // self.chunk)):
            start = number * self.chunk
            low, high = max(first, start), min(last, start + self.chunk)
            found[low - first : high - first] = self._chunk(number)[low - start : high - start]
        return found

    def _chunk(self, number: int) -> NDArray[Any]:
        if number != self._number:
            start = number * self.chunk
            left_out, content = self.dataset.id.read_direct_chunk((start,))
            if left_out:  # the filter was not applied to this chunk
                self._values = self.dataset[start : start + self.chunk]
            else:
                values = bytearray(self.chunk * self.dataset.dtype.itemsize)
                if cramjam.zstd.decompress_into(content, values) != len(values):
                    raise OSError(f"{self.dataset.file.filename}: chunk {number} of {self.dataset.name} is damaged")
                self._values = np.frombuffer(values, self.dataset.dtype)
            self._number = number
        return self._values
