"""Boosted trees: one booster learns the probabilities of all four classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.object_id.settings import ObjectModelSettings


def tree_columns(
    model: ObjectModelSettings, outputs: Sequence[NDArray[np.float32]], features: NDArray[np.float32]
) -> Mapping[str, NDArray[np.floating]]:
    """Return the class probabilities, shape (n, 4), that the booster gives.

    What it learns is the target itself, the default of all studies: :class:`ObjectTreeSettings` asks for classes.
    """
    return {"class_probabilities": outputs[0]}
