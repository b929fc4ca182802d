"""A quick estimate of the information that a prediction holds about its target, to choose epochs and rounds with."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_BINS: Final = 20


def binned_information(prediction: NDArray[np.floating], target: NDArray[np.floating]) -> float:
    """Return the mutual information of two columns, shape (n,), in bits.

    The plug-in estimate from a table of equally filled bins with the correction of Miller and Madow for its bias,
    (non-empty cells - bins of either + 1) / 2n nats. It sees ranks alone: a monotone function of the prediction has
    the same information. Good for comparing predictions of the same events; the report's numbers come from densities
    fitted on other events.
    """
    n = len(target)
    bins = max(2, min(_BINS, int(np.sqrt(n / 5))))
    table = np.bincount(_place(prediction, bins) * bins + _place(target, bins), minlength=bins * bins).reshape(-1, bins)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    expected = rows[:, None] * columns / n
    filled = table > 0
    nats = float(np.sum(table[filled] * np.log(table[filled] / expected[filled]))) / n
    bias = (np.count_nonzero(filled) - np.count_nonzero(rows) - np.count_nonzero(columns) + 1) / (2 * n)
    return (nats - bias) / float(np.log(2.0))


def _place(values: NDArray[np.floating], bins: int) -> NDArray[np.int64]:
    """Return the bin of each value by its rank; equal values share the bin of the first of them."""
    ordered = np.sort(values)
    return np.searchsorted(ordered, values, side="left") * bins // max(len(values), 1)
