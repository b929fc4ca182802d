"""Gradient-boosted trees: arrays and names in, a booster and its history out.

With a target power of -1 the squared error has the weight w / y of each event: the weighted mean fractional squared
error of arXiv:2107.02119 (loss) without Huberisation. Weights are scaled to a mean of one, because XGBoost adds its
regularisation to sums of weights: with raw weights of 1/GeV no split would pass ``min_child_weight``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from hitforge.bdt_objectives import event_losses, label_problem, parameters, relative_derivatives
from hitforge.bdt_settings import TUNABLE, TreeSettings
from hitforge.evaluation.information import binned_information
from hitforge.provenance import atomic_path
from hitforge.refusals import telling_refusals
from hitforge.seeds import child_generator, child_seed

Floats = NDArray[np.float64]

_LOGARITHM = "predicts_logarithm"
"""Attribute of a booster that has learnt the logarithm of the target."""


@dataclass(frozen=True)
class TreeData:
    """Events to train on, to stop on or to score."""

    features: NDArray[np.floating]
    """Shape (n, n_features), float32; NaN counts as missing."""
    target: NDArray[np.floating]
    """Shape (n,); positive where its power or logarithm is taken; 0 and 1, or the number of a class, to classify."""
    weight: NDArray[np.floating]
    """Event weights w, shape (n,), without the power of the target."""

    def __len__(self) -> int:
        return len(self.target)

    def sample(self, most: int | None, seed: int) -> TreeData:
        """Return at most so many of the events, drawn without replacement and kept in order; None takes all."""
        if most is None or len(self) <= most:
            return self
        chosen = np.sort(child_generator(seed, "sample").choice(len(self), most, replace=False))
        return TreeData(self.features[chosen], self.target[chosen], self.weight[chosen])


@dataclass(frozen=True)
class TrainedTrees:
    """A booster, with the trees up to and including the best round, and how it came about.

    The history can be JSON: ``train`` and ``monitor`` loss of each round, ``best_round``, ``best_loss``,
    ``base_score``; and ``information`` on the monitoring events in bits, where that chooses the round.
    """

    booster: xgboost.Booster
    history: dict[str, Any]


def train_trees(
    train: TreeData,
    monitor: TreeData,
    names: Sequence[str],
    settings: TreeSettings,
    seed: int,
    callbacks: Sequence[xgboost.callback.TrainingCallback] = (),
) -> TrainedTrees:
    """Train one booster on events, with features of these names, and stop early on other, monitoring events.

    ``seed`` is that of this booster, a named child of the root seed; ``settings.tune`` is not used here. ``callbacks``
    are called after each round that early stopping does not end; one that returns true ends the training.
    """
    for part, data in (("training", train), ("monitoring", monitor)):
        _check(data, names, settings, part)
    weight = loss_weight(train, settings)
    scale = 1.0 / weight.mean()
    logarithm = settings.objective == "log"
    label, monitor_label = (np.log(d.target) if logarithm else d.target for d in (train, monitor))
    objective = parameters(settings, np.asarray(label, dtype=np.float64), weight)
    options: dict[str, Any] = {"feature_names": list(names), "nthread": settings.threads, "max_bin": settings.max_bin}
    matrix = xgboost.QuantileDMatrix(train.features, label=label, weight=weight * scale, **options)
    monitoring = xgboost.QuantileDMatrix(
        monitor.features, label=monitor_label, weight=loss_weight(monitor, settings) * scale, ref=matrix, **options
    )
    huber = _HuberObjective(settings) if settings.objective == "huberised" else None
    by_information = settings.monitor == "information"

    def metrics(prediction: NDArray[np.float32], data: xgboost.DMatrix) -> list[tuple[str, float]]:
        label, weights = data.get_label().astype(np.float64), data.get_weight().astype(np.float64)
        losses = (prediction - label) ** 2 if logarithm else event_losses(prediction, label, settings)
        if huber is not None:
            losses = huber.loss(losses, label)
        found = [("loss", float(np.mean(weights * losses) / scale))]
        if by_information:
            found.append(("information", binned_information(prediction, label)))
        return found

    curves: dict[str, dict[str, list[float]]] = {}
    booster = xgboost.train(
        {**_parameters(settings, seed), **objective},
        matrix,
        settings.rounds,
        evals=[(matrix, "train"), (monitoring, "monitor")],
        evals_result=curves,
        obj=_relative_objective if settings.objective == "relative" else huber,
        custom_metric=metrics,
        callbacks=[
            xgboost.callback.EarlyStopping(
                rounds=settings.early_stopping_rounds,
                metric_name=settings.monitor,
                data_name="monitor",
                maximize=by_information,
                save_best=True,
            ),
            *callbacks,
        ],
        verbose_eval=False,
    )
    best = booster.num_boosted_rounds() - 1
    booster.set_attr(best_iteration=None, best_score=None, **({_LOGARITHM: "1"} if logarithm else {}))
    history = {
        "train": curves["train"]["loss"],
        "monitor": curves["monitor"]["loss"],
        "best_round": best,
        "best_loss": curves["monitor"]["loss"][best],
        "base_score": objective.get("base_score"),
        **({"information": curves["monitor"]["information"]} if by_information else {}),
    }
    return TrainedTrees(booster, history)


def loss_weight(data: TreeData, settings: TreeSettings) -> Floats:
    """Return the factor of each event's loss, shape (n,): w y^k with the target power k."""
    weight = np.asarray(data.weight, dtype=np.float64)
    if settings.objective not in ("squared", "huberised"):
        return weight
    return weight * np.asarray(data.target, dtype=np.float64) ** settings.target_power


