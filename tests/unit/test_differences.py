from __future__ import annotations

import numpy as np
import pytest

from hitforge.evaluation.bootstrap import Floats
from hitforge.evaluation.differences import find, key_of, rows_of
from hitforge.evaluation.statistics import Arrays, resample


class Means:
    """Difference of the means of two columns in two halves of the sample; the second half of one has none."""

    reason = "no events"

    def __init__(self, first: Floats, second: Floats) -> None:
        self._gain = first - second

    def __call__(self, weights: Floats) -> Arrays:
        halves = np.split(weights * self._gain, 2), np.split(weights, 2)
        means = [gain.sum() / weight.sum() for gain, weight in zip(*halves, strict=True)]
        return {key_of("mean", "a", "b"): np.array([*means, np.nan])}


def test_rows_are_the_numbers_of_a_statistic_with_what_they_are_restricted_to() -> None:
    generator = np.random.default_rng(1)
    first, second = generator.normal(1.0, 1.0, 100), generator.normal(0.0, 1.0, 100)
    found = resample({"means": Means(first, second)}, np.ones(100), 20, np.random.default_rng(2))["means"]
    rows = rows_of(found, {"half": ("low", None, "none")})
    assert [row["where"] for row in rows] == [{"half": "low"}, {}, {"half": "none"}]
    assert {(row["first"], row["second"], row["quantity"]) for row in rows} == {("a", "b", "mean")}
    assert rows[0]["difference"]["value"] == pytest.approx(np.mean((first - second)[:50]))
    assert [row["difference"]["error"] for row in rows] == found["mean:a:b"]["error"]
    assert rows[1]["difference"]["reason"] is None and rows[2]["difference"]["reason"] == "no events"


def test_a_pair_is_found_either_way_round() -> None:
    rows = rows_of({"mean:a:b": {"value": 0.5, "error": 0.1, "reason": None}})
    rows += rows_of({"mean:a:b": {"value": [None], "error": [None], "reason": "few"}}, {"bin": (3,)})
    assert find(rows, "a", "b", "mean") == {"value": 0.5, "error": 0.1, "reason": None}
    assert find(rows, "b", "a", "mean") == {"value": -0.5, "error": 0.1, "reason": None}
    assert find(rows, "b", "a", "mean", {"bin": 3.0}) == {"value": None, "error": None, "reason": "few"}
    assert find(rows, "a", "b", "width") is None and find(rows, "a", "c", "mean") is None
    assert find(rows, "a", "b", "mean", {"bin": 4}) is None
