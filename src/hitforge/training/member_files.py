"""A trained member on disk: weights as safetensors, history and provenance as JSON beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from hitforge.provenance import atomic_path, write_json
from hitforge.refusals import is_missing, refused

FORMAT = "hitforge-member"
FORMAT_VERSION = 1


class MemberError(ValueError):
    """A member file that cannot be used; the message names the file and the fix."""


@dataclass(frozen=True)
class TrainedMember:
    """Result of a training; a function of its inputs only, without times or places.

    Attributes
    ----------
    weights : dict of Tensor
        State of the network at the best epoch, on the CPU.
    history : list of dict
        For each epoch: train_loss and validation_loss (means over events), lr and beta1 of the last batch, and what
        the loss logs (its thresholds after the epoch) or measures (``validation_<name>``).
    best_epoch : int
        Epoch, from 0, with the lowest validation loss.
    best_loss : float
        That loss.
    n_training, n_monitoring : int
        Events.
    batches_per_epoch : int
        Full training batches.
    stop_reason : str
        ``max_epochs`` or ``no_improvement``.
    seed : int
        Seed of the member.
    """

    weights: dict[str, Tensor]
    history: list[dict[str, Any]] = field(repr=False)
    best_epoch: int
    best_loss: float
    n_training: int
    n_monitoring: int
    batches_per_epoch: int
    stop_reason: str
    seed: int

    def info(self) -> dict[str, Any]:
        """Return everything but the weights as plain data."""
        return {name: value for name, value in vars(self).items() if name != "weights"}


def sidecar_path(path: Path) -> Path:
    """Return ``member_0.json`` for ``member_0.safetensors``."""
    return path.with_suffix(".json")


def save_member(path: Path, member: TrainedMember, provenance: Mapping[str, Any]) -> None:
    """Write the weights and the sidecar, each atomically; the same member gives the same bytes.

    Parameters
    ----------
    path : Path
        ``member_{k}.safetensors``; the sidecar is ``member_{k}.json``.
    provenance : mapping
        Plain data that fix the content (versions, config hash, checksums of inputs); no times, no places.
    """
    weights = {name: value.contiguous() for name, value in member.weights.items()}
    # One metadata key: the library writes several in an order that differs from run to run.
    about = {"format": FORMAT, "format_version": FORMAT_VERSION, "best_loss": member.best_loss, **provenance}
    text = json.dumps(about, sort_keys=True, ensure_ascii=False, allow_nan=False)
    content = safetensors.torch.save(weights, {"hitforge": text})
    write_json(sidecar_path(path), {"provenance": dict(provenance), **member.info()})
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def load_member(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the weights, on the CPU, and the metadata that :func:`save_member` put into the file.

    Raises
    ------
    MemberError
        Damaged, not a member file, or of another format version.
    FileNotFoundError, RefusedError
        Not there, or it cannot be read now.
    """
    try:
        with path.open("rb"):
            pass  # the library calls missing whatever it cannot open
        with safe_open(path, framework="pt") as handle:
            about = json.loads((handle.metadata() or {}).get("hitforge", "{}"))
            weights = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError) as error:
        if is_missing(error):
            raise FileNotFoundError(f"{path}: no such file; train the member") from error
        refusal = refused(error, path)
        if refusal is not None:
            raise refusal from error
        raise MemberError(f"{path}: cannot be read ({error}); delete it and train the member again") from error
    if about.get("format") != FORMAT:
        raise MemberError(f"{path}: not a member file of hitforge")
    if about["format_version"] != FORMAT_VERSION:
        raise MemberError(
            f"{path}: member format {about['format_version']}, this release reads {FORMAT_VERSION}; "
            "train again or use the release that wrote it"
        )
    return weights, about
