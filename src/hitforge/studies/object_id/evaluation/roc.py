"""ROC curves of yes/no questions between classes, and their working points."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Floats
from hitforge.evaluation.classes import Auc
from hitforge.evaluation.statistics import Arrays, ratio
from hitforge.studies.object_id.data.objects import JET, N_CLASSES, TAU
from hitforge.studies.object_id.evaluation.sample import Classified

GRID = np.concatenate([[0.05], np.linspace(0.1, 0.9, 17), [0.925, 0.95, 0.97, 0.98, 0.99, 0.995]])
"""Signal efficiencies of a curve."""


@dataclass(frozen=True)
class Question:
    """Signal against background: which objects take part, and a score that is large for signal."""

    score: Floats
    signal: NDArray[np.bool_]
    background: NDArray[np.bool_]


def one_against_rest(sample: Classified) -> list[Question]:
    """Return the four questions of a class against all others."""
    return [Question(sample.probabilities[:, c], sample.label == c, sample.label != c) for c in range(N_CLASSES)]


def pair_score(probabilities: Floats, first: int, second: int) -> Floats:
    """Return p_first / (p_first + p_second), shape (n,); one half where both are zero."""
    total = probabilities[:, first] + probabilities[:, second]
    return np.where(total > 0, probabilities[:, first] / np.where(total > 0, total, 1.0), 0.5)


def pairs(sample: Classified) -> list[Question]:
    """Return the six questions of one class against another."""
    return [
        Question(pair_score(sample.probabilities, a, b), sample.label == a, sample.label == b)
        for a, b in combinations(range(N_CLASSES), 2)
    ]


def taus_by_prong(sample: Classified) -> list[Question]:
    """Return taus of one and of three prongs against jets."""
    score = pair_score(sample.probabilities, TAU, JET)
    tau, jet = sample.label == TAU, sample.label == JET
    return [Question(score, tau & (sample.n_prong == prongs), jet) for prongs in (1, 3)]


class Areas:
    """Area under the curve of each question, array ``auc``, shape (K,)."""

    reason = "one of the two classes is empty"

    def __init__(self, questions: list[Question]) -> None:
        self._questions = [
            (q.signal | q.background, Auc([q.score[q.signal | q.background]], [q.signal[q.signal | q.background]]))
            for q in questions
        ]

    def __call__(self, weights: Floats) -> Arrays:
        return {"auc": np.array([float(auc(weights[chosen])["auc"][0]) for chosen, auc in self._questions])}


class Working:
    """Background efficiency and rejection of each question at fixed signal efficiencies.

    Arrays of shape (K, E): ``background`` and ``rejection`` = 1 / background. The threshold is that at which the
    signal efficiency is reached from above; ties of the score pass together.
    """

    def __init__(self, questions: list[Question], efficiencies: NDArray[np.floating]) -> None:
        self.reason = "one of the two classes is empty, or no background object passes"
        self._efficiencies = np.asarray(efficiencies, dtype=np.float64)
        self._questions = []
        for question in questions:
            # descending: the first level is the tightest cut
            levels, level = np.unique(-question.score, return_inverse=True)
            signal, background = question.signal.astype(np.float64), question.background.astype(np.float64)
            self._questions.append((level, len(levels), signal, background))

    def __call__(self, weights: Floats) -> Arrays:
        rows = [self._background(weights, *question) for question in self._questions]
        background = np.stack(rows)
        return {"background": background, "rejection": ratio(1.0, background)}

    def _background(
        self, weights: Floats, level: NDArray[np.int64], n_levels: int, signal: Floats, background: Floats
    ) -> Floats:
        yes = np.cumsum(np.bincount(level, weights * signal, n_levels))
        no = np.cumsum(np.bincount(level, weights * background, n_levels))
        if not (n_levels and yes[-1] > 0 and no[-1] > 0):
            return np.full(len(self._efficiencies), np.nan)
        # 1e-9: the efficiency of the last level may miss 1 by rounding
        at = np.searchsorted(yes / yes[-1], self._efficiencies - 1e-9)
        return np.asarray(no[np.minimum(at, n_levels - 1)] / no[-1])
