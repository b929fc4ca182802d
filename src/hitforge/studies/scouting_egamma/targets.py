"""What models learn: the correction y = E_MC / E_reco; free of torch and XGBoost."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Y_RANGE: Final = (0.2, 2.0)
"""Corrections are learnt and predicted within this range, as in the CMS trainer; true ones are never clipped."""

QUANTILE_LEVELS: Final = (0.05, 0.16, 0.5, 0.84, 0.95)
"""Of ln y."""

LEAST_SIGMA: Final = 1e-4
"""No predicted width of ln y is smaller."""


def clipped(y: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return corrections cut to :data:`Y_RANGE`, shape (n,)."""
    return np.asarray(np.clip(y, *Y_RANGE))
