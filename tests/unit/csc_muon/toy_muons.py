"""Muons with toy predictions for the tests of metrics and report: q/pT smeared, nothing trained."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, softmax

from hitforge.studies.csc_muon.evaluation.sample import MuonSample
from hitforge.studies.csc_muon.evaluation.settings import EvaluationSettings
from hitforge.studies.csc_muon.models.targets import QUANTILE_LEVELS

TOYS = {
    # resolution of q/pT: constant [1/GeV] and relative; what the model gives besides 1/pT
    "seed-bdt": (0.012, 0.20, ()),
    "seed-fcn4": (0.011, 0.18, ("classes",)),
    "emtf-bdt": (0.008, 0.14, ("signed",)),
    "hgb": (0.006, 0.12, ("signed", "charge")),
    "hgb-no-bend": (0.007, 0.13, ("signed", "charge")),
    "ens5": (0.005, 0.10, ("signed", "charge", "sigma", "quantiles", "classes")),
}


def settings(**changes: Any) -> EvaluationSettings:
    """Return settings with few replicas."""
    return EvaluationSettings.model_validate({"bootstraps": 4, "rate_reference": "emtf-bdt", **changes})


def toy_truth(n: int, seed: int = 1) -> NDArray[np.float64]:
    """Return q/pT, eta and phi of muons flat in 1/pT, shape (3, n)."""
    rng = np.random.default_rng(seed)
    q = rng.choice([-1.0, 1.0], n)
    eta = rng.uniform(1.2, 2.4, n) * rng.choice([-1.0, 1.0], n)
    return np.stack([q * rng.uniform(1 / 7000, 0.5, n), eta, rng.uniform(-np.pi, np.pi, n)])


def toy_columns(q_over_pt: NDArray[np.floating], model: str, seed: int = 2) -> dict[str, NDArray[np.float64]]:
    """Return the prediction columns of a toy model."""
    constant, relative, outputs = TOYS[model]
    rng = np.random.default_rng([seed, *model.encode()])
    truth = np.asarray(q_over_pt, dtype=np.float64)
    width = np.hypot(constant, relative * np.abs(truth))
    found = truth + width * rng.normal(size=len(truth))
    columns = {"inverse_pt": np.abs(found)}
    if "signed" in outputs:
        columns["q_over_pt"] = found
    if "charge" in outputs:
        columns["charge_probability"] = 1.0 / (1.0 + np.exp(-2.0 * found / width))
    if "sigma" in outputs:
        columns["q_over_pt_sigma"] = 1.3 * width
    if "quantiles" in outputs:
        columns["quantiles"] = found[:, None] + width[:, None] * ndtri(QUANTILE_LEVELS)
    if "classes" in outputs:
        log_pt = np.log(1.0 / np.maximum(np.abs(found), 1 / 7000))
        columns["class_probabilities"] = softmax(-3.0 * np.abs(log_pt[:, None] - np.log([4, 17, 55, 250])), axis=1)
    return columns


def toy_sample(n: int, model: str = "hgb", seed: int = 1) -> MuonSample:
    """Return muons with the predictions of a toy model; the muons depend on the seed alone."""
    q_over_pt, eta, phi = toy_truth(n, seed)
    four = np.random.default_rng(seed).random(n) < 0.36
    return sample_of(q_over_pt, toy_columns(q_over_pt, model, seed), eta, phi, four_csc=four)


def sample_of(
    q_over_pt: NDArray[np.floating],
    columns: dict[str, NDArray[np.float64]],
    eta: NDArray[np.floating] | None = None,
    phi: NDArray[np.floating] | None = None,
    **more: Any,
) -> MuonSample:
    """Return a sample of given muons; without directions all have |eta| 1.7."""
    n = len(q_over_pt)
    eta = np.full(n, 1.7) if eta is None else eta
    zone = np.clip(6 - np.searchsorted([1.2, 1.55, 1.7, 1.8, 1.98, 2.15], np.abs(eta), side="right"), 0, 5)
    return MuonSample(
        q_over_pt=np.asarray(q_over_pt, dtype=np.float64),
        eta=eta,
        phi=np.zeros(n) if phi is None else phi,
        zone=zone,
        weight=np.ones(n),
        columns=columns,
        **more,
    )
