"""What the models learn, made of the generated q/pT; free of torch and XGBoost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hitforge.studies.csc_muon.settings import CscModelSettings

PT_CLASSES_GEV: Final = (10.0, 30.0, 100.0)
"""Inner edges of the four classes, right-closed."""

QUANTILE_LEVELS: Final = (0.025, 0.16, 0.25, 0.5, 0.75, 0.84, 0.975)
LARGEST_PT_GEV: Final = 7000.0
"""End of the generated spectrum: a smaller 1/pT is read as this pT."""

LARGEST_TRAINED_PT_GEV: Final = 1000.0
"""log2 pT is clipped here: no chamber measures a larger pT."""

Target = Literal["log2_pt", "inverse_pt", "q_over_pt"]
Weight = Literal["one", "inverse_pt", "inverse_sqrt_pt"]

Floats = NDArray[np.floating]


def label_of(target: Target, q_over_pt: Floats) -> Floats:
    """Return the label of a regression, shape (n,), from q/pT in 1/GeV."""
    if target == "q_over_pt":
        return q_over_pt
    inverse = np.abs(q_over_pt)
    return inverse if target == "inverse_pt" else -np.log2(np.maximum(inverse, 1 / LARGEST_TRAINED_PT_GEV))


def inverse_pt_of(target: Target, predicted: Floats) -> Floats:
    """Return 1/pT, shape (n,), 1/GeV, not below that of the largest pT, of a predicted label."""
    inverse = np.exp2(-predicted) if target == "log2_pt" else np.abs(predicted)
    return np.maximum(inverse, 1 / LARGEST_PT_GEV)


def weight_of(weight: Weight, q_over_pt: Floats) -> Floats:
    """Return the event weights, shape (n,): 1/pT, or its square root, capped where log2 pT is."""
    if weight == "one":
        return np.ones(len(q_over_pt))
    inverse = np.maximum(np.abs(q_over_pt.astype(np.float64)), 1 / LARGEST_TRAINED_PT_GEV)
    return inverse if weight == "inverse_pt" else np.sqrt(inverse)


def class_of(q_over_pt: Floats) -> NDArray[np.int64]:
    """Return the pT class, 0 to 3, of each q/pT, shape (n,)."""
    edges = [1 / pt for pt in reversed(PT_CLASSES_GEV)]
    return (len(PT_CLASSES_GEV) - np.searchsorted(edges, np.abs(q_over_pt), side="right")).astype(np.int64)


def event_weight(model: CscModelSettings, _features: Floats, q_over_pt: Floats) -> NDArray[np.float64]:
    """Return the weight of each muon's pT class, shape (n,); one for a model without such weights."""
    return np.array(model.class_weights or (1.0,) * (len(PT_CLASSES_GEV) + 1))[class_of(q_over_pt)]
