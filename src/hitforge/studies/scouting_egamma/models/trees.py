"""Boosted trees: one booster for each (region, particle), and prediction columns from what they say.

A candidate's booster is that of its own category, so one model has numbers for all four categories, and each booster
is a job that trains on its own candidates only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hitforge.bdt_settings import BoosterTask
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES, category_of
from hitforge.studies.scouting_egamma.data.selection import passes_observable, quality_of
from hitforge.studies.scouting_egamma.features import clipped, columns_of
from hitforge.studies.scouting_egamma.settings import EgammaModelSettings, TrainingCuts

Floats = NDArray[np.floating]

Weight = Callable[[NDArray[np.float32], Floats], Floats]

LEAST_SIGMA: Final = 1e-4
"""No predicted width of ln y is smaller."""


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


def booster_tasks(model: EgammaModelSettings, event_weight: Weight) -> list[BoosterTask]:
    """Return the task of each category: other candidates have no weight.

    Parameters
    ----------
    event_weight : callable
        All features, shape (n, F), and targets, shape (n,), to the weights of the model's trainings, shape (n,).
    """
    settings = model.trees

    def weight(category: int, features: NDArray[np.float32], target: Floats) -> Floats:
        own = (categories(features) == category) & passes(settings.cuts, features, target)
        made = own * event_weight(features, target)
        if settings.objective == "squared":
            # (E_predicted - E_MC)^2 = E_reco^2 (y_predicted - y)^2
            made = made * columns_of(features)["e_reco"].astype(np.float64) ** 2
        return np.asarray(made)

    def label(_features: Floats, target: Floats) -> Floats:
        y = clipped(target)
        return np.asarray(np.log(y)) if settings.objective == "quantile" else y

    return [BoosterTask(settings, label, partial(weight, category)) for category in range(len(CATEGORIES))]


def tree_columns(
    model: EgammaModelSettings, outputs: Sequence[NDArray[np.float32]], features: NDArray[np.float32]
) -> dict[str, Floats]:
    """Return what the booster of each candidate's category says.

    Returns
    -------
    dict
        ``y``, shape (n,): the correction E_MC / E_reco. Of quantiles it is the median, with ``ln_y_quantiles``, shape
        (n, levels), ascending, and ``ln_y_sigma``, half the distance between those of 16 and 84 %.
    """
    own = categories(features)
    said = np.stack(outputs)[own, np.arange(len(own))]
    if model.trees.objective != "quantile":
        return {"y": clipped(said)}
    levels, quantiles = list(model.trees.quantiles), np.sort(said, axis=1)
    low, middle, high = (quantiles[:, levels.index(level)] for level in (0.16, 0.5, 0.84))
    width = np.maximum((high - low) / 2, LEAST_SIGMA)
    return {"y": clipped(np.exp(middle)), "ln_y_quantiles": quantiles, "ln_y_sigma": width}
