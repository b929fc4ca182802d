"""All metrics of a model on a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Floats, draws_of
from hitforge.evaluation.classes import ClassCalibration, ClassReport
from hitforge.evaluation.statistics import Arrays, GroupShare, Statistic, group_of, resample
from hitforge.studies.object_id.data.objects import CLASS_NAMES, N_CLASSES
from hitforge.studies.object_id.evaluation.roc import GRID, Areas, Working, one_against_rest, pairs, taus_by_prong
from hitforge.studies.object_id.evaluation.sample import Classified
from hitforge.studies.object_id.evaluation.settings import EvaluationSettings


def evaluate_model(
    model: str,
    samples: Mapping[str, Classified],
    weights: Sequence[float],
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
        "axes": axes(evaluation),
        "samples": {name: evaluate_sample(name, objects, evaluation, seed) for name, objects in samples.items()},
    }


def axes(settings: EvaluationSettings) -> dict[str, Any]:
    """Return what the indices of the arrays mean."""
    return {
        "classes": CLASS_NAMES,
        "pairs": [f"{CLASS_NAMES[a]} vs {CLASS_NAMES[b]}" for a, b in combinations(range(N_CLASSES), 2)],
        "prongs": ["1-prong tau vs jet", "3-prong tau vs jet"],
        "curve_efficiencies": GRID.tolist(),
        "efficiencies": list(settings.efficiencies),
        **{name: list(edges) for name, edges in _edges(settings).items()},
    }


def _edges(settings: EvaluationSettings) -> dict[str, tuple[float, ...]]:
    return {"pt": settings.pt_edges_gev, "eta": settings.eta_edges, "npv": settings.npv_edges}


def evaluate_sample(name: str, sample: Classified, settings: EvaluationSettings, seed: int) -> dict[str, Any]:
    """Return the metrics of one model on one sample (see `evaluate_model`)."""
    stream = draws_of(seed, name)
    result: dict[str, Any] = resample(_statistics(sample, settings), sample.weights, settings.bootstraps, stream)
    counts = np.bincount(sample.label * N_CLASSES + sample.predicted, minlength=N_CLASSES**2)
    result["counts"] = counts.reshape(N_CLASSES, N_CLASSES).tolist()
    result["n_objects"] = len(sample)
    result["member_accuracy"] = _member_accuracy(sample)
    return result


def _member_accuracy(sample: Classified) -> list[float | None]:
    """Return the accuracy of each member of the ensemble alone; null without objects."""
    hit = sample.member_class == sample.label[:, None]
    total = sample.weights.sum()
    if not total > 0:
        return [None] * hit.shape[1]
    return [float(accuracy) for accuracy in sample.weights @ hit / total]


def _statistics(sample: Classified, settings: EvaluationSettings) -> dict[str, Statistic]:
    matched = matching_weights(sample.label, sample.pt, sample.eta, np.ones(len(sample)), settings)
    rest, two, prong = one_against_rest(sample), pairs(sample), taus_by_prong(sample)
    quoted = np.array(settings.efficiencies)
    report = ClassReport(sample.label, sample.predicted, N_CLASSES)
    result: dict[str, Statistic] = {
        "classes": report,
        "matched": Reweighted(report, matched),
        "auc_rest": Areas(rest),
        "auc_pairs": Areas(two),
        "curve_rest": Working(rest, GRID),
        "curve_pairs": Working(two, GRID),
        "working_pairs": Working(two, quoted),
        "working_prong": Working(prong, quoted),
        "calibration": _calibration(sample, sample.probabilities, settings),
        "calibration_raw": _calibration(sample, sample.raw, settings),
    }
    values = {"pt": sample.pt, "eta": np.abs(sample.eta), "npv": sample.npv}
    for name, edges in _edges(settings).items():
        group = group_of(values[name], np.array(edges))
        result[f"recall_{name}"] = Recall(sample, group, len(edges) - 1, settings.min_per_bin)
    prongs = np.where(sample.n_prong == 1, 0, np.where(sample.n_prong == 3, 1, -1))
    result["recall_prong"] = Recall(sample, prongs, 2, settings.min_per_bin)
    return result


def _calibration(sample: Classified, probabilities: Floats, settings: EvaluationSettings) -> ClassCalibration:
    return ClassCalibration(probabilities, sample.label, settings.min_per_bin, settings.reliability_bins)


class Reweighted:
    """A statistic with further weights of the objects, shape (n,)."""

    def __init__(self, statistic: Statistic, factor: Floats) -> None:
        self.reason, self._statistic, self._factor = statistic.reason, statistic, factor

    def __call__(self, weights: Floats) -> Arrays:
        return self._statistic(weights * self._factor)


class Recall:
    """Recall of each class in bins, array ``recall``, shape (4, bins)."""

    def __init__(self, sample: Classified, group: NDArray[np.integer], n_bins: int, min_per_bin: int) -> None:
        self.reason = f"fewer than {min_per_bin} objects of the class in a bin"
        cell = np.where(group >= 0, sample.label * n_bins + group, -1)
        self._share = GroupShare(sample.predicted == sample.label, cell, N_CLASSES * n_bins, min_per_bin)

    def __call__(self, weights: Floats) -> Arrays:
        return {"recall": self._share(weights).reshape(N_CLASSES, -1)}


def matching_weights(
    label: NDArray[np.integer], pt: Floats, eta: Floats, weights: Floats, settings: EvaluationSettings
) -> Floats:
    """Return weights, shape (n,), with which each class has the same sum in each bin of (pT, |eta|).

    Otherwise a network can tell classes apart by pT alone.
    The sum in a bin is the least of the classes' normalised ones, so that no object gets a large weight; a bin that
    one of the classes does not reach counts for none, and neither do objects outside all bins. The weights of a class
    add up to the same number for all classes.
    """
    n_eta = len(settings.matching_eta_edges) - 1
    n_bins = (len(settings.matching_pt_edges_gev) - 1) * n_eta
    in_pt = group_of(pt, np.array(settings.matching_pt_edges_gev))
    in_eta = group_of(np.abs(eta), np.array(settings.matching_eta_edges))
    inside = (in_pt >= 0) & (in_eta >= 0)
    cell = np.where(inside, in_pt * n_eta + in_eta, 0)
    own = np.where(inside, weights, 0.0)
    sums = np.bincount(label * n_bins + cell, own, N_CLASSES * n_bins).reshape(N_CLASSES, n_bins)
    totals = sums.sum(axis=1, keepdims=True)
    present = totals[:, 0] > 0
    if not present.any():
        return np.zeros(len(label))
    share = sums / np.where(totals > 0, totals, 1.0)
    wanted = share[present].min(axis=0)
    factor = np.divide(wanted, sums, out=np.zeros_like(sums), where=sums > 0)
    return np.asarray(own * factor[label, cell] * weights.sum() / N_CLASSES)
