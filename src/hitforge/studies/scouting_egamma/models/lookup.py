"""Baselines without training: no correction, and the 5 x 5 energy calibrated in bins of eta."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.ordered import OrderedGroups
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.features import columns_of
from hitforge.studies.scouting_egamma.models.trees import categories
from hitforge.studies.scouting_egamma.settings import EgammaModelSettings

Floats = NDArray[np.floating]


def fit_lookup(
    model: EgammaModelSettings, features: NDArray[np.float32], target: Floats, weight: Floats
) -> dict[str, Any]:
    """Fit the medians of E_MC / E_5x5 in bins of |eta| for each category; nothing for ``raw``.

    Returns
    -------
    dict
        JSON-able: ``edges`` (inner edges of |eta|) and ``medians``, category by bin; an empty bin has that of all.
    """
    settings = model.table
    if settings.content == "raw":
        return {}
    columns = columns_of(features)
    true_over_e5x5 = target * columns["e_reco"] / columns["e5x5"]
    edges = np.linspace(0, 2.5, settings.bins + 1)[1:-1]
    place = categories(features) * settings.bins + np.searchsorted(edges, np.abs(columns["eta"]))
    weights = np.asarray(weight, dtype=np.float64)
    overall = OrderedGroups(true_over_e5x5, np.zeros_like(place), 1).weighted(weights).median()
    medians = OrderedGroups(true_over_e5x5, place, len(CATEGORIES) * settings.bins).weighted(weights).median()
    medians = np.where(np.isfinite(medians), medians, overall)
    return {"edges": edges.tolist(), "medians": medians.reshape(len(CATEGORIES), -1).tolist()}


def lookup_columns(
    _model: EgammaModelSettings, table: Mapping[str, Any], features: NDArray[np.float32]
) -> dict[str, Floats]:
    """Return the correction ``y`` of the calibrated energy, shape (n,): 1 for ``raw``."""
    if not table:
        return {"y": np.ones(len(features))}
    columns = columns_of(features)
    place = np.searchsorted(table["edges"], np.abs(columns["eta"]))
    factor = np.array(table["medians"])[categories(features), place]
    return {"y": factor * columns["e5x5"] / columns["e_reco"]}
