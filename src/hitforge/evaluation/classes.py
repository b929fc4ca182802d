"""Classification: class report, confusion, AUC by ranks, and calibration of class probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitforge.evaluation.bootstrap import Floats
from hitforge.evaluation.statistics import Arrays, ratio

_SMALLEST_PROBABILITY = 1e-7


class ClassReport:
    """Confusion of C classes and the usual report from it.

    Arrays: ``confusion`` (C, C), truth in rows, each row summing to one; ``precision``, ``recall``, ``f1`` and
    ``support`` (C,), the last in events; scalars ``accuracy``, ``majority`` (share of the largest class) and
    ``macro_*``, ``weighted_*`` averages. A precision of a class that is never predicted counts as zero in averages.
    """

    def __init__(self, true: NDArray[np.integer], predicted: NDArray[np.integer], n_classes: int) -> None:
        self.reason = "there is no event of this class, or the class is never predicted"
        self._n = n_classes
        self._cell = np.asarray(true * n_classes + predicted, dtype=np.int64)

    def __call__(self, weights: Floats) -> Arrays:
        """Return the arrays of a weighted sample."""
        counts = np.bincount(self._cell, weights, self._n**2).reshape(self._n, self._n)
        support, predicted, correct = counts.sum(axis=1), counts.sum(axis=0), np.diag(counts)
        precision, recall = ratio(correct, predicted), ratio(correct, support)
        f1 = np.where(support > 0, ratio(2.0 * correct, support + predicted), np.nan)
        total = support.sum()
        result = {
            "confusion": ratio(counts, support[:, None]),
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "support": support,
            "share": ratio(support, total),
            "accuracy": ratio(correct.sum(), total),
            "majority": ratio(support.max(), total),
        }
        present = support > 0
        for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
            filled = np.where(present, np.nan_to_num(values), 0.0)
            result[f"macro_{name}"] = ratio(filled.sum(), present.sum())
            result[f"weighted_{name}"] = ratio((support * filled).sum(), total)
        return result


class Auc:
    """Area under the ROC curve of several yes/no questions, by ranks; array ``auc``, shape (K,).

    The area is the probability that a positive event scores above a negative one, ties counting half. Scores, shape
    (n,) for each question, are large for yes; ``positives`` are the true answers.
    """

    def __init__(self, scores: list[Floats], positives: list[NDArray[np.bool_]]) -> None:
        self.reason = "one of the two classes is empty"
        self._questions = []
        for score, positive in zip(scores, positives, strict=True):
            levels, level = np.unique(score, return_inverse=True)
            self._questions.append((level, len(levels), positive.astype(np.float64)))

    def __call__(self, weights: Floats) -> Arrays:
        """Return the areas of a weighted sample."""
        return {"auc": np.array([self._area(weights, *question) for question in self._questions])}

    @staticmethod
    def _area(weights: Floats, level: NDArray[np.int64], n_levels: int, positive: Floats) -> float:
        yes = np.bincount(level, weights * positive, n_levels)
        no = np.bincount(level, weights * (1.0 - positive), n_levels)
        below = np.cumsum(no) - no
        return float(ratio((yes * (below + 0.5 * no)).sum(), yes.sum() * no.sum()))


def one_vs_rest(probabilities: Floats, true: NDArray[np.integer]) -> Auc:
    """Return the AUC of each class against the rest from class probabilities, shape (n, C)."""
    classes = range(probabilities.shape[1])
    return Auc([probabilities[:, c] for c in classes], [true == c for c in classes])


class ClassCalibration:
    """Whether class probabilities mean what they say.

    Arrays: ``accuracy``, ``confidence`` and ``share`` in equal bins of the largest probability; scalars
    ``ece`` (mean distance of the two, weighted with the share), ``brier`` (sum over the classes of squared errors)
    and ``log_loss``.
    """

    def __init__(self, probabilities: Floats, true: NDArray[np.integer], min_per_bin: int, bins: int = 10) -> None:
        self.reason = f"fewer than {min_per_bin} events in a bin of the probability"
        top = probabilities.max(axis=1)
        self._bins = bins
        self._bin = np.minimum((top * bins).astype(np.int64), bins - 1)
        own = probabilities[np.arange(len(true)), true] if len(true) else np.zeros(0)
        self._terms = ((probabilities.argmax(axis=1) == true).astype(np.float64), top)
        self._brier = (probabilities**2).sum(axis=1) - 2.0 * own + 1.0
        self._log_loss = -np.log(np.maximum(own, _SMALLEST_PROBABILITY))
        self._enough = np.bincount(self._bin, minlength=bins) >= min_per_bin

    def __call__(self, weights: Floats) -> Arrays:
        """Return the arrays of a weighted sample."""
        total = weights.sum()
        inside = np.bincount(self._bin, weights, self._bins)
        accuracy, confidence = (
            ratio(np.bincount(self._bin, weights * term, self._bins), inside) for term in self._terms
        )
        distance = np.nan_to_num(np.abs(accuracy - confidence))
        return {
            "accuracy": np.where(self._enough, accuracy, np.nan),
            "confidence": np.where(self._enough, confidence, np.nan),
            "share": ratio(inside, total),
            "ece": ratio((inside * distance).sum(), total),
            "brier": ratio((weights * self._brier).sum(), total),
            "log_loss": ratio((weights * self._log_loss).sum(), total),
        }
