"""From prediction files to the objects that the metrics take, calibrated with the calibration of their fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hitforge.predictions import EvaluationPiece, Predictions
from hitforge.studies.object_id.evaluation.calibration import calibrated
from hitforge.studies.object_id.evaluation.classified import Classified, join_classified


def classified(predictions: Predictions) -> Classified:
    """Return the objects of a prediction with the ensemble's probabilities, not calibrated."""
    truth = predictions.truth
    probabilities = predictions.ensemble["class_probabilities"].astype(np.float64)
    return Classified(
        label=predictions.target.astype(np.int64),
        pt=truth["pt"].astype(np.float64),
        eta=truth["eta"].astype(np.float64),
        npv=truth["npv"].astype(np.float64),
        n_prong=truth["n_prong"].astype(np.int64),
        weights=truth["weight"].astype(np.float64),
        raw=probabilities,
        probabilities=probabilities,
        member_class=predictions.members["class_probabilities"].argmax(axis=2),
    )


def calibrated_sample(pieces: Sequence[EvaluationPiece]) -> Classified:
    """Return the objects of an evaluation sample, each piece with the calibration of its own fit.

    Pieces are joined in their order, which is the same for all models: they can be compared object by object.
    """
    return join_classified([calibrated(classified(piece.predictions), piece.calibration) for piece in pieces])
