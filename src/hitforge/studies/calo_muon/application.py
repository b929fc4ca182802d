"""Models of calo_muon on other files: every entry in its place, and what a user is told of a muon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from hitforge.entries import PREDICTED, Column, EntryBlock, EntryReader, OpenEntries
from hitforge.predictions import Predictions
from hitforge.shards import ShardBlock
from hitforge.studies.calo_muon.data.decode import FAULTS
from hitforge.studies.calo_muon.data.geometry import load_geometry
from hitforge.studies.calo_muon.data.lumin import fold_size, is_fold
from hitforge.studies.calo_muon.data.ntuple import open_muons
from hitforge.studies.calo_muon.data.reading import block_of, read_fold
from hitforge.studies.calo_muon.evaluation.bias import BiasCorrection
from hitforge.studies.calo_muon.evaluation.density import DensityCalibration, EnergyDensity
from hitforge.studies.calo_muon.settings import CaloModelSettings, LayerSettings

_FAULTS: Final = (*FAULTS, "entry_outside_block", "wrong_length", "inconsistent_nhit")
_TARGET: Final = ("true_energy", "e_true")
_UNREAD: Final = ("charge",)
_CENTRAL: Final = (0.16, 0.84)  # 68 %


def open_entries(source: str, *, geometry: str, layers: LayerSettings) -> Iterator[OpenEntries]:
    """Yield the one open part of a ROOT file, with or without the generated energy, or of a fold, which may hide it.

    There are no cuts. ``true_x`` and ``true_y`` (``x0`` and ``y0``) are needed: they stand for the track.
    """
    block = load_geometry(geometry)
    if is_fold(source):
        blocks = (_entries_of_fold(muons) for muons in read_fold(source, block, layers) if len(muons))
        yield OpenEntries("fold_file", fold_size(source, block), True, _FAULTS, blocks)
        return
    reader = EntryReader(lambda muons, entry: block_of(muons, entry, block, layers), _FAULTS, _TARGET, _UNREAD)
    yield from reader.open_entries(source, open_muons(source, block, needs_truth=False))


def _entries_of_fold(muons: ShardBlock) -> EntryBlock:
    """Return muons of a fold file, all of which are predicted; an energy that it hides is -1 there."""
    energy = muons.targets["energy"]
    known = {"energy": np.where(energy > 0, energy, np.float32(np.nan))}
    return EntryBlock(int(muons.entry[0]), np.full(len(muons), PREDICTED, np.uint8), replace(muons, targets=known))


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
