"""What the reference model says of the shown sample, object by object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.evaluated import shown_sample
from hitforge.studies.object_id.evaluation.sample import calibrated_sample


@dataclass(frozen=True)
class PredictedObjects:
    """True classes and probabilities of N objects, and the part and entry of each."""

    label: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    part: NDArray[np.str_]
    entry: NDArray[np.int64]


def predicted_objects(inputs: ReportInputs) -> PredictedObjects | None:
    """Return the predictions of the reference model on the shown sample; None where the report has none."""
    pieces = [piece.read() for piece in inputs.outputs.get(shown_sample(inputs), ())]
    if not pieces:
        return None
    sample = calibrated_sample(pieces)
    return PredictedObjects(
        label=sample.label,
        probabilities=sample.probabilities,
        part=np.concatenate([piece.predictions.part.astype(str) for piece in pieces]),
        entry=np.concatenate([piece.predictions.entry for piece in pieces]),
    )
