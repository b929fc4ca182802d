"""From prediction files to the muons that the metrics take, calibrated with the calibration of their fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hitforge.predictions import EvaluationPiece, Predictions
from hitforge.studies.csc_muon.evaluation.metrics import apply_calibration
from hitforge.studies.csc_muon.evaluation.sample import MuonSample, join_samples


def muon_sample(predictions: Predictions) -> MuonSample:
    """Return the muons of a prediction with the columns of the ensemble, not calibrated."""
    truth = predictions.truth
    return MuonSample(
        q_over_pt=predictions.target.astype(np.float64),
        eta=truth["eta"].astype(np.float64),
        phi=truth["phi"].astype(np.float64),
        zone=truth["zone"].astype(np.int64),
        weights=truth["weight"].astype(np.float64),
        columns={name: values.astype(np.float64) for name, values in predictions.ensemble.items()},
        four_csc=truth["four_csc"] > 0,
        mode=truth["mode"].astype(np.int64),
    )


def calibrated(pieces: Sequence[EvaluationPiece]) -> MuonSample:
    """Return the muons of an evaluation sample, each piece with the calibration of its own fit.

    Pieces are joined in their order, which is the same for all models: they can be compared muon by muon.
    """
    return join_samples([apply_calibration(muon_sample(piece.predictions), piece.calibration) for piece in pieces])
