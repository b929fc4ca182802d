from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.studies.calo_muon.evaluation.bias import BiasCorrection, fit_bias, fit_bins
from hitforge.studies.calo_muon.settings import EvaluationSettings

FULL_RANGE = EvaluationSettings(correction="power", fit_max_gev=8000.0, fit_bins=79)


def golden() -> tuple[np.ndarray, np.ndarray]:
    """The golden sample: 40 000 muons with a pseudo-random, uniform response."""
    i = np.arange(40_000)
    true = 100 + 3900 * (i + 0.5) / 40_000
    v = 78.233 * np.sin(12.9898 * i) * 43758.5453
    return true, 0.85 * true + 120 + 0.3 * true * (2 * (v - np.floor(v)) - 1)


def response(n: int = 20_000, seed: int = 0, top: float = 4000.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = rng.uniform(50.0, top, n)
    return true, 0.8 * true + 150.0 + 0.3 * true * rng.normal(size=n)


def test_golden_line() -> None:
    true, predicted = golden()
    np.testing.assert_allclose(predicted[:3], [175.0268125, 187.9154372, 184.0567012], atol=1e-6)
    fit = fit_bias(true, predicted, EvaluationSettings())
    assert fit.ok and fit.n_bins == 39 and fit.ndof == 37
    assert fit.a == pytest.approx(0.8480839, abs=1e-7)
    assert fit.b == pytest.approx(121.2375313, abs=1e-7)  # fixes ddof 0: ddof 1 gives ...305


def test_the_line_equals_a_least_squares_solver() -> None:
    true, predicted = response()
    fit = fit_bias(true, predicted, EvaluationSettings())
    x, y, s = np.array([(p.centre_gev, p.mean_gev, p.error_gev) for p in fit.bins]).T
    (a, b), covariance = np.polyfit(x, y, 1, w=1 / s, cov="unscaled")
    assert fit.a is not None and fit.b is not None and fit.chi2 is not None
    assert (fit.a, fit.b) == (pytest.approx(a), pytest.approx(b))
    np.testing.assert_allclose(fit.covariance, covariance, rtol=1e-9)
    assert fit.errors["a"] == pytest.approx(np.sqrt(covariance[0, 0]))
    assert fit.chi2 == pytest.approx(np.sum(((y - a * x - b) / s) ** 2))
    np.testing.assert_allclose(fit.correct(predicted), (predicted - b) / a)
    np.testing.assert_allclose(fit.correct(fit.predict(true)), true, rtol=1e-12)


def test_bins_are_left_closed() -> None:
    true = np.array([99.999, 100.0, 199.999, 200.0, 300.0])
    bins = fit_bins(true, np.arange(5.0), np.array([100.0, 200.0, 300.0]), 1)
    assert [(p.n, p.mean_gev) for p in bins] == [(2, 1.5), (1, 3.0)]
    assert bins[0].error_gev == pytest.approx(0.5 / np.sqrt(2))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=12), st.integers(2, 15))
def test_merging_keeps_every_event_and_reaches_the_minimum(counts: list[int], minimum: int) -> None:
    edges = np.arange(len(counts) + 1, dtype=float) * 10 + 10
    true = np.repeat(edges[:-1] + 5.0, counts)
    predicted = np.arange(len(true), dtype=float)
    bins = fit_bins(true, predicted, edges, minimum)
    if sum(counts) < minimum:
        assert bins == []
        return
    assert all(point.n >= minimum for point in bins)
    assert sum(point.n for point in bins) == sum(counts)
    assert [p.high_gev for p in bins[:-1]] == [p.low_gev for p in bins[1:]]
    for point in bins:
        inside = (true >= point.low_gev) & (true < point.high_gev)
        assert point.mean_gev == pytest.approx(predicted[inside].mean())
        assert point.error_gev == pytest.approx(predicted[inside].std() / np.sqrt(inside.sum()))
        assert point.centre_gev == pytest.approx(true[inside].mean())  # events sit at the parts' centres here


