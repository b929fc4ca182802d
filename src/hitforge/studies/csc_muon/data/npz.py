"""The original ``.npz`` file of the data set, read in slices of rows and never as a whole."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from hitforge.branches import implausible
from hitforge.ntuple import NtupleError, check_file, naming_damage
from hitforge.studies.csc_muon.data.roads import N_VARIABLES
from hitforge.validation import Problem

MAX_Q_OVER_PT = 0.5  # 1/GeV: the gun starts at 2 GeV
_SLICE = re.compile(r"#slice_(\d+)_of_(\d+)$")
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_ORIGINAL = "give the original file, with float arrays variables (N, 87) and parameters (N, 3)"


def is_npz(source: str) -> bool:
    """Whether a source is an ``.npz`` file or the address of a slice of one."""
    return _SLICE.sub("", source).endswith(".npz")


class NpzRoads:
    """Rows of an open file; a slice of it, or all. The parameters are in memory, 12 bytes for each row of the file.

    Attributes
    ----------
    path : str
        The file, without the address of a slice.
    start, stop : int
        Its rows.
    has_truth : bool
        Whether there are parameters; without them they are NaN.
    """

    def __init__(
        self, archive: zipfile.ZipFile, path: str, slice_number: int, n_slices: int, needs_truth: bool
    ) -> None:
        self.path, self._archive = path, archive
        self.has_truth = needs_truth or "parameters.npy" in archive.namelist()
        if self.has_truth:
            with self._open("parameters", 3) as (stream, n_rows, dtype, by_column):
                values = self._take(stream, n_rows * 3, dtype, "parameters")
            self._parameters = self._ordered(values.reshape(3, n_rows).T if by_column else values.reshape(n_rows, 3))
        with self._open("variables", N_VARIABLES) as (_, n_variables, _, by_column):
            if by_column:
                self._refuse("wrong_type", "stored column by column, expected row by row")
            if not self.has_truth:
                n_rows = n_variables
                self._parameters = np.full((n_rows, 3), np.nan, np.float32)
            if n_variables != n_rows:
                self._refuse("wrong_length", f"{n_variables} rows, parameters {n_rows}")
        self.start, self.stop = (n_rows * k // n_slices for k in (slice_number, slice_number + 1))

    def rows(self, n_rows: int) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.float32]]]:
        """Yield (first row, variables, parameters) of at most ``n_rows`` at a time; q/pT is the first parameter."""
        with _naming_damage(self.path), self._open("variables", N_VARIABLES) as (stream, _, dtype, _):
            # compressed or not, what lies before the slice is read over in pieces
            stream.seek(self.start * N_VARIABLES * dtype.itemsize, 1)
            for first in range(self.start, self.stop, n_rows):
                last = min(first + n_rows, self.stop)
                values = self._take(stream, (last - first) * N_VARIABLES, dtype, "variables")
                yield first, values.reshape(-1, N_VARIABLES), self._parameters[first:last]

    def _ordered(self, parameters: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return q/pT, phi and eta: q/pT is the column that never exceeds 0.5, and phi comes before eta."""
        largest = np.max(np.abs(parameters), axis=0, initial=0, where=np.isfinite(parameters))
        small = np.flatnonzero(largest <= MAX_Q_OVER_PT)
        if not len(parameters):
            return parameters
        if len(small) != 1:
            detail = f"largest magnitudes {largest.tolist()}: exactly one column, q/pT, must stay below {MAX_Q_OVER_PT}"
            self._refuse("parameter_order", detail, "parameters")
        first = int(small[0])
        return np.ascontiguousarray(parameters[:, [first, *(column for column in range(3) if column != first)]])

    @contextmanager
    def _open(self, name: str, width: int) -> Iterator[tuple[Any, int, np.dtype[Any], bool]]:
        """Yield the stream of an array behind its header, its rows, its type, and whether it is stored by column."""
        if f"{name}.npy" not in self._archive.namelist():
            there = ", ".join(self._archive.namelist())
            self._refuse("missing_branch", f"no array {name}; the file has: {there}", name)
        with self._archive.open(f"{name}.npy") as stream:
            version = np.lib.format.read_magic(stream)
            if version not in _HEADERS:
                self._refuse("wrong_type", f"npy format {version} is not known", name)
            shape, by_column, dtype = _HEADERS[version](stream)
            if len(shape) != 2 or shape[1] != width:
                self._refuse("wrong_shape", f"shape {shape}, expected (N, {width})", name)
            if dtype.kind != "f":
                self._refuse("wrong_type", f"type {dtype}, expected floating-point numbers", name)
            yield stream, int(shape[0]), dtype, by_column

    def _take(self, stream: Any, count: int, dtype: np.dtype[Any], name: str) -> NDArray[np.float32]:
        raw = stream.read(count * dtype.itemsize)
        if len(raw) < count * dtype.itemsize:
            self._refuse("truncated", "the array ends before its last row", name)
        values = np.frombuffer(raw, dtype)
        if detail := implausible(values):
            self._refuse("implausible", detail, name)
        return values.astype(np.float32)

    def _refuse(self, reason: str, detail: str, name: str = "variables") -> NoReturn:
        raise NtupleError(Problem(reason, detail, _ORIGINAL, self.path, "", name))


@contextmanager
def open_npz(source: str, needs_truth: bool = True) -> Iterator[NpzRoads]:
    """Open an ``.npz`` file or a slice of it.

    Parameters
    ----------
    source : str
        Local path, or ``<file>#slice_<k>_of_<n>``.
    needs_truth : bool, default True
        The parameters have to be there.

    Raises
    ------
    NtupleError
        Missing, truncated or foreign file, a wrong array, or parameters whose order cannot be told. The archive's
        check sum is compared when the last row is read, so damage that leaves lengths alone shows in the last slice.
    """
    match = _SLICE.search(source)
    path = _SLICE.sub("", source)
    number, n_slices = (int(match[1]), int(match[2])) if match else (0, 1)
    if number >= n_slices:
        raise NtupleError(Problem("missing_fold", f"no slice {number} of {n_slices}", "slices count from 0", source))
    if "://" in path:
        raise NtupleError(Problem("unreadable", "npz files are read from disk only", "copy the file", path))
    check_file(Path(path))
    with _naming_damage(path):
        archive = zipfile.ZipFile(path)
    with archive:
        with _naming_damage(path):
            roads = NpzRoads(archive, path, number, n_slices, needs_truth)
        yield roads


@contextmanager
def _naming_damage(path: str) -> Iterator[None]:
    with naming_damage(path, library=f"numpy {np.__version__}", fix=_ORIGINAL):
        yield
