"""Boosted trees: one booster for each (region, particle), and prediction columns from what they say.

A candidate's booster is that of its own category, so one model has numbers for all four categories, and each booster
is a job that trains on its own candidates only.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hitforge.bdt_settings import BoosterTask
from hitforge.studies.scouting_egamma.geometry import CATEGORIES, category_of
from hitforge.studies.scouting_egamma.selection import columns_of, passes_observable, quality_of
from hitforge.studies.scouting_egamma.settings import CorrectionTreeSettings, TrainingCuts
from hitforge.studies.scouting_egamma.targets import clipped

Floats = NDArray[np.floating]


def categories(features: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the category of events with all stored columns, shape (n,)."""
    columns = columns_of(features)
    return category_of(columns["is_electron"], columns["is_eb"])


def passes(cuts: TrainingCuts, features: NDArray[np.float32], target: Floats) -> NDArray[np.bool_]:
    """Return which events a model with these cuts trains on, shape (n,); ``target`` is E_MC / E_reco."""
    if cuts == "none":
        return np.ones(len(target), dtype=bool)
    good = quality_of(features) == 0
    # dE > -0.4 is E_reco / E_MC > 0.6
    return np.asarray(good & (passes_observable(features) if cuts == "observable" else 1 / target > 0.6))


def booster_tasks(settings: CorrectionTreeSettings) -> list[BoosterTask]:
    """Return the task of each category: other candidates have no weight."""

    def weight(category: int, features: NDArray[np.float32], target: Floats) -> Floats:
        own = categories(features) == category
        return np.asarray(own & passes(settings.cuts, features, target), dtype=np.float64)

    def label(_features: Floats, target: Floats) -> Floats:
        return clipped(target)

    return [BoosterTask(settings, label, partial(weight, category)) for category in range(len(CATEGORIES))]


def tree_columns(outputs: Sequence[NDArray[np.float32]], features: NDArray[np.float32]) -> dict[str, Floats]:
    """Return ``y``, the correction E_MC / E_reco that the booster of each candidate's category gives, shape (n,)."""
    return {"y": clipped(np.choose(categories(features), outputs))}
