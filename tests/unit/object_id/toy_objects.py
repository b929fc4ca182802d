"""Toy predictions with a known quality, and samples for the metrics."""

from __future__ import annotations

import numpy as np

from hitforge.studies.object_id.evaluation.sample import Classified


def toy_probabilities(label: np.ndarray, strength: float, seed: int = 0) -> np.ndarray:
    """Return softmax of noise with ``strength`` added for the true class."""
    logits = np.random.default_rng(seed).normal(size=(len(label), 4)) + strength * np.eye(4)[label]
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def sample_of(label: np.ndarray, probabilities: np.ndarray, pt: np.ndarray | None = None) -> Classified:
    rng = np.random.default_rng(9)
    n = len(label)
    return Classified(
        label=np.asarray(label, np.int64),
        pt=20 + rng.exponential(18, n) if pt is None else pt,
        eta=rng.uniform(-2.4, 2.4, n),
        npv=rng.integers(10, 51, n).astype(float),
        n_prong=np.where(label == 3, rng.choice([1, 3], n), -1),
        weights=np.ones(n),
        raw=probabilities,
        probabilities=probabilities,
        member_class=probabilities.argmax(axis=1)[:, None],
    )
