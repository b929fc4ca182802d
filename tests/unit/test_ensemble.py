from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.evaluation.ensemble import ensemble_prediction, ensemble_weights


@given(st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=7))
def test_weights_sum_to_one_and_are_inverse_to_the_loss(losses: list[float]) -> None:
    weights = ensemble_weights(losses)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(weights * losses, weights[0] * losses[0], rtol=1e-9)


def test_weights_of_known_losses() -> None:
    np.testing.assert_allclose(ensemble_weights([1.0, 2.0, 4.0]), [4 / 7, 2 / 7, 1 / 7], rtol=1e-14)


@pytest.mark.parametrize("losses", [[], [0.0, 1.0], [1.0, float("nan")], [1.0, float("inf")], [-1.0]])
def test_losses_that_give_no_weight_are_an_error(losses: list[float]) -> None:
    with pytest.raises(ValueError, match="ensemble_weights"):
        ensemble_weights(losses)


def test_prediction_is_the_weighted_sum() -> None:
    predictions = np.array([[1.0, 2.0], [3.0, 6.0]], dtype=np.float32)
    combined = ensemble_prediction(predictions, [0.75, 0.25])
    assert combined.dtype == np.float64
    np.testing.assert_allclose(combined, [1.5, 3.0])
    with pytest.raises(ValueError, match="do not fit"):
        ensemble_prediction(predictions, [1.0])
