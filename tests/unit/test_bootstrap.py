from __future__ import annotations

import numpy as np
import pytest

from hitforge.evaluation.bootstrap import bootstrap, resampling, standard_error
from hitforge.evaluation.statistics import packed
from hitforge.seeds import child_generator


def test_a_replica_has_as_many_events_as_the_sample_and_streams_repeat() -> None:
    first = list(resampling(37, 5, child_generator(1, "x")))
    again = list(resampling(37, 5, child_generator(1, "x")))
    other = list(resampling(37, 5, child_generator(1, "y")))
    assert all(counts.shape == (37,) and counts.sum() == 37 for counts in first)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_event_is_drawn_once_on_average() -> None:
    mean = np.mean(list(resampling(7, 900, child_generator(1, "x"))), axis=0)
    np.testing.assert_allclose(mean, 1.0, atol=0.2)  # six standard deviations


def test_one_event_is_enough() -> None:
    assert bootstrap(lambda c: c.astype(float), 1, 3, child_generator(0, "one")).tolist() == [[1.0]] * 3


def test_error_of_a_mean_is_the_known_one() -> None:
    x = np.random.default_rng(3).normal(10.0, 2.0, size=2000)
    replicas = bootstrap(lambda c: np.array([c @ x / len(x)]), len(x), 600, child_generator(1, "m"))
    assert replicas.shape == (600, 1)
    assert standard_error(replicas)[0] == pytest.approx(x.std() / np.sqrt(len(x)), rel=0.1)


def test_paired_differences_know_the_correlation() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=500)
    y = x + 0.01 * rng.normal(size=500)
    replicas = bootstrap(lambda c: np.array([c @ x, c @ y]) / 500, 500, 200, child_generator(0, "pair"))
    assert standard_error(replicas[:, 0] - replicas[:, 1]) < 0.02 * standard_error(replicas[:, 0])


def test_standard_error_has_ddof_one_and_leaves_out_replicas_without_value() -> None:
    values = np.array([[1.0, 1.0], [2.0, np.nan], [4.0, 3.0], [5.0, np.nan], [7.0, np.nan]])
    errors = standard_error(values)
    assert errors[0] == pytest.approx(np.std(values[:, 0], ddof=1))
    assert np.isnan(errors[1])  # fewer than half of the replicas
    assert standard_error(values[:4])[1] == pytest.approx(np.std([1.0, 3.0], ddof=1))
    assert np.isnan(standard_error(np.array([3.0])))


def test_a_number_is_a_value_or_a_reason() -> None:
    assert packed(np.float64(1.5), np.array([1.0, 2.0]), "")["error"] == pytest.approx(np.sqrt(0.5))
    absent = packed(np.float64(np.nan), np.array([1.0, 2.0]), "empty bin")
    assert absent == {"value": None, "error": None, "reason": "empty bin"}
    without_error = packed(np.float64(1.5), np.array([np.nan, np.nan]), "")
    assert without_error["value"] == 1.5 and without_error["error"] is None and without_error["reason"]


def test_no_events_is_an_error() -> None:
    with pytest.raises(ValueError, match="no events"):
        bootstrap(lambda c: c.astype(float), 0, 10, child_generator(0, "none"))