def weighted_loss(prediction: NDArray[np.floating], data: TreeData, settings: TreeSettings) -> float:
    """Return the mean of w times the loss of the objective, for example (y - prediction)^2 / y; never Huberised."""
    return float(np.mean(loss_weight(data, settings) * event_losses(prediction, data.target, settings)))


def predict_trees(
    booster: xgboost.Booster, features: NDArray[np.floating], names: Sequence[str], threads: int = 1
) -> NDArray[np.float32]:
    """Return the predictions, shape (n,) or (n, k) for classes and quantiles, of features, shape (n, n_features)."""
    if list(names) != booster.feature_names:
        raise ValueError(
            f"the booster was trained with features {booster.feature_names}, the events have {list(names)}: "
            "build the shards and the model with the same feature set"
        )
    booster.set_param({"nthread": threads})
    output = booster.inplace_predict(features)
    return np.asarray(np.exp(output) if booster.attr(_LOGARITHM) else output, dtype=np.float32)


def importances(booster: xgboost.Booster) -> list[dict[str, Any]]:
    """Return mean gain and number of splits (``weight``) of every feature, the unused ones too, by falling gain."""
    gain = booster.get_score(importance_type="gain")
    splits = booster.get_score(importance_type="weight")
    rows = [
        {"feature": name, "gain": float(gain.get(name, 0.0)), "weight": int(splits.get(name, 0))}
        for name in booster.feature_names or []
    ]
    return sorted(rows, key=lambda row: (-row["gain"], row["feature"]))


