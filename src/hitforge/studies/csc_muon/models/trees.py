"""Boosted trees of the study: what each booster learns, and prediction columns from what they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hitforge.bdt_settings import BoosterTask, Labels
from hitforge.studies.csc_muon.features import FEATURE_NAMES, SIGN
from hitforge.studies.csc_muon.models.targets import class_of, inverse_pt_of, label_of, weight_of
from hitforge.studies.csc_muon.settings import CscModelSettings

Floats = NDArray[np.floating]

_SIGN_COLUMN = FEATURE_NAMES.index(SIGN)


def fold_sign(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sign of the bending, shape (n,), of events with all stored columns, shape (n, F)."""
    return features[:, _SIGN_COLUMN]


def booster_tasks(model: CscModelSettings, _event_weight: Labels) -> list[BoosterTask]:
    """Return the regression and the further boosters, which take its settings but not its search."""
    settings = model.trees
    further = settings.model_copy(update={"tune": None, "objective": "logistic"})
    tasks = {
        "pt": BoosterTask(
            settings,
            label=lambda _features, q_over_pt: label_of(settings.target, q_over_pt),
            weight=lambda _features, q_over_pt: weight_of(settings.weight, q_over_pt),
        ),
        # is q that of the bending? Muons of very high pT bend the wrong way half of the time
        "charge": BoosterTask(further, lambda f, x: (fold_sign(f) * x > 0).astype(np.float64), _one),
        "classes": BoosterTask(
            further.model_copy(update={"objective": "softprob", "classes": 4}),
            lambda _features, q_over_pt: class_of(q_over_pt).astype(np.float64),
            _one,
        ),
    }
    return [tasks[name] for name in ("pt", *settings.further)]


def _one(_features: Floats, q_over_pt: Floats) -> Floats:
    return np.ones(len(q_over_pt))


def tree_columns(
    model: CscModelSettings, outputs: Sequence[NDArray[np.float32]], features: NDArray[np.float32]
) -> dict[str, Floats]:
    """Return the prediction columns.

    ``inverse_pt`` always; ``q_over_pt`` where the charge is known: that of a signed regression, else that of the
    charge booster, else that of the bending; ``charge_probability`` of a positive charge; ``class_probabilities``.
    """
    settings = model.trees
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
