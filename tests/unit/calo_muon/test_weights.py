"""Event weights: golden values and safe tails."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.studies.calo_muon.models.weights import event_weights
from hitforge.studies.calo_muon.settings import WeightSettings


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
