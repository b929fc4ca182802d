"""Atomic writing, canonical JSON and hashes: what makes artefacts whole, comparable and traceable."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hitforge
from hitforge.refusals import is_lock, refused, system_error, telling_refusals

_LONGEST_STEM = 200  # bytes; a name may have 255
_FIXES = {
    errno.EISDIR: "give the name of a file",
    errno.ENOTDIR: "one of its folders is a file; take another name",
    errno.EEXIST: "one of its folders is a file; take another name",
    errno.ENAMETOOLONG: "take a shorter name",
    errno.EACCES: "give yourself the right to write there (chmod u+w), or take another folder",
    errno.EPERM: "give yourself the right to write there (chmod u+w), or take another folder",
    errno.EROFS: "take a folder that is not read-only",
}


# HDF5 tries again to write what found no room, as its objects go and as the process ends, and crashes each time
_UNWRITTEN: list[Exception] = []


class OutputError(OSError):
    """A file cannot be written; the message names it and the fix."""


class OutOfSpaceError(OutputError):
    """The file system or the quota is full; the message names the file and the fix."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary name in the folder of ``path``; rename it to ``path`` when the block succeeds.

    The file is flushed to disk before the rename, so that no reader and no crash ever meets half of it.
    On failure the temporary file is removed and ``path`` is left as it was.

    Raises
    ------
    OutputError
        No file can be written there: said before the block begins its work.
    OutOfSpaceError
        No space left, or over quota.
    """
    # a name of its own that is no longer than a file system allows
    stem = os.fsdecode(os.fsencode(path.name)[:_LONGEST_STEM])
    temporary = path.with_name(f".{stem}.{os.getpid()}.tmp")
    try:
        _make_room(path, temporary)
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        if is_lock(error):
            raise refused(error, path) or error from error
        if system_error(error) not in (errno.ENOSPC, errno.EDQUOT) or isinstance(error, OutOfSpaceError):
            raise
        _UNWRITTEN.append(error)
        raise OutOfSpaceError(
            f"{path}: no space left; free some where {path.parent.resolve()} is (df -h, your quota), then run again"
        ) from error
    finally:
        _remove(temporary)


def ends_in_a_crash() -> bool:
    """Return whether the process has met a full disk: HDF5 would crash it as it ends, after everything was said."""
    return bool(_UNWRITTEN)


def _make_room(path: Path, temporary: Path) -> None:
    """Make the folder and an empty temporary file, so that what cannot be written is known before it is computed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        temporary.touch()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        fix = _FIXES.get(error.errno or 0, f"look at {path.parent}")
        raise OutputError(f"{path}: cannot be written ({error.strerror}); {fix}") from error


def _remove(temporary: Path) -> None:
    try:
        os.truncate(temporary, 0)  # gives the room back also while HDF5 holds the file open
        temporary.unlink()
    except OSError:
        pass  # it became the file, or was never made


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically; NaN and infinity are refused because other readers choke on them."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; the error names the file."""
    try:
        with telling_refusals(path):
            return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not valid JSON ({error}); delete it and let the workflow remake it") from error


def content_hash(content: Any) -> str:
    """Return 16 hex digits of the canonical JSON of ``content`` (settings, lists of checksums)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def stamp(**fields: Any) -> dict[str, Any]:
    """Return the provenance block of an artefact: the version plus the fields that fix its content."""
    return {"hitforge_version": hitforge.__version__, **fields}
