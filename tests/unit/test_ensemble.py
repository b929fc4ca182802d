from __future__ import annotations

import numpy as np
import pytest

from hitforge.stages.predict import ensemble_prediction


def test_prediction_is_the_weighted_sum() -> None:
    predictions = np.array([[1.0, 2.0], [3.0, 6.0]], dtype=np.float32)
    combined = ensemble_prediction(predictions, [0.75, 0.25])
    assert combined.dtype == np.float64
    np.testing.assert_allclose(combined, [1.5, 3.0])
    with pytest.raises(ValueError, match="do not fit"):
        ensemble_prediction(predictions, [1.0])
    with pytest.raises(ValueError, match="do not fit"):
        ensemble_prediction(predictions[0], [0.5, 0.5])
