"""From prediction files to the candidates that the metrics take, calibrated with the calibration of their fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hitforge.predictions import EvaluationPiece, Predictions
from hitforge.studies.scouting_egamma.evaluation.calibration import apply_calibration
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample, join_samples

OBSERVED = {
    "e5x5_response": "e5x5_response",
    "r9": "candidate_r9",
    "fbrem": "candidate_fbrem",
    "supermodule": "supermodule_place",
}
"""What responses are shown against, by the column that holds it."""


def energy_sample(predictions: Predictions) -> EnergySample:
    """Return the candidates of a prediction with the columns of the ensemble, not calibrated."""
    truth = {name: values.astype(np.float64) for name, values in predictions.truth.items()}
    return EnergySample(
        y_true=predictions.target.astype(np.float64),
        gen_pt=truth["gen_pt"],
        gen_eta=truth["gen_eta"],
        pt=truth["candidate_pt"],
        abs_eta=truth["candidate_abs_eta"],
        category=truth["category"].astype(np.int64),
        quality=truth["quality"].astype(np.int64),
        observable=truth["observable"] > 0,
        weights=truth["weight"],
        observed={name: truth[column] for name, column in OBSERVED.items()},
        columns={name: values.astype(np.float64) for name, values in predictions.ensemble.items()},
        factor=np.ones(len(predictions)),
    )


def calibrated(pieces: Sequence[EvaluationPiece]) -> EnergySample:
    """Return the candidates of an evaluation sample, each piece with the calibration of its own fit, in order."""
    return join_samples([apply_calibration(energy_sample(piece.predictions), piece.calibration) for piece in pieces])
