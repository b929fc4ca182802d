"""True muons and what a model says about them: the input of all metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Floats
from hitforge.predictions import Predictions
from hitforge.studies.csc_muon.data.roads import TRUTH
from hitforge.studies.csc_muon.models.targets import LARGEST_PT_GEV, PT_CLASSES_GEV

CLASS_NAMES = ("0–10", "10–30", "30–100", ">100")


@dataclass(frozen=True)
class MuonSample:
    """Muons of an evaluation sample with the predictions of one model.

    Attributes
    ----------
    q_over_pt : ndarray, shape (n,), 1/GeV
        Generated charge over transverse momentum.
    eta, phi : ndarray, shape (n,)
        Generated direction, phi in rad; for bins and plots only.
    zone : ndarray, shape (n,), int
        Trigger zone 0..5, from hits.
    weight : ndarray, shape (n,)
        Event weights.
    columns : mapping of name to ndarray, shape (n,) or (n, k)
        ``inverse_pt`` (1/GeV) always; ``q_over_pt``, ``quantiles`` (n, 7), ``q_over_pt_sigma``,
        ``class_probabilities`` (n, 4), ``charge_probability`` and ``trigger_probability`` where the model has them.
        Quantiles are those of q/pT for a signed model, of 1/pT otherwise.
    scaled_pt : ndarray, shape (n,), GeV, or None
        Predicted pT after the scaling to equal efficiency; None where it could not be fitted.
    sigma_scale : float
        Factor on ``q_over_pt_sigma`` from the calibration muons.
    four_csc : ndarray, shape (n,), bool, or None
        Whether ME1/1, ME2, ME3 and ME4 all have a hit, the selection of the public benchmark.
    reason : str or None
        Why there is no scaled pT.
    mode : ndarray, shape (n,), int, or None
        Trigger mode 8 S1 + 4 S2 + 2 S3 + S4 of the stations with a hit, where it is known.
    """

    q_over_pt: Floats
    eta: Floats
    phi: Floats
    zone: NDArray[np.int64]
    weight: Floats
    columns: Mapping[str, Floats]
    scaled_pt: Floats | None = None
    sigma_scale: float = 1.0
    four_csc: NDArray[np.bool_] | None = None
    reason: str | None = None
    mode: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        for name, values in self.columns.items():
            if len(values) != len(self.q_over_pt):
                raise ValueError(f"column {name}: {len(values)} predictions for {len(self.q_over_pt)} muons")
            if not np.all(np.isfinite(values)):
                raise ValueError(f"column {name} must be finite; the model gives NaN or infinity")

    def __len__(self) -> int:
        return len(self.q_over_pt)

    @property
    def true_pt(self) -> Floats:
        """Generated pT, shape (n,), GeV."""
        return 1.0 / np.abs(self.q_over_pt)

    @property
    def predicted_pt(self) -> Floats:
        """Predicted pT before the scaling, shape (n,), GeV."""
        return pt_of(self.columns["inverse_pt"])

    def select(self, mask: NDArray[np.bool_]) -> MuonSample:
        """Return the muons of a mask."""
        arrays: dict[str, Any] = {name: getattr(self, name) for name in _PER_MUON}
        kept: dict[str, Any] = {name: None if values is None else values[mask] for name, values in arrays.items()}
        return replace(self, columns={name: values[mask] for name, values in self.columns.items()}, **kept)


_PER_MUON = ("q_over_pt", *TRUTH, "scaled_pt")


def muon_sample(predictions: Predictions) -> MuonSample:
    """Return the muons of a prediction with the columns of the ensemble, not calibrated."""
    truth: dict[str, Any] = {name: predictions.truth[name].astype(about.dtype) for name, about in TRUTH.items()}
    columns = {name: values.astype(np.float64) for name, values in predictions.ensemble.items()}
    return MuonSample(q_over_pt=predictions.target.astype(np.float64), columns=columns, **truth)


def join_samples(samples: Sequence[MuonSample]) -> MuonSample:
    """Join samples of different muons, for example one of each rotation; the scaled pT needs all of them."""

    def joined(arrays: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
        present = [array for array in arrays if array is not None]
        return np.concatenate(present) if len(present) == len(arrays) else None

    if len(samples) == 1:
        return samples[0]
    scales = [sample.sigma_scale for sample in samples]
    columns = {}
    for name in samples[0].columns:
        parts = [sample.columns[name] for sample in samples]
        if name == "q_over_pt_sigma":
            parts = [part * scale for part, scale in zip(parts, scales, strict=True)]
        columns[name] = np.concatenate(parts)
    arrays: dict[str, Any] = {name: joined([getattr(sample, name) for sample in samples]) for name in _PER_MUON}
    reason = next((sample.reason for sample in samples if sample.reason), None)
    return replace(samples[0], columns=columns, sigma_scale=1.0, reason=reason, **arrays)


def pt_of(inverse_pt: NDArray[np.floating]) -> Floats:
    """Return pT in GeV of predictions of 1/pT of either sign, at most the generated 7 TeV, never infinite."""
    return 1.0 / np.maximum(np.abs(np.asarray(inverse_pt, dtype=np.float64)), 1.0 / LARGEST_PT_GEV)


def pt_class(pt: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the momentum class 0..3 of each pT, shape (n,), in GeV."""
    return np.searchsorted(np.asarray(PT_CLASSES_GEV), pt, side="left").astype(np.int64)


def predicted_class(muons: MuonSample) -> NDArray[np.int64]:
    """Return the class of the largest probability, or that of the predicted pT."""
    if "class_probabilities" in muons.columns:
        return np.asarray(muons.columns["class_probabilities"].argmax(axis=1), dtype=np.int64)
    return pt_class(muons.predicted_pt)
