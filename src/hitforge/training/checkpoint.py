"""Checkpoints of a training: whole or not there, checked on reading, with the one before kept.

A checkpoint file is what ``torch.save`` writes, followed by a trailer (magic and BLAKE2 hash of everything before).
It holds tensors and plain containers only and is read with ``weights_only=True``: nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import io
import logging
import pickle
import time
from pathlib import Path
from typing import Any

import torch

from hitforge.provenance import atomic_path
from hitforge.refusals import telling_refusals

log = logging.getLogger(__name__)

FORMAT_VERSION = 1
_MAGIC = b"hfckpt01"
_DIGEST = 32


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names the file and what is wrong."""


def previous_path(path: Path) -> Path:
    """Return where the copy before the newest is kept: ``member_0.previous.pt`` for ``member_0.pt``."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def status_path(path: Path) -> Path:
    """Return the status file beside a checkpoint: ``member_0.status.json``."""
    return path.with_name(f"{path.stem}.status.json")


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` atomically; the checkpoint that was there becomes the previous one.

    A crash at any moment leaves the newest or the previous copy whole.
    """
    buffer = io.BytesIO()
    torch.save({"format_version": FORMAT_VERSION, **state}, buffer)
    content = buffer.getbuffer()
    with atomic_path(path) as temporary:
        with temporary.open("wb") as handle:
            handle.write(content)
            handle.write(_MAGIC + hashlib.blake2b(content, digest_size=_DIGEST).digest())
        if path.exists():
            path.replace(previous_path(path))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read and verify one checkpoint file; tensors come to the CPU.

    Raises
    ------
    CheckpointError
        Truncated, damaged, not a checkpoint, or of another format version.
    FileNotFoundError, RefusedError
        It is not there, or cannot be read now.
    """
    with telling_refusals(path):
        content = path.read_bytes()
    body, trailer = content[: -len(_MAGIC) - _DIGEST], content[-len(_MAGIC) - _DIGEST :]
    if trailer[: len(_MAGIC)] != _MAGIC:
        raise CheckpointError(f"{path}: truncated, or not a checkpoint")
    if hashlib.blake2b(body, digest_size=_DIGEST).digest() != trailer[len(_MAGIC) :]:
        raise CheckpointError(f"{path}: damaged (its checksum differs)")
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise CheckpointError(f"{path}: cannot be loaded ({error})") from error
    if state.get("format_version") != FORMAT_VERSION:
        raise CheckpointError(f"{path}: checkpoint format {state.get('format_version')}, known is {FORMAT_VERSION}")
    return state


def load_checkpoint(path: Path, identity: str) -> dict[str, Any] | None:
    """Return the newest usable checkpoint of this very training, None to start afresh.

    Unusable copies and those of another training (other settings, data or seed) are logged and passed over: they
    must not stand in the way of a workflow, and the next save replaces them. One that cannot be read now is not
    unusable: to start afresh would overwrite it.

    Parameters
    ----------
    path : Path
        Where :func:`save_checkpoint` wrote.
    identity : str
        Hash of everything that fixes the training; the state's ``identity`` must be the same.
    """
    found = False
    for candidate in (path, previous_path(path)):
        try:
            if not candidate.exists():
                continue
            found = True
            state = read_checkpoint(candidate)
        except FileNotFoundError:
            continue  # a job that runs beside this one has just replaced it
        except CheckpointError as error:
            log.warning("checkpoint passed over: %s", error)
            continue
        if state.get("identity") != identity:
            log.warning("checkpoint passed over: %s belongs to other settings, data or code", candidate)
            continue
        return state
    if found:
        log.warning("no usable checkpoint at %s: the training starts afresh", path)
    return None


def discard_checkpoint(path: Path) -> None:
    """Remove the checkpoint, its previous copy, its status file and abandoned temporary files.

    To be called when the member file stands. A young temporary file is left alone: a requeued job can run twice.
    """
    for name in (path, previous_path(path), status_path(path)):
        name.unlink(missing_ok=True)
    for temporary in path.parent.glob(f".{path.name}.*.tmp"):
        if time.time() - temporary.stat().st_mtime > 3600:
            temporary.unlink(missing_ok=True)
