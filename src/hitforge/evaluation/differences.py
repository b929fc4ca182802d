"""Differences between models as rows of one form, in all studies: ``{first, second, quantity, where, difference}``.

A difference is ``first`` minus ``second``, ``{value, error, reason}``, with an error that knows that both are of the
same events and draws. ``where`` is what the number is restricted to, by the names of the restrictions; empty for the
whole sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from hitforge.evaluation.statistics import entry

Row = dict[str, Any]


def key_of(quantity: str, first: str, second: str) -> str:
    """Return the name that a statistic gives to the array of a quantity's difference."""
    return f"{quantity}:{first}:{second}"


def rows_of(found: Mapping[str, Mapping[str, Any]], axes: Mapping[str, Sequence[Any]] | None = None) -> list[Row]:
    """Return a row for each number of what `resample` returned of a statistic, by :func:`key_of`.

    ``axes`` has the labels of the arrays' indices, dimension by dimension; the label None restricts to nothing. No
    axes: each array is one number.
    """
    axes = axes or {}
    rows = []
    for key, numbers in found.items():
        quantity, first, second = key.split(":")
        for index in np.ndindex(*(len(labels) for labels in axes.values())):
            labels = {name: values[i] for (name, values), i in zip(axes.items(), index, strict=True)}
            where = {name: label for name, label in labels.items() if label is not None}
            rows.append(row_of(first, second, quantity, entry(numbers, *index), where))
    return rows


def row_of(
    first: str, second: str, quantity: str, difference: Mapping[str, Any], where: Mapping[str, Any] | None = None
) -> Row:
    """Return one row."""
    names = {"first": first, "second": second, "quantity": quantity}
    return {**names, "where": dict(where or {}), "difference": dict(difference)}


def find(
    rows: Iterable[Mapping[str, Any]], first: str, second: str, quantity: str, where: Mapping[str, Any] | None = None
) -> dict[str, Any] | None:
    """Return ``{value, error, reason}`` of first minus second, also where the rows have the pair the other way round.

    None where the two were not compared in this quantity and with this restriction.
    """
    for row in rows:
        if row["quantity"] == quantity and row["where"] == (where or {}):
            found: dict[str, Any] = dict(row["difference"])
            if (row["first"], row["second"]) == (first, second):
                return found
            if (row["first"], row["second"]) == (second, first):
                return {**found, "value": None if found["value"] is None else -found["value"]}
    return None
