"""Models of scouting_egamma on other files: every entry in its place, and what a user is told of a candidate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from hitforge.entries import Column, EntryReader, OpenEntries
from hitforge.predictions import Predictions
from hitforge.studies.scouting_egamma.data.candidates import GENERATED
from hitforge.studies.scouting_egamma.data.ntuple import FAULTS, open_candidates
from hitforge.studies.scouting_egamma.data.reading import block_of
from hitforge.studies.scouting_egamma.data.selection import CUT_NAMES, decisions
from hitforge.studies.scouting_egamma.evaluation.calibration import apply_calibration
from hitforge.studies.scouting_egamma.evaluation.sample import energy_sample
from hitforge.studies.scouting_egamma.settings import EgammaModelSettings, ReaderSettings

_UNREAD: Final = ("w",)


def open_entries(source: str, *, reader: ReaderSettings) -> Iterator[OpenEntries]:
    """Yield the one open part of a file, with or without generated kinematics; no cut is on truth."""
    entries = EntryReader(
        lambda candidates, entry: block_of(candidates, entry, reader),
        FAULTS,
        GENERATED,
        _UNREAD,
        CUT_NAMES[1:],
        decisions,
    )
    yield from entries.open_entries(source, open_candidates(source, reader, needs_truth=False))


def friend_columns(
    _model: EgammaModelSettings, predictions: Predictions, calibration: Mapping[str, Any]
) -> dict[str, Column]:
    """Return the calibrated energy of each candidate.

    ``correction`` times ``e_reco`` is the energy. Predictions have no ``e_reco``: ``energy`` is ``correction`` times
    pT cosh(eta) of the candidate, which is the same as far as the ntuple's numbers agree.
    """
    sample = apply_calibration(energy_sample(predictions), calibration)
    correction = sample.factor * sample.columns["y"]
    energy = correction * sample.pt * np.cosh(sample.abs_eta)
    columns = {
        "correction": (correction, "", "calibrated factor on e_reco"),
        "energy": (energy, "GeV", "energy: correction times pT cosh(eta) of the candidate"),
        "pt": (correction * sample.pt, "GeV", "transverse momentum: correction times pT of the candidate"),
    }
    if "ln_y_sigma" in sample.columns:
        error = energy * sample.columns["ln_y_sigma"]
        columns["energy_err"] = (error, "GeV", "uncertainty of energy: 68.3 % of held-out candidates are within it")
    columns["residual"] = (sample.response - 1, "", "energy over generated energy, minus 1; NaN without truth")
    return {name: Column(values.astype(np.float32), *about) for name, (values, *about) in columns.items()}
