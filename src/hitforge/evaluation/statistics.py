"""Many statistics of one sample on the same bootstrap draws.

A statistic maps weights of the events to named arrays. All statistics of a sample see the same draws, and models with
the same stream too, so that differences between them are paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Floats, bootstrap, standard_error

Arrays = Mapping[str, Floats]


class Statistic(Protocol):
    """Named arrays of a weighted sample; NaN stands for a number that cannot be computed."""

    @property
    def reason(self) -> str | Mapping[str, str]:
        """Why a number is NaN: of all arrays, or of each by its name."""

    def __call__(self, weights: Floats) -> Arrays:
        """Return the arrays for weights of the events, shape (n,); their shapes do not depend on the weights."""


def resample(
    statistics: Mapping[str, Statistic], weights: Floats, replicas: int, generator: np.random.Generator
) -> dict[str, dict[str, Any]]:
    """Return every array of every statistic with its bootstrap error as plain data (see `packed`).

    Each of the replicas, drawn with a named child stream, multiplies the weights of the events, shape (n,), with their
    multiplicities.
    """
    if not statistics:
        return {}
    values = {name: statistic(weights) for name, statistic in statistics.items()}
    if not len(weights):
        draws = np.full((2, _flat(values).size), np.nan)
    else:
        draws = bootstrap(
            lambda counts: _flat({name: statistic(counts * weights) for name, statistic in statistics.items()}),
            len(weights),
            replicas,
            generator,
        )
    result: dict[str, dict[str, Any]] = {}
    start = 0
    for name, arrays in values.items():
        result[name] = {}
        for key, array in arrays.items():
            array = np.asarray(array, dtype=np.float64)
            own = draws[:, start : start + array.size].reshape(len(draws), *array.shape)
            start += array.size
            reason = statistics[name].reason
            result[name][key] = packed(array, own, reason if isinstance(reason, str) else reason[key])
    return result


def _flat(values: Mapping[str, Arrays]) -> Floats:
    return np.concatenate([np.ravel(array) for arrays in values.values() for array in arrays.values()])


def packed(values: NDArray[np.floating], replicas: Floats | None, reason: str) -> dict[str, Any]:
    """Return ``{value, error, reason}`` with nested lists of the array's shape, or numbers where it is a scalar.

    A number that is not finite is null, and ``reason`` then says why; so does an error.
    """
    values = np.asarray(values, dtype=np.float64)
    known = np.isfinite(values)
    error = np.full(values.shape, np.nan) if replicas is None else standard_error(replicas)
    missing = None
    if not known.all():
        missing = reason
    elif replicas is not None and not np.isfinite(error).all():
        missing = "too few bootstrap replicas can be computed for an error"
    return {"value": plain(values), "error": plain(np.where(known, error, np.nan)), "reason": missing}


def entry(array: Mapping[str, Any], *index: int) -> dict[str, Any]:
    """Return one number of what :func:`packed` returned."""
    value, error = array["value"], array["error"]
    for i in index:
        value, error = value[i], None if error is None else error[i]
    return {"value": value, "error": error, "reason": array["reason"] if value is None or error is None else None}


def plain(values: NDArray[np.floating]) -> Any:
    """Return nested lists with null for what is not finite."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim == 0:
        return float(values) if np.isfinite(values) else None
    return [plain(value) for value in values]


def ratio(numerator: NDArray[Any] | float, denominator: NDArray[Any] | float) -> Floats:
    """Return the quotient, NaN where the denominator is not positive."""
    top, bottom = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    result = np.full(bottom.shape, np.nan)
    np.divide(top, bottom, out=result, where=bottom > 0)
    return result


def enough(groups: NDArray[np.integer], n_groups: int, minimum: int) -> NDArray[np.bool_]:
    """Return which groups hold at least ``minimum`` events of the sample, shape (n_groups,)."""
    return np.asarray(np.bincount(groups[groups >= 0], minlength=n_groups) >= minimum)


def group_of(values: NDArray[np.floating], edges: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the left-closed bin of each value, or -1 outside; the last bin is closed."""
    index = np.searchsorted(edges, values, side="right") - 1
    index = np.where(values == edges[-1], len(edges) - 2, index)
    return np.where((index >= 0) & (index < len(edges) - 1), index, -1).astype(np.int64)


class GroupShare:
    """Weighted share of the events with a property in each group, shape (n_groups,).

    Parameters
    ----------
    having : ndarray, shape (n,)
        Which events have it, as bool or 0 and 1.
    groups : ndarray, shape (n,)
        Group of each event, negative outside all.
    n_groups : int
    minimum : int, optional
        Groups of fewer events are NaN.
    """

    def __init__(self, having: NDArray[Any], groups: NDArray[np.integer], n_groups: int, minimum: int = 0) -> None:
        self._inside, self._n = np.flatnonzero(groups >= 0), n_groups
        self._group, self._having = groups[self._inside], having[self._inside].astype(np.float64)
        self._enough = enough(groups, n_groups, minimum)

    def __call__(self, weights: Floats) -> Floats:
        own = weights[self._inside]
        having = np.bincount(self._group, own * self._having, self._n)
        return np.where(self._enough, ratio(having, np.bincount(self._group, own, self._n)), np.nan)
