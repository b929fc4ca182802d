"""Buckets, folds and the folds of ensemble members."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.folds import N_BUCKETS, MemberFolds, bucket_of, event_bucket, fold_of, fold_scheme, tree_folds


def test_bucket_is_the_hash_of_the_row() -> None:
    rows = np.arange(26, dtype=np.uint8).reshape(2, 13)
    expected = [int.from_bytes(hashlib.blake2b(bytes(row), digest_size=8).digest(), "big") % 3600 for row in rows]
    got = bucket_of(rows)
    assert got.dtype == np.int16
    assert got.tolist() == expected
    assert bucket_of(rows[::-1]).tolist() == expected[::-1]
    assert bucket_of(np.zeros((0, 13), dtype=np.uint8)).shape == (0,)


def test_a_search_scores_on_one_fold_or_on_every_training_fold_once() -> None:
    folds = tree_folds(10, [0])
    assert (folds.monitoring, folds.scoring, folds.training) == (1, 2, tuple(range(2, 10)))
    assert folds.search_splits(None) == ((tuple(range(3, 10)), (2,)),)
    splits = folds.search_splits(3)
    assert [scored for _, scored in splits] == [(2, 5, 8), (3, 6, 9), (4, 7)]
    assert all(sorted(training + scored) == list(folds.training) for training, scored in splits)
    with pytest.raises(ValueError, match="9 groups of 8 training folds"):
        folds.search_splits(9)


def test_bucket_never_changes() -> None:
    assert bucket_of(np.zeros((1, 13), dtype=np.uint8)).tolist() == [11]


def test_bucket_of_an_event_is_that_of_data_set_and_number() -> None:
    numbers = [3, 2**40 + 3, 2**64 - 1]
    digests = [hashlib.blake2b(b"toy" + number.to_bytes(8, "little"), digest_size=8).digest() for number in numbers]
    expected = [int.from_bytes(digest, "big") % 3600 for digest in digests]
    assert expected[1] == 1358
    assert event_bucket(np.array(numbers, dtype=np.uint64), "toy").tolist() == expected
    assert event_bucket(np.array(numbers[:1], dtype=np.uint64), "other").tolist() != expected[:1]


def test_buckets_are_even() -> None:
    rows = np.arange(200_000, dtype="<u4").view(np.uint8).reshape(-1, 4)
    buckets = bucket_of(rows)
    assert buckets.min() >= 0
    assert buckets.max() < N_BUCKETS
    counts = np.bincount(fold_of(buckets, 36), minlength=36)
    assert abs(counts - 200_000 / 36).max() < 5 * np.sqrt(200_000 / 36)


def test_records_have_to_be_rows() -> None:
    with pytest.raises(ValueError, match="rows of bytes"):
        bucket_of(np.zeros(5, dtype=np.uint8))


def test_fold_is_bucket_modulo() -> None:
    assert fold_of(np.array([0, 35, 36, 3599], dtype=np.int16), 36).tolist() == [0, 35, 0, 35]
    with pytest.raises(ValueError, match="1 to 3600"):
        fold_of(np.zeros(1, dtype=np.int16), 0)


def test_full_scheme_of_the_paper() -> None:
    scheme = fold_scheme("full", 36, 5)
    assert [member.monitoring for member in scheme] == [1, 2, 3, 4, 5]
    for member in scheme:
        assert len(member.training) == 34
        assert set(member.training) == set(range(1, 36)) - {member.monitoring}


def test_unique_scheme_of_the_paper() -> None:
    assert fold_scheme("unique", 36, 5) == [
        MemberFolds(tuple(range(2, 9)), 1),
        MemberFolds((1, *range(9, 15)), 2),
        MemberFolds(tuple(range(15, 22)), 3),
        MemberFolds(tuple(range(22, 29)), 4),
        MemberFolds(tuple(range(29, 36)), 5),
    ]


def test_more_members_keep_the_full_folds_of_the_others() -> None:
    assert fold_scheme("full", 36, 7)[:5] == fold_scheme("full", 36, 5)


def test_other_held_out_folds() -> None:
    scheme = fold_scheme("full", 8, 2, held_out=(0, 1))
    assert scheme[0] == MemberFolds((3, 4, 5, 6, 7), 2)
    assert scheme[1] == MemberFolds((2, 4, 5, 6, 7), 3)


@pytest.mark.parametrize("kind", ["full", "unique"])
def test_too_few_folds_name_the_minimum(kind: str) -> None:
    with pytest.raises(ValueError, match="at least 7 folds, not 6"):
        fold_scheme(kind, 6, 5)
    assert len(fold_scheme(kind, 7, 5)) == 5


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="at least one member"):
        fold_scheme("full", 8, 0)
    with pytest.raises(ValueError, match="must be among 0 to 7"):
        fold_scheme("full", 8, 2, held_out=(8,))
    with pytest.raises(ValueError, match="unknown fold scheme 'half'"):
        fold_scheme("half", 8, 2)


@given(st.sampled_from(["full", "unique"]), st.integers(1, 9), st.integers(0, 40), st.integers(0, 3))
def test_schemes_never_leak(kind: str, members: int, spare: int, first_held_out: int) -> None:
    n_folds = members + 2 + spare
    held_out = (first_held_out % n_folds,)
    scheme = fold_scheme(kind, n_folds, members, held_out)
    assert len({member.monitoring for member in scheme}) == members
    for member in scheme:
        used = {*member.training, member.monitoring}
        assert len(used) == len(member.training) + 1
        assert member.training == tuple(sorted(member.training))
        assert member.training
        assert not used & set(held_out)
        assert max(used) < n_folds
    if kind == "unique":
        everything = [fold for member in scheme for fold in member.training]
        assert len(everything) == len(set(everything))
