"""From prediction files to evaluated samples: fit and apply the bias correction and the density of each fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.predictions import EvaluationPiece, Predictions, join
from hitforge.studies.calo_muon.data.muons import LIMITS
from hitforge.studies.calo_muon.evaluation.bias import BiasCorrection, fit_bias
from hitforge.studies.calo_muon.evaluation.density import DensityCalibration, EnergyDensity, fit_densities
from hitforge.studies.calo_muon.evaluation.resolution import energy_bins
from hitforge.studies.calo_muon.evaluation.sample import EvaluationSample, ModelOutput
from hitforge.studies.calo_muon.settings import DensitySettings, EvaluationSettings


def calibrate(predictions: Predictions, *, evaluation: EvaluationSettings, density: DensitySettings) -> dict[str, Any]:
    """Fit bias corrections of ensemble and members, and the ensemble's density, on held-out muons; data for JSON."""

    def fit(values: NDArray[np.floating]) -> dict[str, Any]:
        return fit_bias(predictions.target, values, evaluation).model_dump(mode="json")

    members = predictions.members["energy"].T
    return {
        "ensemble": fit(predictions.ensemble["energy"]),
        "members": [fit(column) for column in members],
        "density": fit_densities(predictions, density).model_dump(mode="json"),
    }


def calibrated(pieces: Sequence[EvaluationPiece], *, evaluation: EvaluationSettings) -> EvaluationSample:
    """Join the pieces of an evaluation sample, each with the bias correction and the density of its own fit.

    A sample whose muons all have one of the test energies is evaluated at these energies, any other in bins.
    Member k of the joined sample is member k of each piece. Events are ordered by part and entry, so that samples of
    different models can be compared muon by muon.
    """
    events = join([piece.predictions for piece in pieces])
    order = np.lexsort((events.entry, events.part.astype(str)))

    def corrected(which: int | None) -> ModelOutput:
        raw, values, reason = [], [], None
        for piece in pieces:
            outputs = piece.predictions
            own = outputs.ensemble["energy"] if which is None else outputs.members["energy"][:, which]
            stored = piece.calibration["ensemble"] if which is None else piece.calibration["members"][which]
            correction = BiasCorrection.model_validate(stored)
            raw.append(own.astype(np.float64))
            if correction.ok:
                values.append(correction.correct(own))
            else:
                reason = correction.reason
        joined = None if reason else np.concatenate(values)[order]
        return ModelOutput(np.concatenate(raw)[order], joined, reason)

    members = [corrected(k) for k in range(events.members["energy"].shape[1])]
    true = events.target.astype(np.float64)[order]
    discrete = bool(np.all(energy_bins(evaluation, discrete=True).index(true) >= 0))
    limits = {name: events.truth[name][order] for name in LIMITS if name in events.truth}
    density, reason, grid = _densities(pieces, order)
    return EvaluationSample(true, corrected(None), members, discrete, density, reason, limits, grid)


def _densities(
    pieces: Sequence[EvaluationPiece], order: NDArray[np.integer]
) -> tuple[EnergyDensity | None, str, DensitySettings]:
    """Return the densities of the joined muons, or the reason why there are none, and their grid."""
    found, reason = [], None
    for piece in pieces:
        calibration = DensityCalibration.model_validate(piece.calibration["density"])
        own, lacking = calibration.densities(piece.predictions, piece.calibrated_on)
        if own is None:
            reason = lacking
        else:
            found.append(own)
    grid = calibration.grid
    return None if reason else EnergyDensity(grid, np.concatenate(found)[order]), reason or "", grid
