"""Models of csc_muon on other files: every entry in its place, and what a user is told of a road."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hitforge.entries import Column, EntryReader, OpenEntries
from hitforge.predictions import Predictions
from hitforge.studies.csc_muon.data.checks import FAULTS
from hitforge.studies.csc_muon.data.cuts import CUT_NAMES, TRUTH_CUTS, decisions
from hitforge.studies.csc_muon.data.ntuple import open_roads
from hitforge.studies.csc_muon.data.reading import block_of
from hitforge.studies.csc_muon.data.roads import PARAMETER_NAMES, Roads
from hitforge.studies.csc_muon.evaluation.calibration import apply_calibration
from hitforge.studies.csc_muon.evaluation.sample import muon_sample
from hitforge.studies.csc_muon.models.targets import PT_CLASSES_GEV
from hitforge.studies.csc_muon.settings import CscModelSettings, CutSettings, ReaderSettings

_UNREAD: Final = ("w",)


def open_entries(source: str, *, reader: ReaderSettings, cuts: CutSettings) -> Iterator[OpenEntries]:
    """Yield the one open part of a source, with or without the generated parameters.

    Cuts on what was generated are applied to roads that have it: so the roads of a simulated file are those of its
    shard, and their predictions the same. Roads of data pass them.
    """

    def decide(roads: Roads, _left: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
        blind = ~np.isfinite(roads.parameters).all(axis=1) | (roads.q_over_pt == 0)
        for name, good in zip(CUT_NAMES[1:], decisions(roads, cuts), strict=True):
            yield good | blind if name in TRUTH_CUTS else good

    entries = EntryReader(
        lambda roads, entry: block_of(roads, entry, reader), FAULTS, PARAMETER_NAMES, _UNREAD, CUT_NAMES[1:], decide
    )
    yield from entries.open_entries(source, open_roads(source, reader, needs_truth=False))


def friend_columns(
    _model: CscModelSettings, predictions: Predictions, calibration: Mapping[str, Any]
) -> dict[str, Column]:
    """Return the momentum of each road, scaled to equal efficiency, and what else its model says.

    Where there is no scaling, ``pt`` is what the model gives, and says so.
    """
    muons = apply_calibration(muon_sample(predictions), calibration)
    said, pt = muons.columns, muons.predicted_pt if muons.scaled_pt is None else muons.scaled_pt
    how = f"not scaled: {muons.reason}" if muons.scaled_pt is None else "scaled to equal efficiency at thresholds"
    columns = {"pt": (pt, "GeV", f"transverse momentum, {how}")}
    if "q_over_pt" in said:
        signed = said["q_over_pt"]
        columns["q_over_pt"] = (signed, "1/GeV", "charge over transverse momentum, as the model gives it")
        columns["charge"] = (np.sign(signed), "e", "sign of q_over_pt")
    if "q_over_pt_sigma" in said:
        sigma = said["q_over_pt_sigma"] * muons.sigma_scale
        columns["q_over_pt_err"] = (sigma, "1/GeV", "uncertainty of q_over_pt: 68.3 % of held-out muons are within it")
    if "charge_probability" in said:
        columns["prob_positive"] = (said["charge_probability"], "", "probability of a positive charge")
    if "class_probabilities" in said:
        names = [f"{low:g}_{high:g}" for low, high in pairwise((0.0, *PT_CLASSES_GEV))]
        for name, values in zip([*names, f"{PT_CLASSES_GEV[-1]:g}_up"], said["class_probabilities"].T, strict=True):
            columns[f"prob_pt_{name}"] = (values, "", "probability of this range of pT in GeV")
    if "trigger_probability" in said:
        columns["prob_trigger"] = (
            said["trigger_probability"],
            "",
            "probability of passing the trigger's threshold",
        )
    true = np.abs(predictions.target.astype(np.float64))
    with np.errstate(divide="ignore"):
        residual = np.where(true > 0, pt * true - 1, np.nan)
    columns["residual"] = (residual, "", "pt over generated pT, minus 1; NaN without truth")
    return {
        name: Column(values.astype(np.int8 if name == "charge" else np.float32), *about)
        for name, (values, *about) in columns.items()
    }
