"""What tables and figures of the chapter look up: columns by category, candidates from shards, cuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, columns_by
from hitforge.reporting.events import load_events
from hitforge.reporting.metrics import cell, metrics_of, sample_title, shown_sample
from hitforge.reporting.numbers import fixed
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.data.selection import CUT_NAMES, observable_cuts
from hitforge.studies.scouting_egamma.evaluation.calibration import calibrated
from hitforge.studies.scouting_egamma.evaluation.response import SELECTIONS
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample
from hitforge.studies.scouting_egamma.features import columns_of

MAX_CANDIDATES = 200_000
"""Distributions of more candidates would look the same; further shards are left out."""

Candidates = Mapping[str, NDArray[np.float32]]
"""Columns of candidates by name, shape (n,): features, truth and ``y`` = E_MC / E_reco; ``features`` all, (n, F)."""

NO_CANDIDATES: Final = "the shards of the train sample hold no candidates"
NO_PREDICTIONS: Final = "there are no predictions of the reference model"

_TITLES = ("all", "good", "near a gap", "dead channel in 5 × 5", "observable cuts", "low pT")
SELECTION_TITLES = dict(zip(SELECTIONS, _TITLES, strict=True))


def sample_text(inputs: ReportInputs) -> str:
    """Return the shown sample and its number of candidates."""
    n = next(iter(metrics_of(inputs).values()))["n_candidates"]
    return f"{sample_title(shown_sample(inputs))}, {fixed(n, 0)} candidates"


def by_category(
    value: Callable[[Any, int], Cell], prefix: str = "", label: str = "{}", unit: str = "%"
) -> list[Column]:
    """Return a column for each category; ``value`` takes a row and the index of the category."""
    keys = {f"{prefix}{name.lower().replace(' ', '_')}": (label.format(name), unit) for name in CATEGORIES}
    return columns_by(keys, lambda row, key: value(row, list(keys).index(key)))


def percent(inputs: ReportInputs, model: str, key: str, category: int, selection: str = "all") -> Measured:
    """Return a number of the response of a model in percent, a median as its distance to 1."""
    metrics = metrics_of(inputs).get(model)
    number = None if metrics is None else metrics["response"][key]
    found = cell(number, SELECTIONS.index(selection), category, scale=100.0, absent=f"{model} was not run")
    return off_one(found) if key == "median" else found


def off_one(median: Measured) -> Measured:
    """Return a median in percent minus 100."""
    return median if median.value is None else median.model_copy(update={"value": median.value - 100.0})


def binomial(kept: NDArray[np.bool_]) -> Measured:
    """Return the share of what is true in percent, with its binomial error."""
    share, n = float(np.mean(kept)) if len(kept) else np.nan, len(kept)
    if not n:
        return Measured(value=None, reason="no candidates")
    return Measured(value=100 * share, error=100 * float(np.sqrt(share * (1 - share) / n)))


def share_without_energy(inputs: ReportInputs, sample: str) -> float:
    """Return the share of a sample's entries without any energy, from the cut flows of its used parts."""
    inventory = inputs.inventory_of[sample]
    flows = [dict(inventory.parts[part].cut_flow) for part in inventory.good]
    total = sum(flow[CUT_NAMES[0]] for flow in flows)
    return 1 - sum(flow[CUT_NAMES[-1]] for flow in flows) / total if total else 0.0


def load_candidates(inputs: ReportInputs) -> Candidates:
    """Return candidates of the train sample; empty without any."""
    truth = ("gen_pt", "gen_eta", "gen_phi", "category", "quality", "observable")
    datasets = ("features", "targets/y", *(f"truth/{name}" for name in truth))
    events = load_events(inputs, inputs.train_sample, datasets, MAX_CANDIDATES)
    if not len(events):
        return {}
    features = events["features"]
    own = {"features": features, "y": events["targets/y"]}
    return {**columns_of(features), **{name: events[f"truth/{name}"] for name in truth}, **own}


SLIDES_CUTS: Final = "no dead channel and dE > −0.4 (looks at the truth)"


def cut_groups(data: Candidates) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Return which candidates each cut keeps, shape (n,), by what it looks at and by its words; alone."""
    response = 1 / data["y"]
    no_dead = data["dead"] == 0
    return {
        "place": {
            "away from gaps, rims and dead channels": data["quality"] == 0,
            "no dead channel in the 5 × 5": no_dead,
        },
        "shower": {**observable_cuts(data["features"]), "all observable cuts": data["observable"] > 0},
        "truth": {
            "dE > −0.4 (looks at the truth)": response > 0.6,
            "$E_{reco}$ > 0.85 $E_{MC}$ (looks at the truth)": response > 0.85,
            SLIDES_CUTS: no_dead & (response > 0.6),
        },
    }


def all_cuts(data: Candidates) -> dict[str, NDArray[np.bool_]]:
    """Return which candidates each cut keeps, shape (n,), by its words; alone, not one after the other."""
    return {name: kept for cuts in cut_groups(data).values() for name, kept in cuts.items()}


def reference_sample(inputs: ReportInputs) -> EnergySample | None:
    """Return the shown sample with the calibrated corrections of the reference model, None without predictions."""
    pieces = [piece.read() for piece in inputs.reference_outputs.get(shown_sample(inputs), ())]
    return calibrated(pieces) if pieces else None
