"""Identity buckets, folds and the folds of each ensemble member."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from hitforge.settings_base import Settings

N_BUCKETS: Final = 3600
"""Number of identity buckets; divisible by every fold number up to 10 and by 36."""


def bucket_of(records: NDArray[Any]) -> NDArray[np.int16]:
    """Hash the identity of each event to a bucket that never changes.

    Parameters
    ----------
    records : ndarray, shape (N, n_byte), uint8
        Bytes of each event's identity; callers fix type and byte order of what goes in.

    Returns
    -------
    ndarray, shape (N,), int16
        First 8 bytes of blake2b, big endian, modulo :data:`N_BUCKETS`.
    """
    rows = np.ascontiguousarray(records, dtype=np.uint8)
    if rows.ndim != 2:
        raise ValueError(f"records must be rows of bytes, shape (N, n_byte), not {rows.shape}")
    identities = rows.view(f"V{rows.shape[1]}").ravel().tolist()
    digests = b"".join([hashlib.blake2b(identity, digest_size=8).digest() for identity in identities])
    return (np.frombuffer(digests, dtype=">u8") % N_BUCKETS).astype(np.int16)


def event_bucket(event: NDArray[np.uint64], dataset_id: str) -> NDArray[np.int16]:
    """Return the identity bucket of (data set, event number), shape (N,): what belongs to one event shares it."""
    prefix = np.frombuffer(dataset_id.encode(), dtype=np.uint8)
    records = np.empty((len(event), len(prefix) + 8), dtype=np.uint8)
    records[:, : len(prefix)] = prefix
    records[:, len(prefix) :] = event.astype("<u8").view(np.uint8).reshape(-1, 8)
    return bucket_of(records)


def fold_of(bucket: NDArray[np.integer], n_folds: int) -> NDArray[np.int16]:
    """Return the fold of each bucket: ``bucket mod n_folds``."""
    if not 1 <= n_folds <= N_BUCKETS:
        raise ValueError(f"number of folds must be 1 to {N_BUCKETS}, not {n_folds}")
    return (bucket % n_folds).astype(np.int16)


@dataclass(frozen=True)
class MemberFolds:
    """Folds of one ensemble member.

    Attributes
    ----------
    training : tuple of int
        Folds it is trained on, ascending.
    monitoring : int
        Fold that steers its schedule and early stopping.
    """

    training: tuple[int, ...]
    monitoring: int


def fold_scheme(
    kind: Literal["full", "unique"], n_folds: int, members: int, held_out: Sequence[int] = (0,)
) -> list[MemberFolds]:
    """Assign folds to the members of an ensemble (arXiv:2107.02119).

    Parameters
    ----------
    kind : {"full", "unique"}
        ``full``: each member trains on all folds but the held-out ones and its own monitoring fold.
        ``unique``: the members share the folds out, ascending, so that no two train on the same one.
    n_folds : int
        Number of folds F.
    members : int
        Number of members; member k monitors the k-th fold that is not held out.
    held_out : sequence of int, default (0,)
        Folds that no member sees.

    Returns
    -------
    list of MemberFolds
        One per member. Under ``full`` a member's folds do not depend on the number of members.

    Raises
    ------
    ValueError
        Unknown scheme, held-out fold out of range, or too few folds; the message names the minimum.
    """
    excluded = set(held_out)
    if members < 1:
        raise ValueError(f"an ensemble needs at least one member, not {members}")
    minimum = members + len(excluded) + 1
    if n_folds < minimum:
        raise ValueError(
            f"{members} members and {len(excluded)} held-out folds need at least {minimum} folds, not {n_folds}"
        )
    if not excluded <= set(range(n_folds)):
        raise ValueError(f"held-out folds {sorted(excluded)} must be among 0 to {n_folds - 1}")
    available = [fold for fold in range(n_folds) if fold not in excluded]
    if kind == "full":
        return [MemberFolds(tuple(fold for fold in available if fold != own), own) for own in available[:members]]
    if kind != "unique":
        raise ValueError(f"unknown fold scheme {kind!r}; known are full and unique")
    share = len(available) // members
    unused = list(available)
    scheme = []
    for own in available[:members]:
        training = [fold for fold in unused if fold != own][:share]
        unused = [fold for fold in unused if fold not in training]
        scheme.append(MemberFolds(tuple(training), own))
    return scheme


class TreeFolds(Settings):
    """Folds of trees and tables: the monitoring fold stops a training, the scoring fold ranks trials of a search."""

    count: int
    monitoring: int
    scoring: int
    training: tuple[int, ...]

    def search_splits(self, groups: int | None) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
        """Return the training and scoring folds of each training that a trial of a search consists of.

        With None it is one, scored on the scoring fold; otherwise each of so many groups is scored on once.
        """
        if groups is None:
            return ((tuple(fold for fold in self.training if fold != self.scoring), (self.scoring,)),)
        if groups > len(self.training):
            raise ValueError(
                f"tune.cross_validation: {groups} groups of {len(self.training)} training folds cannot be made; "
                "lower it or raise folds.count"
            )
        scored = [self.training[i::groups] for i in range(groups)]
        return tuple((tuple(fold for fold in self.training if fold not in group), group) for group in scored)


def tree_folds(count: int, held_out: Collection[int]) -> TreeFolds:
    """Return the folds of boosted trees: of those not held out the first monitors, the second scores trials."""
    left = [fold for fold in range(count) if fold not in held_out]
    return TreeFolds(count=count, monitoring=left[0], scoring=left[1], training=tuple(left[1:]))