@pytest.mark.parametrize("kind", ["linear", "power"])
def test_too_few_events_give_a_reason_and_no_numbers(kind: str) -> None:
    true, predicted = response(30)
    fit = fit_bias(true, predicted, EvaluationSettings.model_validate({"correction": kind}))
    assert not fit.ok and fit.a is None and fit.chi2 is None
    assert fit.reason is not None and f"the {kind} fit needs" in fit.reason
    with pytest.raises(ValueError, match="cannot be applied"):
        fit.correct(predicted)
    assert not fit_bias(np.array([]), np.array([]), EvaluationSettings()).ok


def test_constant_and_falling_predictions_have_no_correction() -> None:
    true, predicted = response()
    constant = fit_bias(true, np.full_like(true, 700.0), EvaluationSettings())
    assert not constant.ok and constant.reason is not None and "equal" in constant.reason
    falling = fit_bias(true, -predicted, EvaluationSettings())
    assert not falling.ok and falling.reason is not None and "does not rise" in falling.reason


def test_predictions_that_are_not_finite_are_an_error() -> None:
    true, predicted = response(1000)
    predicted[np.argmax(true > 1000)] = np.nan
    with pytest.raises(ValueError, match="finite"):
        fit_bias(true, predicted, EvaluationSettings())


def test_power_law_is_recovered_and_inverted() -> None:
    rng = np.random.default_rng(5)
    true = rng.uniform(100.0, 8000.0, 100_000)
    predicted = 2.5 * true**0.85 + 60.0 + 0.1 * true * rng.normal(size=len(true))
    fit = fit_bias(true, predicted, FULL_RANGE)
    assert fit.ok and fit.n_bins == 79 and fit.ndof == 76
    assert fit.a is not None and fit.p is not None and fit.c is not None
    assert abs(fit.p - 0.85) < 4 * fit.errors["p"] < 0.05
    assert abs(fit.a - 2.5) < 4 * fit.errors["a"]
    assert abs(fit.c - 60.0) < 4 * fit.errors["c"]
    energy = np.linspace(100.0, 8000.0, 200)
    np.testing.assert_allclose(fit.correct(fit.predict(energy)), energy, rtol=1e-9)


def test_power_law_continues_as_a_line_with_the_slope_of_the_inverse() -> None:
    fit = BiasCorrection(kind="power", ok=True, e_min_gev=100.0, e_max_gev=8000.0, a=2.5, p=0.85, c=60.0)
    top = float(fit.predict(np.array([8000.0]))[0])
    numeric = np.diff(fit.correct(np.array([top - 1e-3, top])))[0] / 1e-3
    outside = fit.correct(np.array([top, top + 500.0, top + 1000.0]))
    assert outside[0] == pytest.approx(8000.0)
    np.testing.assert_allclose(np.diff(outside), 500.0 * numeric, rtol=1e-5)
    low = fit.correct(np.array([-1e4, 0.0, 59.0, 61.0]))
    assert np.all(np.isfinite(low)) and np.all(np.diff(low) > 0)


@pytest.mark.parametrize("chosen", [EvaluationSettings(), FULL_RANGE])
def test_json_round_trip(chosen: EvaluationSettings) -> None:
    true, predicted = response(top=8000.0)
    fit = fit_bias(true, predicted, chosen)
    assert fit.ok
    again = BiasCorrection.model_validate_json(fit.model_dump_json())
    assert again == fit
    assert np.array_equal(again.correct(predicted), fit.correct(predicted))


def test_settings_refuse_an_empty_range() -> None:
    with pytest.raises(ValueError, match="must lie below"):
        EvaluationSettings(e_min_gev=5000.0)
    with pytest.raises(ValueError, match="fit_max_gev"):
        EvaluationSettings(fit_max_gev=50.0)
