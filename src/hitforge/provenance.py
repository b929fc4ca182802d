"""Atomic writing, canonical JSON and hashes: what makes artefacts whole, comparable and traceable."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hitforge


class OutOfSpaceError(OSError):
    """The file system or the quota is full; the message names the file and the fix."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary name in the folder of ``path``; rename it to ``path`` when the block succeeds.

    The file is flushed to disk before the rename, so that no reader and no crash ever meets half of it.
    On failure the temporary file is removed and ``path`` is left as it was.

    Raises
    ------
    OutOfSpaceError
        No space left, or over quota.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        if _error_number(error) not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise OutOfSpaceError(
            f"{path}: no space left; free some where {path.parent.resolve()} is (df -h, your quota), then run again"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _error_number(error: OSError | RuntimeError) -> int | None:
    """Return what the operating system said; HDF5 has it in its text, and closing a file is a RuntimeError there."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = re.search(r"errno = (\d+)", str(error))
    return int(found.group(1)) if found else None


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
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not valid JSON ({error}); delete it and let the workflow remake it") from error


def content_hash(content: Any) -> str:
    """Return 16 hex digits of the canonical JSON of ``content`` (settings, lists of checksums)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def stamp(**fields: Any) -> dict[str, Any]:
    """Return the provenance block of an artefact: the version plus the fields that fix its content."""
    return {"hitforge_version": hitforge.__version__, **fields}