def save_trees(booster: xgboost.Booster, path: Path) -> None:
    """Write a booster as UBJSON; the file appears complete or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(booster.save_raw("ubj"))


def load_trees(path: Path) -> xgboost.Booster:
    """Read a booster written by `save_trees`."""
    with telling_refusals(path):
        content = bytearray(path.read_bytes())
    try:
        return xgboost.Booster(model_file=content)
    except xgboost.core.XGBoostError as failure:
        raise ValueError(f"{path} is not a booster in UBJSON: train the model again") from failure


def _parameters(settings: TreeSettings, seed: int) -> dict[str, Any]:
    return {
        "disable_default_eval_metric": True,
        "tree_method": "hist",
        "device": "cpu",
        **{"colsample_bytree" if name == "colsample" else name: getattr(settings, name) for name in TUNABLE},
        "max_bin": settings.max_bin,
        "nthread": settings.threads,
        "seed": child_seed(seed, "xgboost") % 2**31,
        "verbosity": 1,
    }


def _check(data: TreeData, names: Sequence[str], settings: TreeSettings, part: str) -> None:
    """Raise with a message that names what is wrong."""
    if not len(data):
        raise ValueError(f"trees: there are no {part} events")
    if data.features.shape != (len(data), len(names)) or np.shape(data.weight) != (len(data),):
        raise ValueError(
            f"trees: {part} has features {data.features.shape}, {len(names)} names, {len(data)} targets and "
            f"weights {np.shape(data.weight)}"
        )
    if not (np.all(np.isfinite(data.target)) and np.all(np.isfinite(data.weight)) and np.all(data.weight >= 0)):
        raise ValueError(f"trees: {part} targets and weights must be finite, weights not negative")
    if not np.any(data.weight > 0):
        raise ValueError(f"trees: all {part} weights are zero")
    wrong = label_problem(data.target, settings)
    if wrong is not None:
        raise ValueError(f"trees: the {settings.objective} objective {wrong} in {part}")


def _relative_objective(margin: NDArray[np.float32], data: xgboost.DMatrix) -> tuple[Floats, Floats]:
    gradient, hessian = relative_derivatives(margin, data.get_label())
    weight = data.get_weight().astype(np.float64)
    return weight * gradient, weight * hessian


class _HuberObjective:
    """Squared error that turns linear beyond a threshold t of the squared error in the event's target bin.

    A boosting round sees all events, so the thresholds are those of the round itself; the paper's running average
    over batches has nothing to smooth here. The monitoring loss uses the thresholds of the last round on the
    training events. Events outside the target bins are never linear.
    """

    def __init__(self, settings: TreeSettings) -> None:
        self._edges = np.asarray(settings.huber_edges, dtype=np.float64)
        self._quantile = settings.huber_quantile
        self._thresholds = np.full(len(self._edges) - 1, np.inf)

    def __call__(self, margin: NDArray[np.float32], data: xgboost.DMatrix) -> tuple[Floats, Floats]:
        label, weight = data.get_label().astype(np.float64), data.get_weight().astype(np.float64)
        error = margin - label
        squares = error**2
        self._update(squares, label)
        # Gradient sqrt(t) sign(error) beyond the threshold. The Hessian is that of the parabola that touches the
        # loss there (its own is zero, which gives infinite leaf values).
        threshold = self._of(label)
        with np.errstate(divide="ignore"):
            slope = np.where(squares > threshold, np.sqrt(threshold / squares), 1.0)
        return weight * slope * error, weight * slope

    def loss(self, squares: Floats, label: Floats) -> Floats:
        """Return the Huberised squared errors, shape (n,)."""
        threshold = self._of(label)
        finite = np.where(np.isfinite(threshold), threshold, 0.0)
        linear = finite + 2.0 * np.sqrt(finite) * (np.sqrt(squares) - np.sqrt(finite))
        return np.where(squares > threshold, linear, squares)

    def _update(self, squares: Floats, label: Floats) -> None:
        index = self._index(label)
        for j in range(len(self._thresholds)):
            members = squares[index == j]
            if len(members):
                k = round(self._quantile * (len(members) - 1))
                self._thresholds[j] = np.partition(members, k)[k]

    def _of(self, label: Floats) -> Floats:
        return np.append(self._thresholds, np.inf)[self._index(label)]

    def _index(self, label: Floats) -> NDArray[np.int64]:
        """Return the left-closed target bin, -1 outside (which reads the appended infinite threshold)."""
        index = np.searchsorted(self._edges, label, side="right") - 1
        return np.where(index < len(self._thresholds), index, -1)
