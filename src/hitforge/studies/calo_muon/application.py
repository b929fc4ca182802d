"""Models of calo_muon on other files: every entry in its place, and what a user is told of a muon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from hitforge.entries import Column, EntryReader, OpenEntries
from hitforge.ntuple import NtupleError
from hitforge.predictions import Predictions
from hitforge.studies.calo_muon.data.decode import FAULTS
from hitforge.studies.calo_muon.data.geometry import load_geometry
from hitforge.studies.calo_muon.data.lumin import is_fold
from hitforge.studies.calo_muon.data.ntuple import open_muons
from hitforge.studies.calo_muon.data.reading import block_of
from hitforge.studies.calo_muon.evaluation.bias import BiasCorrection
from hitforge.studies.calo_muon.evaluation.density import DensityCalibration, EnergyDensity
from hitforge.studies.calo_muon.settings import CaloModelSettings, LayerSettings
from hitforge.validation import Problem

_FAULTS: Final = (*FAULTS, "entry_outside_block", "wrong_length", "inconsistent_nhit")
_TARGET: Final = ("true_energy", "e_true")
_UNREAD: Final = ("charge",)
_CENTRAL: Final = (0.16, 0.84)  # 68 %


def open_entries(source: str, *, geometry: str, layers: LayerSettings) -> Iterator[OpenEntries]:
    """Yield the one open part of a ROOT file, with or without the generated energy.

    There are no cuts. ``true_x`` and ``true_y`` (``x0`` and ``y0``) are needed: they stand for the track.
    """
    if is_fold(source):
        detail = "the features of a fold file are scaled, and it has no entry points to make others of"
        raise NtupleError(Problem("wrong_layout", detail, "give the ROOT files that it was made of", source))
    block = load_geometry(geometry)
    reader = EntryReader(lambda muons, entry: block_of(muons, entry, block, layers), _FAULTS, _TARGET, _UNREAD)
    yield from reader.open_entries(source, open_muons(source, block, needs_truth=False))


def friend_columns(
    _model: CaloModelSettings, predictions: Predictions, calibration: Mapping[str, Any]
) -> dict[str, Column]:
    """Return the energy of each muon, what it may be off by, and how far it is off where the truth is known.

    Where there is no bias correction, ``energy`` is what the model gives, and says so. The errors are of the calibrated
    density of the energy, for energies that are flat beforehand; NaN without one.
    """
    correction = BiasCorrection.model_validate(calibration["ensemble"])
    densities = DensityCalibration.model_validate(calibration["density"])
    raw = predictions.ensemble["energy"].astype(np.float64)
    energy = correction.correct(raw) if correction.ok else raw
    probability, lacking = densities.densities(predictions, calibrated_on=False)
    low, high = np.full((2, len(raw)), np.nan)
    if probability is not None:
        low, high = EnergyDensity(densities.grid, probability).quantiles(*_CENTRAL).T
    corrected = "corrected for its bias" if correction.ok else f"not corrected for its bias: {correction.reason}"
    of_density = "of the density of the energy" if probability is not None else f"NaN: {lacking}"
    columns = {
        "energy": (energy, "GeV", f"energy, {corrected}"),
        "energy_err": ((high - low) / 2, "GeV", f"half of the central 68 % {of_density}"),
        "energy_low": (low, "GeV", f"16 % quantile {of_density}"),
        "energy_high": (high, "GeV", f"84 % quantile {of_density}"),
        "residual": (energy / predictions.target - 1, "", "energy over generated energy, minus 1; NaN without truth"),
    }
    return {name: Column(values.astype(np.float32), *about) for name, (values, *about) in columns.items()}
