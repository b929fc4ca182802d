"""Feature scaling: what NumPy gives, from the allowed folds only."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hitforge.scaling import Scaling, fit_scaling, identity_scaling


@given(st.lists(st.integers(0, 40), min_size=1, max_size=5), st.integers(0, 2**31))
def test_streaming_equals_numpy_over_training_folds(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    blocks = [
        (rng.normal(1000, 1, (n, 3)).astype(np.float32), rng.integers(0, 3600, n).astype(np.int16)) for n in sizes
    ]
    features = np.concatenate([block[0] for block in blocks]).astype(np.float64)
    kept = features[np.concatenate([block[1] for block in blocks]) % 4 != 0]
    if len(kept) == 0:
        with pytest.raises(ValueError, match="no event outside"):
            fit_scaling(blocks, ("a", "b", "c"), 4, [0])
        return
    scaling = fit_scaling(blocks, ("a", "b", "c"), 4, [0])
    assert scaling.n_events == len(kept)
    np.testing.assert_allclose(scaling.mean, kept.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(scaling.std, kept.std(axis=0), rtol=1e-9, atol=1e-12)


def test_constant_column_becomes_zero() -> None:
    features = np.ones((5, 1), np.float32)
    scaling = fit_scaling([(features, np.arange(1, 6, dtype=np.int16))], ("a",), 36, [0])
    np.testing.assert_array_equal(scaling.apply(features), np.zeros((5, 1)))
    # what differs from it in other events is not scaled
    np.testing.assert_array_equal(scaling.apply(np.array([[3.0]], np.float32)), [[2.0]])


def test_columns_of_different_length_are_refused() -> None:
    values = {"mean": (0.0, 1.0), "std": (1.0, 1.0), "low": (0.0, 0.0), "high": (1.0, 1.0)}
    for name in values:
        with pytest.raises(ValidationError, match="differ in length"):
            Scaling(names=("a", "b"), n_events=1, held_out=(0,), **(values | {name: (0.0,)}))


def test_held_out_folds_are_sorted() -> None:
    for scaling in (
        identity_scaling(("a",), (3, 1)),
        fit_scaling([(np.ones((2, 1), np.float32), np.zeros(2, np.int16))], ("a",), 4, (3, 1)),
    ):
        assert scaling.held_out == (1, 3)


def test_identity_leaves_features_alone() -> None:
    features = np.array([[1.5, -2.0]], np.float32)
    scaling = identity_scaling(("a", "b"), [0])
    assert scaling.is_identity
    np.testing.assert_array_equal(scaling.apply(features), features)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=4), st.integers(0, 2**31))
def test_missing_values_are_left_out(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    blocks = []
    for n in sizes:
        values = rng.normal(5, 2, (n, 3)).astype(np.float32)
        values[rng.random((n, 3)) < 0.4] = np.nan
        values[:, 2] = np.nan
        blocks.append((values, np.ones(n, dtype=np.int16)))
    features = np.concatenate([values for values, _ in blocks]).astype(np.float64)
    if len(features) == 0:
        return
    scaling = fit_scaling(blocks, ("a", "b", "never"), 4, [0])
    for column in range(2):
        present = features[~np.isnan(features[:, column]), column]
        if len(present):
            np.testing.assert_allclose(scaling.mean[column], present.mean(), rtol=1e-9)
            np.testing.assert_allclose(scaling.std[column], present.std(), rtol=1e-7, atol=1e-9)
            assert (scaling.low[column], scaling.high[column]) == (present.min(), present.max())
    assert (scaling.mean[2], scaling.std[2], scaling.low[2], scaling.high[2]) == (0, 0, 0, 0)
    # a missing value stays one: what a network gets instead is the study's decision
    np.testing.assert_array_equal(np.isnan(scaling.apply(features)), np.isnan(features))


def test_selected_columns_keep_their_own_numbers() -> None:
    features = np.array([[1.0, 10.0, 100.0], [3.0, 30.0, 300.0]], np.float32)
    scaling = fit_scaling([(features, np.ones(2, dtype=np.int16))], ("a", "b", "c"), 4, [0])
    chosen = scaling.select(["c", "a"])
    assert chosen.names == ("c", "a") and chosen.low == (100.0, 1.0)
    np.testing.assert_array_equal(chosen.apply(features[:, [2, 0]]), scaling.apply(features)[:, [2, 0]])
