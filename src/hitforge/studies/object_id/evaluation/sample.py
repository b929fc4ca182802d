"""True objects and what a model says about them: the input of all metrics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Floats
from hitforge.predictions import Predictions
from hitforge.studies.object_id.data.objects import N_CLASSES


@dataclass(frozen=True)
class Classified:
    """Objects of an evaluation sample with the probabilities of one model.

    Attributes
    ----------
    label : ndarray, shape (n,), int
        True class.
    pt, eta, npv : ndarray, shape (n,)
        Reference axis (pT in GeV) and number of vertices; for bins and weights only.
    n_prong : ndarray, shape (n,), int
        Charged hadrons of a tau, -1 for other classes.
    weights : ndarray, shape (n,)
        Event weights.
    raw, probabilities : ndarray, shape (n, 4)
        Class probabilities before and after the temperature.
    member_class : ndarray, shape (n, M), int
        Most probable class of each member of the ensemble.
    """

    label: NDArray[np.int64]
    pt: Floats
    eta: Floats
    npv: Floats
    n_prong: NDArray[np.int64]
    weights: Floats
    raw: Floats
    probabilities: Floats
    member_class: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name in ("raw", "probabilities"):
            values = getattr(self, name)
            if values.shape != (len(self.label), N_CLASSES):
                raise ValueError(f"{name}: shape {values.shape} for {len(self.label)} objects of {N_CLASSES} classes")
            if not np.all(np.isfinite(values) & (values >= 0)):
                raise ValueError(f"{name} must be finite and not negative; the model gives something else")

    def __len__(self) -> int:
        return len(self.label)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The most probable class, shape (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)


def classified(predictions: Predictions) -> Classified:
    """Return the objects of a prediction with the ensemble's probabilities, not calibrated."""
    truth = predictions.truth
    probabilities = predictions.ensemble["class_probabilities"].astype(np.float64)
    return Classified(
        label=predictions.target.astype(np.int64),
        **{name: truth[name].astype(np.float64) for name in ("pt", "eta", "npv")},
        n_prong=truth["n_prong"].astype(np.int64),
        weights=truth["weight"].astype(np.float64),
        raw=probabilities,
        probabilities=probabilities,
        member_class=predictions.members["class_probabilities"].argmax(axis=2),
    )
