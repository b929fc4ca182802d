"""Event weights: golden values and safe tails."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.studies.calo_muon.models.inputs import ensemble_weights
from hitforge.studies.calo_muon.models.weights import event_weight, event_weights
from hitforge.studies.calo_muon.settings import CaloModelSettings, WeightSettings


def test_golden_values() -> None:
    weights = event_weights([1000.0, 3000.0, 4000.0, 5000.0, 7000.0])
    assert weights == pytest.approx([0.9999984, 0.998729, 0.965555, 0.5, 0.0344452], rel=1e-6)


def test_tails_are_safe_and_monotonic() -> None:
    with np.errstate(all="raise", under="ignore"):
        weights = event_weights(np.linspace(0, 1e6, 5001))
    assert np.isfinite(weights).all()
    assert (np.diff(weights) <= 0).all()


def test_other_offsets() -> None:
    settings = WeightSettings(offset_gev=3000.0, width_below_gev=150.0, width_above_gev=150.0)
    assert event_weights([2850.0, 3150.0], settings) == pytest.approx([0.7310586, 0.2689414], rel=1e-6)


def test_trainings_get_the_weights_of_the_settings() -> None:
    settings, energy = WeightSettings(offset_gev=3000.0), np.array([1000.0, 3000.0, 3200.0], dtype=np.float32)
    found = event_weight(CaloModelSettings(kind="trees"), np.zeros((3, 28), np.float32), energy, weights=settings)
    assert found.dtype == np.float64
    assert np.array_equal(found, event_weights(energy, settings).astype(np.float64))


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
