"""XGBoost boosters as tree ensembles of ``ai.onnx.ml``, from their own JSON.

XGBoost sends a float32 value to the left if it is below the threshold, and a missing one (NaN) where the node says; a
graph says both node by node. The leaves of an event are summed by whoever runs the graph, so rounding differs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    import onnx
    import xgboost

_LOGISTIC, _SOFTMAX = "binary:logistic", "multi:softprob"
_IDENTITY = ("reg:squarederror", "reg:quantileerror")


@dataclass(frozen=True)
class BoosterTrees:
    """Trees of a booster, and what becomes of the sums of their leaves.

    Attributes
    ----------
    trees : list of dict
        As XGBoost's JSON has them.
    target : list of int
        Output that each tree adds to.
    base : ndarray, shape (k,), float32
        What each output begins with, before its link.
    link : str
        Name of XGBoost's objective.
    logarithm : bool
        Whether it has learnt the logarithm of its target.
    """

    trees: list[dict[str, Any]]
    target: list[int]
    base: NDArray[np.float32]
    link: str
    logarithm: bool

    def outputs(self, margin: Tensor) -> Tensor:
        """Return what :func:`hitforge.bdt.predict_trees` gives of the sums of leaves, shape (n, k)."""
        if self.link == _SOFTMAX:
            return torch.softmax(margin, dim=1)
        values = torch.sigmoid(margin) if self.link == _LOGISTIC else margin
        values = values.exp() if self.logarithm else values
        return values[:, 0] if len(self.base) == 1 else values


def booster_trees(booster: xgboost.Booster) -> BoosterTrees:
    """Read the trees of a booster; a ValueError names what no graph is made of."""
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    kind, link = learner["gradient_booster"]["name"], learner["objective"]["name"]
    if kind != "gbtree" or link not in (_LOGISTIC, _SOFTMAX, *_IDENTITY):
        raise ValueError(f"boosters of kind {kind} with objective {link} cannot be exported; gbtree can, with "
                         f"{', '.join((_LOGISTIC, _SOFTMAX, *_IDENTITY))}")  # fmt: skip
    model = learner["gradient_booster"]["model"]
    if any(
        any(tree["split_type"]) or tree["tree_param"]["size_leaf_vector"] not in ("0", "1") for tree in model["trees"]
    ):
        raise ValueError("boosters with categories or with several values in a leaf cannot be exported")
    base = np.array(json.loads(learner["learner_model_param"]["base_score"]), dtype=np.float32).reshape(-1)
    if link == _LOGISTIC:
        # in single precision, as XGBoost does it
        base = -np.log(np.float32(1) / base - np.float32(1))
    # saved by hitforge.bdt beside the booster's own attributes
    return BoosterTrees(model["trees"], model["tree_info"], base, link, "predicts_logarithm" in learner["attributes"])


def tree_node(booster: BoosterTrees, features: str, output: str) -> onnx.NodeProto:
    """Return a node from the value ``features``, shape (n, F), to the sums of leaves ``output``, shape (n, k)."""
    from onnx.helper import make_node

    columns: dict[str, list[Any]] = {name: [] for name in _OF_A_NODE}
    leaves: dict[str, list[Any]] = {"treeids": [], "nodeids": [], "ids": [], "weights": []}
    for number, (tree, target) in enumerate(zip(booster.trees, booster.target, strict=True)):
        left, right = tree["left_children"], tree["right_children"]
        is_leaf = [child == -1 for child in left]
        n_nodes = len(left)
        columns["treeids"] += [number] * n_nodes
        columns["nodeids"] += range(n_nodes)
        columns["featureids"] += tree["split_indices"]
        columns["modes"] += ["LEAF" if leaf else "BRANCH_LT" for leaf in is_leaf]
        columns["values"] += [
            0.0 if leaf else value for leaf, value in zip(is_leaf, tree["split_conditions"], strict=True)
        ]
        columns["truenodeids"] += [max(child, 0) for child in left]
        columns["falsenodeids"] += [max(child, 0) for child in right]
        columns["missing_value_tracks_true"] += [int(value) for value in tree["default_left"]]
        for node in np.flatnonzero(is_leaf).tolist():
            leaves["treeids"].append(number)
            leaves["nodeids"].append(node)
            leaves["ids"].append(target)
            leaves["weights"].append(tree["split_conditions"][node])
    return make_node(
        "TreeEnsembleRegressor", [features], [output], domain="ai.onnx.ml", n_targets=len(booster.base),
        base_values=booster.base.tolist(), aggregate_function="SUM", post_transform="NONE",
        **{f"nodes_{name}": values for name, values in columns.items()},
        **{f"target_{name}": values for name, values in leaves.items()},
    )  # fmt: skip


_OF_A_NODE = (
    *("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids"),
    "missing_value_tracks_true",
)
