"""Electron and photon candidates of the trigger, as read from a ntuple or as simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.scouting_egamma.data.geometry import category_of

ELECTRON_MASS_GEV: Final = 0.000511

GENERATED: Final = ("gen_pt", "gen_eta", "gen_phi")
CLUSTER: Final = ("e_reco", "pt", "eta", "phi", "raw_energy", "pse")
TRACK: Final = ("detain", "dphiin", "ooemoop", "fbrem", "trkpt", "trketa", "trkphi", "trkq")
"""Of the best track; NaN for photons."""

WORDS: Final = ("ieta", "iphi", "dead_5x5", "is_electron", "is_EB")
MATRIX: Final = "energyMatrix"
N_CELLS: Final = 25

COLUMNS: Final = (*GENERATED, *CLUSTER, *TRACK, *WORDS, MATRIX, "event", "w")
"""All columns, named as the branches are."""


@dataclass(frozen=True)
class Candidates:
    """N candidates, each matched to one generated particle.

    Attributes
    ----------
    columns : mapping of name to ndarray
        All of :data:`COLUMNS`, shape (N,), ``energyMatrix`` (N, 25): GeV around the seed crystal, row-major in eta,
        then phi (EE: x, then y), 0 where suppressed. Floats are float32, words int16, ``event`` uint64. In EE ``ieta``
        and ``iphi`` are ix and iy. ``gen_*`` are for targets, selection and plots, never for a model's input.
    """

    columns: Mapping[str, NDArray[Any]]

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def __len__(self) -> int:
        return len(self.columns["event"])

    @property
    def matrix(self) -> NDArray[np.float32]:
        """Energies, shape (N, 5, 5), rows in eta or x, GeV."""
        return self.columns[MATRIX].reshape(-1, 5, 5)

    @property
    def category(self) -> NDArray[np.int64]:
        """Index of (region, particle), shape (N,)."""
        return category_of(self["is_electron"], self["is_EB"])

    @property
    def true_energy(self) -> NDArray[np.float64]:
        """Generated energy E_MC, shape (N,), GeV."""
        momentum = self["gen_pt"].astype(np.float64) * np.cosh(self["gen_eta"].astype(np.float64))
        return np.hypot(momentum, np.where(self["is_electron"] > 0, ELECTRON_MASS_GEV, 0.0))

    def take(self, which: NDArray[np.bool_] | NDArray[np.integer]) -> Candidates:
        """Return the candidates of a mask, or at some positions."""
        return Candidates({name: values[which] for name, values in self.columns.items()})
