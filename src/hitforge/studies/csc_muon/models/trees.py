"""Boosted trees of the study: what each booster learns, and prediction columns from what they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hitforge.bdt_settings import BoosterTask, TreeSettings
from hitforge.studies.csc_muon.features import FEATURE_NAMES, SIGN
from hitforge.studies.csc_muon.models.targets import class_of, inverse_pt_of, label_of, weight_of
from hitforge.studies.csc_muon.settings import RoadTreeSettings

Floats = NDArray[np.floating]

_SIGN_COLUMN = FEATURE_NAMES.index(SIGN)


def fold_sign(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sign of the bending, shape (n,), of events with all stored columns, shape (n, F)."""
    return features[:, _SIGN_COLUMN]


def booster_tasks(settings: RoadTreeSettings) -> list[BoosterTask]:
    """Return the regression and the further boosters, which take its settings but not its search."""

    def further(**changes: object) -> TreeSettings:
        return settings.model_copy(update={"tune": None, **changes})

    def one(_features: Floats, q_over_pt: Floats) -> Floats:
        return np.ones(len(q_over_pt))

    tasks = [
        BoosterTask(
            settings,
            label=lambda _features, q_over_pt: label_of(settings.target, q_over_pt),
            weight=lambda _features, q_over_pt: weight_of(settings.weight, q_over_pt),
        )
    ]
    for name in settings.further:
        if name == "charge":
            # is q that of the bending? Muons of very high pT bend the wrong way half of the time
            objective = further(objective="logistic")
            tasks.append(BoosterTask(objective, lambda f, x: (fold_sign(f) * x > 0).astype(np.float64), one))
        else:
            objective = further(objective="softprob", classes=4)
            tasks.append(BoosterTask(objective, lambda _f, x: class_of(x).astype(np.float64), one))
    return tasks


def tree_columns(
    settings: RoadTreeSettings, outputs: Sequence[NDArray[np.float32]], features: NDArray[np.float32]
) -> dict[str, Floats]:
    """Return the prediction columns.

    ``inverse_pt`` always; ``q_over_pt`` where the charge is known: that of a signed regression, else that of the
    charge booster, else that of the bending; ``charge_probability`` of a positive charge; ``class_probabilities``.
    """
    said = dict(zip(("pt", *settings.further), outputs, strict=True))
    columns: dict[str, Floats] = {"inverse_pt": inverse_pt_of(settings.target, said["pt"])}
    sign = fold_sign(features)
    if "charge" in said:
        columns["charge_probability"] = np.where(sign > 0, said["charge"], 1 - said["charge"])
        sign = np.where(columns["charge_probability"] > 0.5, 1, -1).astype(np.float32)
    if settings.target == "q_over_pt":
        columns["q_over_pt"] = said["pt"]
    elif settings.charge != "none":
        columns["q_over_pt"] = sign * columns["inverse_pt"]
    if "classes" in said:
        columns["class_probabilities"] = said["classes"]
    return columns
