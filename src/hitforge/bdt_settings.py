"""Settings of boosted trees and of their hyper-parameter search; importing this module imports no XGBoost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from hitforge.settings_base import Settings


class SearchRange(Settings):
    """Range of one hyper-parameter; the ends are included."""

    low: float = Field(description="lower end, in the unit of the hyper-parameter")
    high: float = Field(description="upper end, in the unit of the hyper-parameter")
    log: bool = Field(default=False, description="search in the logarithm")

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low ({self.low}) must lie below high ({self.high})")
        if self.log and not self.low > 0:
            raise ValueError("a logarithmic range needs low > 0")
        return self


class TuneSettings(Settings):
    """Search of hyper-parameters with a seeded TPE sampler, one trial at a time. A range of null is not searched."""

    trials: PositiveInt = Field(40, description="boosters that the search trains")
    max_events: PositiveInt | None = Field(
        None, description="train, stop and score each trial with at most so many events; null takes all"
    )
    startup_trials: PositiveInt = Field(10, description="random trials before the sampler learns")
    cross_validation: int | None = Field(
        None,
        ge=2,
        description="score a trial by its mean loss on so many groups of the training folds, each left out of a "
        "training of its own; null scores on one fold",
    )
    pruner: Literal["none", "median"] = Field(
        "none",
        description="median ends a trial whose monitoring loss is above the median of the trials before at that round",
    )
    timeout_min: PositiveFloat | None = Field(
        None, description="minutes; stop with an error after the trial that passes them, the next call continues"
    )
    max_depth: SearchRange | None = Field(SearchRange(low=3, high=10), description="levels of a tree; whole numbers")
    eta: SearchRange | None = Field(SearchRange(low=0.01, high=0.3, log=True), description="learning rate")
    min_child_weight: SearchRange | None = Field(
        SearchRange(low=1.0, high=300.0, log=True), description="least weight in a leaf, in mean event weights"
    )
    subsample: SearchRange | None = Field(
        SearchRange(low=0.5, high=1.0), description="fraction of the events drawn for each tree"
    )
    colsample: SearchRange | None = Field(
        SearchRange(low=0.4, high=1.0), description="fraction of the features drawn for each tree"
    )
    reg_lambda: SearchRange | None = Field(
        SearchRange(low=1e-3, high=30.0, log=True), description="L2 penalty on the leaf values"
    )
    reg_alpha: SearchRange | None = Field(
        SearchRange(low=1e-4, high=10.0, log=True), description="L1 penalty on the leaf values"
    )
    gamma: SearchRange | None = Field(None, description="least loss reduction of a split")

    def ranges(self) -> dict[str, SearchRange]:
        """Return the searched ranges by the name of the setting they replace, in a fixed order."""
        searched = {name: getattr(self, name) for name in sorted(TUNABLE)}
        return {name: value for name, value in searched.items() if value is not None}

    @model_validator(mode="after")
    def _ranges_fit_the_settings(self) -> Self:
        ranges = self.ranges()
        if not ranges:
            raise ValueError("tune: no hyper-parameter has a range")
        if self.cross_validation is not None and self.pruner != "none":
            raise ValueError("tune: a cross-validated trial is several trainings, none of which can be pruned alone")
        for name, value in ranges.items():
            for end in (value.low, value.high):
                # Raises, naming the setting, where an end is no valid value.
                TreeSettings.model_validate({name: int(end) if name == "max_depth" else end})
            if name == "max_depth" and not (value.low.is_integer() and value.high.is_integer()):
                raise ValueError("tune: max_depth needs whole numbers")
        return self


class TreeSettings(Settings):
    """One booster: XGBoost with histograms.

    ``squared`` and ``huberised``, which is linear beyond the threshold of the event's target bin, are weighed with a
    power of the target: -1 is the loss of arXiv:2107.02119. ``log`` is the squared error of the logarithm; the
    booster predicts the target all the same. ``relative`` is the squared error divided by the square of the target,
    from XGBoost's custom objective. ``logistic`` and ``softprob`` give probabilities, ``quantile`` gives quantiles.
    """

    objective: Literal["squared", "huberised", "log", "relative", "logistic", "softprob", "quantile"] = Field(
        "squared",
        description="squared error, the same but linear beyond a threshold, squared error of the logarithm, relative "
        "squared error, probability of one, of each class, or quantiles",
    )
    target_power: float = Field(
        0.0, description="the squared or huberised error is weighed with the target to this power; -1 divides by it"
    )
    monitor: Literal["loss", "information"] = Field(
        "loss",
        description="what chooses the round on the monitoring fold: the loss, or the information in bits that the "
        "predictions hold about the target",
    )
    classes: int = Field(2, ge=2, description="number of classes (softprob)")
    quantiles: tuple[float, ...] = Field((0.16, 0.5, 0.84), description="levels between 0 and 1 (quantile)")
    rounds: PositiveInt = Field(3000, description="most boosting rounds")
    early_stopping_rounds: PositiveInt = Field(50, description="rounds without improvement on the monitoring fold")
    max_depth: PositiveInt = Field(6, description="levels of a tree")
    eta: PositiveFloat = Field(0.1, le=1, description="learning rate: factor on each tree's output")
    min_child_weight: NonNegativeFloat = Field(
        1.0, description="least weight in a leaf, in units of the mean event weight"
    )
    subsample: float = Field(1.0, gt=0, le=1, description="fraction of the events drawn for each tree")
    colsample: float = Field(1.0, gt=0, le=1, description="fraction of the features drawn for each tree")
    reg_lambda: NonNegativeFloat = Field(1.0, description="L2 penalty on the leaf values")
    reg_alpha: NonNegativeFloat = Field(0.0, description="L1 penalty on the leaf values")
    gamma: NonNegativeFloat = Field(0.0, description="least loss reduction of a split")
    max_bin: int = Field(256, ge=2, description="histogram bins of a feature")
    huber_edges: tuple[float, ...] = Field(
        (50.0, 1640.0, 3230.0, 4820.0, 6410.0, 8000.0),
        description="target bins of the Huber thresholds, left-closed, in units of the target",
    )
    huber_quantile: float = Field(0.68, gt=0, lt=1, description="quantile of the squared errors that sets a threshold")
    threads: PositiveInt = Field(1, description="XGBoost threads; part of what fixes the bits of a result")
    tune: TuneSettings | None = Field(None, description="search hyper-parameters first; null trains with these")


TUNABLE = ("max_depth", "eta", "min_child_weight", "subsample", "colsample", "reg_lambda", "reg_alpha", "gamma")

Labels = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.floating]]


@dataclass(frozen=True)
class BoosterTask:
    """What one booster of a tree model learns.

    ``label`` and ``weight`` take all features of the shards, shape (n, F), and the study's target, shape (n,), and
    return the booster's label and the weight of each event, shape (n,). Events of weight 0 are left out: a booster may
    be for some events only.
    """

    settings: TreeSettings
    label: Labels
    weight: Labels
