"""Opening and reading HDF5 files that a stage before has written: a damaged one is told from a locked one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from hitforge.refusals import is_missing, refused


def open_hdf5(path: Path, kind: type[Exception], remake: str) -> h5py.File:
    """Open a file for reading.

    Parameters
    ----------
    kind : type of exception
        What to raise of a damaged file.
    remake : str
        How to make the file again, the end of a sentence.

    Raises
    ------
    FileNotFoundError
        There is none.
    RefusedError
        It is locked, may not be read, or its disk or server fails; the file may be whole.
    """
    with naming_hdf5(path, kind, remake):
        return h5py.File(path, "r")


@contextmanager
def naming_hdf5(path: Path, kind: type[Exception], remake: str, dataset: str = "") -> Iterator[None]:
    """Name the file, and the dataset, in whatever HDF5 raises inside the block; see :func:`open_hdf5`."""
    try:
        yield
    except (OSError, KeyError, RuntimeError) as error:
        if is_missing(error):
            raise FileNotFoundError(f"{path}: no such file; {remake}") from error
        refusal = refused(error, path)
        if refusal is not None:
            raise refusal from error
        place = f"{path}, dataset {dataset}" if dataset else str(path)
        raise kind(
            f"{place}: cannot be read as HDF5 ({error}); if it is a result of ours, delete it and {remake}"
        ) from error
