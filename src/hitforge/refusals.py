"""What the operating system refuses is not what a file holds: telling the two apart, for every reader.

A permission, a lock or a server that does not answer passes; damaged bytes stay. The first makes a job fail, to be
tried again, and writes no verdict; only the second says something about the file.
"""

from __future__ import annotations

import errno
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LOCKED = "unable to lock file"  # HDF5's words
_IN_TEXT = re.compile(r"(?:errno = |os error )(\d+)")  # HDF5, and libraries in Rust, have the number in their text only

# what wrong numbers in a file provoke: a seek before its start or past what an offset can hold
_OF_CONTENT = {errno.EINVAL, errno.EOVERFLOW, errno.EFBIG, errno.ESPIPE}
_MISSING = {errno.ENOENT, errno.ENOTDIR}

# raised without a number by libraries that wait for a server or a lock themselves
_WITHOUT_NUMBER = (PermissionError, TimeoutError, ConnectionError, BlockingIOError, InterruptedError)

_FIXES = {
    errno.EACCES: "give yourself the right to read it (chmod u+r, or ask its owner)",
    errno.EPERM: "give yourself the right to read it (chmod u+r, or ask its owner)",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "this machine has too many files open; run again",
    errno.ENOMEM: "ask for more memory (mem_mb of the rule)",
    errno.EISDIR: "give the name of a file",
    errno.ENAMETOOLONG: "take a shorter name",
}
_RUN_AGAIN = "run again; if it stays, ask who runs this storage"
_LOCK_FIX = (
    "wait for the process that writes it to end; if none does, this file system has no locks: "
    "export HDF5_USE_FILE_LOCKING=FALSE (docs/cluster.md)"
)


class RefusedError(OSError):
    """The operating system, or a server, did not give a file; the message names the file, the reason and the fix."""


def system_error(error: BaseException, in_passing: bool = True) -> int | None:
    """Return the number of the operating system's error behind an exception, None if there is none.

    HDF5 has it in its text, also in a ``RuntimeError`` or ``KeyError``; other libraries raise their own error from it,
    or, where ``in_passing`` counts, while they handle it.
    """
    seen: set[int] = set()
    below: BaseException | None = error
    while below is not None and id(below) not in seen:
        seen.add(id(below))
        if isinstance(below, OSError) and below.errno is not None:
            return below.errno
        found = _IN_TEXT.search(str(below))
        if found:
            return int(found.group(1))
        context = below.__context__ if in_passing and not below.__suppress_context__ else None
        below = below.__cause__ or context
    return None


def is_missing(error: BaseException) -> bool:
    """Return whether an exception says that there is no such file."""
    # a file that a library looks for in passing may well be another one
    return isinstance(error, FileNotFoundError) or system_error(error, in_passing=False) in _MISSING


def is_lock(error: BaseException) -> bool:
    """Return whether HDF5 could not lock a file, to read or to write it."""
    return _LOCKED in str(error)


def refused(error: BaseException, file: str | os.PathLike[str]) -> RefusedError | None:
    """Return what to raise instead of ``error`` if it says nothing about what ``file`` holds, else None.

    A missing file is None too: each reader has its own words for it.
    """
    if isinstance(error, RefusedError):
        return error
    number = errno.ENOMEM if _lacks_memory(error) else system_error(error)
    if number in _OF_CONTENT or number in _MISSING or (number is None and not isinstance(error, _WITHOUT_NUMBER)):
        return None
    locked = is_lock(error)
    why = "is locked" if locked else f"cannot be read now ({os.strerror(number) if number else error})"
    fix = _LOCK_FIX if locked else _FIXES.get(number or 0, _RUN_AGAIN)
    made = RefusedError(f"{os.fspath(file)}: {why}; fix: {fix}")
    made.errno = number
    return made


def _lacks_memory(error: BaseException) -> bool:
    """Return whether NumPy was refused memory that this machine has; damage asks for more than any has."""
    shape: Any = getattr(error, "shape", None)
    dtype: Any = getattr(error, "dtype", None)
    if not isinstance(error, MemoryError) or shape is None or dtype is None:
        return False
    return int(math.prod(shape) * dtype.itemsize) <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@contextmanager
def telling_refusals(file: str | os.PathLike[str]) -> Iterator[None]:
    """Raise :class:`RefusedError` for what the operating system refuses inside the block; pass on all other errors."""
    try:
        yield
    except Exception as error:
        refusal = refused(error, file)
        if refusal is None or refusal is error:
            raise
        raise refusal from error
