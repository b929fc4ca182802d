"""Feature standardisation, fitted on training folds only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

import hitforge
from hitforge.folds import fold_of
from hitforge.settings_base import Settings


class Scaling(Settings):
    """Mean, population standard deviation (arXiv:2107.02119) and range of the present values of each feature column."""

    names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n_events: int
    held_out: tuple[int, ...]
    hitforge_version: str = hitforge.__version__

    @model_validator(mode="after")
    def _columns_agree(self) -> Scaling:
        columns = (self.mean, self.std, self.low, self.high)
        if any(len(column) != len(self.names) for column in columns):
            raise ValueError("names, mean, std, low and high differ in length")
        return self

    @property
    def is_identity(self) -> bool:
        """Whether it leaves features as they are, because they came standardised."""
        return self.n_events == 0

    def select(self, names: Sequence[str]) -> Scaling:
        """Return the scaling of some columns, in the order given."""
        places = [self.names.index(name) for name in names]
        columns = {
            key: tuple(getattr(self, key)[place] for place in places) for key in ("names", "mean", "std", "low", "high")
        }
        return self.model_copy(update=columns)

    def apply(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Standardise raw features, shape (n, F); a constant column becomes zero, a missing value (NaN) stays one."""
        std = np.array(self.std)
        scaled: NDArray[np.float32] = ((features - np.array(self.mean)) / np.where(std > 0, std, 1.0)).astype(
            np.float32
        )
        return scaled


class _Moments:
    """Streaming count, mean, sum of squared deviations (Chan et al.) and range of each column's present values."""

    def __init__(self, n_columns: int) -> None:
        self.n_events = 0
        self.n = np.zeros(n_columns, dtype=np.int64)
        self.mean = np.zeros(n_columns)
        self.m2 = np.zeros(n_columns)
        self.low = np.full(n_columns, np.inf)
        self.high = np.full(n_columns, -np.inf)

    def add(self, values: NDArray[np.float64]) -> None:
        self.n_events += len(values)
        missing = np.isnan(values)
        n = len(values) - missing.sum(axis=0)
        total = self.n + n
        some, all_seen = np.maximum(n, 1), np.maximum(total, 1)
        mean = np.where(missing, 0.0, values).sum(axis=0) / some
        delta = np.where(n > 0, mean - self.mean, 0.0)
        spread = np.where(missing, 0.0, values - mean)
        self.m2 = self.m2 + (spread**2).sum(axis=0) + delta**2 * (self.n * n / all_seen)
        self.mean = self.mean + delta * (n / all_seen)
        self.n = total
        self.low = np.minimum(self.low, np.where(missing, np.inf, values).min(axis=0, initial=np.inf))
        self.high = np.maximum(self.high, np.where(missing, -np.inf, values).max(axis=0, initial=-np.inf))


def fit_scaling(
    blocks: Iterable[tuple[NDArray[np.floating], NDArray[np.int16]]],
    names: tuple[str, ...],
    n_folds: int,
    held_out: Collection[int],
) -> Scaling:
    """Fit the scaling on all events outside the held-out folds; a ValueError says that there are none.

    The blocks hold features, shape (n, F), already clipped as the models will see them, and the identity buckets.
    Missing values (NaN) are left out; a column without any value gets zeros.
    """
    moments = _Moments(len(names))
    for features, bucket in blocks:
        kept = ~np.isin(fold_of(bucket, n_folds), list(held_out))
        moments.add(features[kept].astype(np.float64))
    if moments.n_events == 0:
        raise ValueError("scaling: no event outside the held-out folds; add train parts or lower folds.count")
    seen = moments.n > 0
    columns = {
        "mean": moments.mean,
        "std": np.sqrt(moments.m2 / np.maximum(moments.n, 1)),
        "low": np.where(seen, moments.low, 0.0),
        "high": np.where(seen, moments.high, 0.0),
    }
    plain: dict[str, Any] = {name: tuple(values.tolist()) for name, values in columns.items()}
    return Scaling(names=names, **plain, n_events=moments.n_events, held_out=tuple(sorted(held_out)))


def identity_scaling(names: tuple[str, ...], held_out: Collection[int]) -> Scaling:
    """Return the scaling of features that came standardised (published fold files)."""
    zeros, ones = (0.0,) * len(names), (1.0,) * len(names)
    return Scaling(
        names=names, mean=zeros, std=ones, low=zeros, high=ones, n_events=0, held_out=tuple(sorted(held_out))
    )


CLIP = np.float32(5.0)
"""Scaled features beyond so many standard deviations say no more than that they are far out."""


def without_outliers(scaled: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return scaled features within ±CLIP, and zero, the mean, for what is not there (NaN)."""
    return np.clip(np.nan_to_num(scaled, copy=False), -CLIP, CLIP)
