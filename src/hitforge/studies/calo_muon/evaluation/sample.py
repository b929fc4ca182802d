"""Muons as metrics take them: what a model says of each, corrected before.

A held-out fold with one correction and a cross-fitted sample, where every muon is predicted by models that never saw it
and each rotation has its own correction, look alike here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.calo_muon.evaluation.density import EnergyDensity
from hitforge.studies.calo_muon.settings import DensitySettings

NO_DENSITY = "there is no density of the energy"


@dataclass(frozen=True)
class ModelOutput:
    """Output of one network, booster or ensemble for N muons.

    Attributes
    ----------
    raw : ndarray, shape (N,), GeV
        As the model gives them.
    corrected : ndarray, shape (N,), GeV, or None
        After the bias correction; None where there is none.
    reason : str or None
        Why there is no correction.
    """

    raw: NDArray[np.floating]
    corrected: NDArray[np.floating] | None
    reason: str | None = None


@dataclass(frozen=True)
class EvaluationSample:
    """One sample with the predictions of one model.

    Attributes
    ----------
    true_gev : ndarray, shape (N,), GeV
        Generated energies.
    ensemble : ModelOutput
        Of the model: its ensemble, or its only member.
    members : sequence of ModelOutput
        Of each member on the same muons; may be empty.
    discrete : bool
        Whether the sample has the discrete energies of the settings (the test sample) or a spectrum.
    density : EnergyDensity or None
        What the model says of each muon.
    density_reason : str
        Why there is none.
    limits : mapping of name to ndarray, shape (N,)
        Information of the true radiated losses of each muon (`measures.LIMITS`), NaN where unknown.
    grid : DensitySettings
        Grid of the density and range of the flat spectrum.
    """

    true_gev: NDArray[np.floating]
    ensemble: ModelOutput
    members: Sequence[ModelOutput] = ()
    discrete: bool = False
    density: EnergyDensity | None = None
    density_reason: str = NO_DENSITY
    limits: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)
    grid: DensitySettings = field(default_factory=DensitySettings)
