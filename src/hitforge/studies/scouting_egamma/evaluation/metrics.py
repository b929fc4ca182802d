"""All metrics of a model on a sample.

The calibration is fitted on held-out candidates of one fit and is held fixed in the bootstrap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hitforge.evaluation.bootstrap import draws_of
from hitforge.evaluation.statistics import Statistic, group_of, resample
from hitforge.seeds import child_generator
from hitforge.studies.scouting_egamma.data.geometry import CATEGORIES
from hitforge.studies.scouting_egamma.evaluation import crystal_ball
from hitforge.studies.scouting_egamma.evaluation.pair_mass import PAIRS, PairMass
from hitforge.studies.scouting_egamma.evaluation.response import (
    N_CATEGORIES,
    SELECTIONS,
    Response,
    Selections,
    binned_groups,
    plane_groups,
    region_shares,
    selection_masks,
)
from hitforge.studies.scouting_egamma.evaluation.sample import EnergySample, Floats
from hitforge.studies.scouting_egamma.evaluation.settings import EvaluationSettings
from hitforge.studies.scouting_egamma.evaluation.widths import Coverage, EnergyFit, WidthPulls


def evaluate_model(
    model: str,
    samples: Mapping[str, EnergySample],
    _weights: Sequence[float],
    seed: int,
    *,
    evaluation: EvaluationSettings,
) -> dict[str, Any]:
    """Return the metrics of one model on each sample, calibrated before.

    Every number is ``{value, error, reason}``; arrays hold nested lists and one reason for what is null in them.
    """
    return {
        "model": model,
        "settings": evaluation.model_dump(mode="json"),
        "axes": {"categories": CATEGORIES, "selections": SELECTIONS, "pairs": PAIRS},
        "samples": {name: evaluate_sample(name, sample, evaluation, seed) for name, sample in samples.items()},
    }


def evaluate_sample(name: str, sample: EnergySample, settings: EvaluationSettings, seed: int) -> dict[str, Any]:
    """Return the metrics of one model on one sample."""
    statistics: dict[str, Statistic] = {
        "response": Selections(sample, settings),
        "pair_mass": PairMass(sample, child_generator(seed, "evaluation", name, "pairs")),
    }
    eta = np.abs(sample.gen_eta)
    for axis, (values, edges) in _binnings(sample, settings).items():
        shape = (N_CATEGORIES, len(edges) - 1)
        group = binned_groups(sample, values, edges)
        statistics[f"response_{axis}"] = Response(sample.response, group, shape, settings.min_per_bin, brief=True)
    particle = sample.category % 2
    group = plane_groups(particle, sample.gen_pt, settings.pt_edges_gev, eta, settings.eta_edges)
    plane = (2, len(settings.pt_edges_gev) - 1, len(settings.eta_edges) - 1)
    statistics["response_pt_eta"] = Response(sample.response, group, plane, settings.min_per_bin, brief=True)
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
    result["regions"] = region_shares(sample)
    masks = selection_masks(sample, settings)
    result["n"] = [np.bincount(sample.category[mask], minlength=N_CATEGORIES).tolist() for mask in masks.values()]
    result["n_candidates"] = len(sample)
    return result


def _published_width(sample: EnergySample, settings: EvaluationSettings) -> dict[str, Any]:
    """Return the width of electrons in the bins of |eta| that a published number is for, shape (bins,)."""
    edges = np.array(settings.published_eta_edges)
    electron = (sample.category % 2 == 0) & (sample.gen_pt > settings.published_pt_min_gev)
    group = np.where(electron, group_of(np.abs(sample.gen_eta), edges), -1)
    statistic = Response(sample.response, group, (len(edges) - 1,), settings.min_per_bin, brief=True)
    draws = child_generator(0, "published table")
    found: dict[str, Any] = resample({"all": statistic}, sample.weights, settings.bootstraps, draws)["all"]["width"]
    return found


def _binnings(sample: EnergySample, settings: EvaluationSettings) -> dict[str, tuple[Floats, tuple[float, ...]]]:
    return {
        "pt": (sample.gen_pt, settings.pt_edges_gev),
        "eta": (np.abs(sample.gen_eta), settings.eta_edges),
        "r9": (sample.observed["r9"], settings.r9_edges),
        "fbrem": (sample.observed["fbrem"], settings.fbrem_edges),
        "supermodule": (sample.observed["supermodule"], tuple(range(21))),
    }
