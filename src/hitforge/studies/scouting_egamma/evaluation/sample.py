"""Candidates of an evaluation sample with the corrections of one model: the input of all metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.predictions import Predictions

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EnergySample:
    """N candidates and what a model says about them.

    Attributes
    ----------
    y_true : ndarray, shape (n,)
        E_MC / E_reco.
    gen_pt, gen_eta : ndarray, shape (n,)
        Generated, GeV; for bins only.
    pt, abs_eta : ndarray, shape (n,)
        Reconstructed before the correction, GeV; for the calibration.
    category, quality : ndarray, shape (n,), int
        Index of (region, particle), and of where the candidate lies.
    observable : ndarray, shape (n,), bool
        Whether it passes the cuts on observable quantities.
    weights : ndarray, shape (n,)
    observed : mapping of name to ndarray, shape (n,)
        For bins: ``r9``, ``fbrem`` (NaN for photons) and ``supermodule``, the place of the seed in its supermodule
        (NaN in EE); ``e5x5_response`` is E_5x5 / E_MC.
    columns : mapping of name to ndarray, shape (n,) or (n, levels)
        ``y`` always: the predicted E_MC / E_reco; ``ln_y_sigma`` where the model has a width, ``ln_y_quantiles``
        where it has quantiles, ascending.
    factor : ndarray, shape (n,)
        Calibration of the corrected energy, 1 before.
    """

    y_true: Floats
    gen_pt: Floats
    gen_eta: Floats
    pt: Floats
    abs_eta: Floats
    category: NDArray[np.int64]
    quality: NDArray[np.int64]
    observable: NDArray[np.bool_]
    weights: Floats
    observed: Mapping[str, Floats]
    columns: Mapping[str, Floats]
    factor: Floats

    def __post_init__(self) -> None:
        for name, values in self.columns.items():
            if len(values) != len(self.y_true):
                raise ValueError(f"column {name}: {len(values)} predictions for {len(self.y_true)} candidates")
            if not np.all(np.isfinite(values)):
                raise ValueError(f"column {name} must be finite; the model gives NaN or infinity")

    def __len__(self) -> int:
        return len(self.y_true)

    @property
    def response(self) -> Floats:
        """E_corrected / E_MC after the calibration, shape (n,)."""
        return self.factor * self.columns["y"] / self.y_true

    @property
    def energy(self) -> Floats:
        """Generated energy, shape (n,), GeV; the mass is nothing."""
        return self.gen_pt * np.cosh(self.gen_eta)

    @property
    def uncalibrated(self) -> Floats:
        """E_corrected / E_MC before the calibration, shape (n,)."""
        return self.columns["y"] / self.y_true


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
        observed={
            "e5x5_response": truth["e5x5_response"], "r9": truth["candidate_r9"], "fbrem": truth["candidate_fbrem"],
            "supermodule": truth["supermodule_place"],
        },
        columns={name: values.astype(np.float64) for name, values in predictions.ensemble.items()},
        factor=np.ones(len(predictions)),
    )  # fmt: skip


def join_samples(samples: Sequence[EnergySample]) -> EnergySample:
    """Join samples of different candidates, for example one of each rotation."""

    def joined(parts: Sequence[Any]) -> Any:
        if isinstance(parts[0], Mapping):
            return {name: joined([part[name] for part in parts]) for name in parts[0]}
        return np.concatenate(parts)

    return EnergySample(**{f.name: joined([getattr(one, f.name) for one in samples]) for f in fields(EnergySample)})
