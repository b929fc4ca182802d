"""Boosted trees: one booster for each (region, particle), and prediction columns from what they say.

A candidate's booster is that of its own category, so one model has numbers for all four categories, and each booster
is a job that trains on its own candidates only.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hitforge.bdt_settings import BoosterTask, TreeSettings
from hitforge.studies.scouting_egamma.geometry import CATEGORIES, category_of
from hitforge.studies.scouting_egamma.selection import columns_of, passes_observable, quality_of
from hitforge.studies.scouting_egamma.settings import CorrectionTreeSettings, TrainingCuts
from hitforge.studies.scouting_egamma.targets import LEAST_SIGMA, clipped

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
    """Return the task of each category, then those of the quantiles: other candidates have no weight."""

    def weight(category: int, squared: bool, features: NDArray[np.float32], target: Floats) -> Floats:
        own = (categories(features) == category) & passes(settings.cuts, features, target)
        columns = columns_of(features)
        made = own * np.maximum(columns["pt"].astype(np.float64), 0.1) ** -settings.spectrum_exponent
        # (E_predicted - E_MC)^2 = E_reco^2 (y_predicted - y)^2
        return np.asarray(made * columns["e_reco"].astype(np.float64) ** 2 if squared else made)

    def label(_features: Floats, target: Floats) -> Floats:
        return clipped(target)

    def logarithm(_features: Floats, target: Floats) -> Floats:
        return np.asarray(np.log(clipped(target)))

    numbers, squared = range(len(CATEGORIES)), settings.objective == "squared"
    tasks = [BoosterTask(settings, label, partial(weight, number, squared)) for number in numbers]
    if settings.with_quantiles:
        # a search of the mean's hyper-parameters says nothing of these
        quantiles = TreeSettings.model_validate(
            {name: getattr(settings, name) for name in TreeSettings.model_fields}
            | {"objective": "quantile", "tune": None}
        )
        tasks += [BoosterTask(quantiles, logarithm, partial(weight, number, False)) for number in numbers]
    return tasks


def tree_columns(
    settings: CorrectionTreeSettings, outputs: Sequence[NDArray[np.float32]], features: NDArray[np.float32]
) -> dict[str, Floats]:
    """Return what the boosters of each candidate's category say.

    Returns
    -------
    dict
        ``y``, shape (n,): the correction E_MC / E_reco; with quantiles ``ln_y_quantiles``, shape (n, levels),
        ascending, and ``ln_y_sigma``, half the distance between those of 16 and 84 %.
    """
    own, n = categories(features), len(CATEGORIES)
    columns: dict[str, Floats] = {"y": clipped(np.choose(own, outputs[:n]))}
    if settings.with_quantiles:
        levels = list(settings.quantiles)
        quantiles = np.sort(np.stack(outputs[n:])[own, np.arange(len(own))], axis=1)
        width = quantiles[:, levels.index(0.84)] - quantiles[:, levels.index(0.16)]
        columns |= {"ln_y_quantiles": quantiles, "ln_y_sigma": np.maximum(width / 2, LEAST_SIGMA)}
    return columns
