"""All metrics of a model on a sample.

The calibration is fitted on held-out candidates of one fit and is held fixed in the bootstrap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import draws_of
from hitforge.evaluation.statistics import Statistic, resample
from hitforge.seeds import child_generator
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation import crystal_ball, response
from hitforge.studies.scouting_egamma.evaluation.pair_mass import PAIRS, PairMass
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample, Floats
from hitforge.studies.scouting_egamma.evaluation.settings import EvaluationSettings
from hitforge.studies.scouting_egamma.evaluation.widths import Coverage, EnergyFit, WidthPulls

Binning = tuple[Floats, Sequence[float]]
"""Values, shape (n,), and edges of bins."""

PUBLISHED_ETA_EDGES: Final = (0.0, 0.8, 1.5, 2.5)
PUBLISHED_PT_MIN_GEV: Final = 20.0
"""Bins of |eta|, and generated pT from which on, electrons are compared with what CMS printed (published.yaml)."""


def evaluate_model(
    model: str,
    samples: Mapping[str, EnergySample],
    _weights: Sequence[float],
    seed: int,
    evaluation: EvaluationSettings,
) -> dict[str, Any]:
    """Return the metrics of one model on each sample, calibrated before.

    Every number is ``{value, error, reason}``; arrays hold nested lists and one reason for what is null in them.
    """
    return {
        "model": model,
        "settings": evaluation.model_dump(mode="json"),
        "axes": {"categories": CATEGORIES, "selections": response.SELECTIONS, "pairs": PAIRS},
        "samples": {name: evaluate_sample(name, sample, evaluation, seed) for name, sample in samples.items()},
    }


def evaluate_sample(name: str, sample: EnergySample, settings: EvaluationSettings, seed: int) -> dict[str, Any]:
    """Return the metrics of one model on one sample."""
    statistics: dict[str, Statistic] = {
        "response": response.Selections(sample, settings),
        "pair_mass": PairMass(sample, child_generator(seed, "evaluation", name, "pairs")),
    }
    binnings = _binnings(sample, settings)
    for axis, binning in binnings.items():
        statistics[f"response_{axis}"] = _in_bins(sample, settings, sample.category, response.N_CATEGORIES, binning)
    plane = (binnings["pt"], binnings["eta"])
    statistics["response_pt_eta"] = _in_bins(sample, settings, sample.category % 2, 2, *plane)
    statistics["energy_fit"] = EnergyFit(sample, settings)
    if "ln_y_sigma" in sample.columns:
        statistics["pulls"] = WidthPulls(sample, settings)
    if "ln_y_quantiles" in sample.columns:
        statistics["coverage"] = Coverage(sample, settings)
    result: dict[str, Any] = resample(statistics, sample.weights, settings.bootstraps, draws_of(seed, name))
    result["crystal_ball"] = {
        category: crystal_ball.fit(sample.response[own], sample.weights[own])
        for category, own in ((name, sample.category == i) for i, name in enumerate(CATEGORIES))
    }
    result["published_width"] = _published_width(sample, settings)
    result["regions"] = response.region_shares(sample)
    masks = response.selection_masks(sample, settings)
    result["n"] = [
        np.bincount(sample.category[mask], minlength=response.N_CATEGORIES).tolist() for mask in masks.values()
    ]
    result["n_candidates"] = len(sample)
    return result


def _in_bins(
    sample: EnergySample, settings: EvaluationSettings, first: NDArray[np.int64], n_first: int, *axes: Binning
) -> response.Response:
    """Return the response by ``first`` and in bins, shape (n_first, bins of each axis)."""
    shape = (n_first, *(len(edges) - 1 for _, edges in axes))
    return response.Response(sample.response, response.groups_in(first, *axes), shape, settings.min_per_bin, brief=True)


def _published_width(sample: EnergySample, settings: EvaluationSettings) -> dict[str, Any]:
    """Return the width of electrons in :data:`PUBLISHED_ETA_EDGES`, shape (bins,)."""
    electron = (sample.category % 2 == 0) & (sample.gen_pt > PUBLISHED_PT_MIN_GEV)
    group = np.where(
        electron, response.groups_in(0 * sample.category, (np.abs(sample.gen_eta), PUBLISHED_ETA_EDGES)), -1
    )
    shape = (len(PUBLISHED_ETA_EDGES) - 1,)
    statistic = response.Response(sample.response, group, shape, settings.min_per_bin, brief=True)
    draws = child_generator(0, "published table")
    found: dict[str, Any] = resample({"all": statistic}, sample.weights, settings.bootstraps, draws)["all"]["width"]
    return found


def _binnings(sample: EnergySample, settings: EvaluationSettings) -> dict[str, Binning]:
    return {
        "pt": (sample.gen_pt, settings.pt_edges_gev),
        "eta": (np.abs(sample.gen_eta), settings.eta_edges),
        "r9": (sample.observed["r9"], settings.r9_edges),
        "fbrem": (sample.observed["fbrem"], settings.fbrem_edges),
        "supermodule": (sample.observed["supermodule"], tuple(range(21))),
    }
