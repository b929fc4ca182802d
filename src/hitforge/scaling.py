"""Feature standardisation, fitted on training folds only."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

import hitforge
from hitforge.folds import fold_of
from hitforge.settings_base import Settings


class Scaling(Settings):
    """Mean and population standard deviation of each feature column (arXiv:2107.02119)."""

    names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    n_events: int
    held_out: tuple[int, ...]
    hitforge_version: str = hitforge.__version__

    @model_validator(mode="after")
    def _columns_agree(self) -> Scaling:
        if not len(self.names) == len(self.mean) == len(self.std):
            raise ValueError("names, mean and std differ in length")
        return self

    @property
    def is_identity(self) -> bool:
        """Whether it leaves features as they are, because they came standardised."""
        return self.n_events == 0

    def apply(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Standardise raw features, shape (n, F); a constant column becomes zero instead of NaN."""
        std = np.array(self.std)
        scaled: NDArray[np.float32] = ((features - np.array(self.mean)) / np.where(std > 0, std, 1.0)).astype(
            np.float32
        )
        return scaled


class _Moments:
    """Streaming count, mean and sum of squared deviations (Chan et al.), stable for long sums."""

    def __init__(self) -> None:
        self.n = 0
        self.mean: NDArray[np.float64] | float = 0.0
        self.m2: NDArray[np.float64] | float = 0.0

    def add(self, values: NDArray[np.float64]) -> None:
        n = len(values)
        if n == 0:
            return
        mean = values.mean(axis=0)
        delta = mean - self.mean
        total = self.n + n
        self.m2 = self.m2 + ((values - mean) ** 2).sum(axis=0) + delta**2 * (self.n * n / total)
        self.mean = self.mean + delta * (n / total)
        self.n = total


def fit_scaling(
    blocks: Iterable[tuple[NDArray[np.floating], NDArray[np.int16]]],
    names: tuple[str, ...],
    n_folds: int,
    held_out: Collection[int],
) -> Scaling:
    """Fit the scaling on all events outside the held-out folds.

    Parameters
    ----------
    blocks : iterable of (features, bucket)
        Features, shape (n, F), already clipped as the models will see them, and the identity buckets.
    held_out : collection of int
        Folds that must not be looked at.

    Raises
    ------
    ValueError
        No event is left.
    """
    moments = _Moments()
    for features, bucket in blocks:
        kept = ~np.isin(fold_of(bucket, n_folds), list(held_out))
        moments.add(features[kept].astype(np.float64))
    if moments.n == 0:
        raise ValueError("scaling: no event outside the held-out folds; add train parts or lower folds.count")
    std = np.sqrt(np.asarray(moments.m2) / moments.n)
    return Scaling(
        names=names,
        mean=tuple(float(m) for m in np.asarray(moments.mean)),
        std=tuple(float(s) for s in std),
        n_events=moments.n,
        held_out=tuple(sorted(held_out)),
    )


def identity_scaling(names: tuple[str, ...], held_out: Collection[int]) -> Scaling:
    """Return the scaling of features that came standardised (published fold files)."""
    ones = (1.0,) * len(names)
    return Scaling(names=names, mean=(0.0,) * len(names), std=ones, n_events=0, held_out=tuple(sorted(held_out)))
