"""Training weights of objects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.object_id.settings import ObjectModelSettings


def event_weight(
    model: ObjectModelSettings, features: NDArray[np.float32], target: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the weight of each object's class, shape (n,); one without such weights.

    The weight that an object brings along enters the metrics alone: it means something within a class only.
    """
    if not model.class_weights:
        return np.ones(len(target))
    return np.array(model.class_weights, dtype=np.float64)[target.astype(np.int64)]
