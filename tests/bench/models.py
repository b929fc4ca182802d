"""CPU time that a road takes in each model of csc_muon on one thread, from stored columns to prediction columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hitforge.bdt import TreeData, predict_trees, train_trees
from hitforge.config import load_settings
from hitforge.shards import write_shard
from hitforge.stages.fit_scaling import fit_scaling_of
from hitforge.studies.base import Study, load_study
from hitforge.studies.csc_muon.data.roads import Roads
from hitforge.studies.csc_muon.settings import SimulationSettings
from hitforge.studies.csc_muon.simulation.generate import simulate_roads
from hitforge.studies.csc_muon.simulation.write import write_part
from tests.bench.timing import in_turn

N_GUNS = 20_000
BATCH = 4096
ROUNDS = 400
"""Trees of every booster; those of a search have other numbers of them."""
ATTRIBUTES = {"study": "csc_muon", "sample": "bench", "part": "p", "content_checksum": "", "config_hash": ""}


def measure(folder: Path) -> dict[str, float | str]:
    """Return microseconds a road of each reported model (networks: of one member), and the networks' parameters."""
    torch.set_num_threads(1)
    settings = load_settings({"studies": ["csc_muon"]}).studies["csc_muon"]
    study = load_study("csc_muon", settings)
    part, shard = folder / "part.root", folder / "shard.h5"
    roads = Roads.concatenate(list(simulate_roads(N_GUNS, 1, SimulationSettings())))
    write_part(part, [roads])
    blocks = list(study.read(str(part)))
    write_shard(shard, study.layout, blocks, ATTRIBUTES)
    scaling = fit_scaling_of(study, [shard], 10, [0], folder / "scaling.json")
    features = np.concatenate([block.features for block in blocks])
    target = np.concatenate([block.targets[study.target] for block in blocks])
    makers = {"network": _network, "trees": _boosters, "table": _table}
    result: dict[str, float | str] = {}
    for model in settings.run_models:
        predict = makers[settings.models[model].kind](study, model, features, target, scaling)
        result[f"{model} [us/road]"] = 1e6 * in_turn(3, predict=predict)["predict"] / BATCH
        if settings.models[model].kind == "network":
            result[f"{model} [parameters]"] = float(sum(p.numel() for p in study.build_network(model, 1).parameters()))
    return result


def _network(
    study: Study, model: str, features: NDArray[np.float32], _target: Any, scaling: Any
) -> Callable[[], object]:
    network, inputs = study.build_network(model, 1).eval(), study.network_inputs(model, scaling)
    assert inputs is not None

    def predict() -> object:
        with torch.inference_mode():
            tensors = {name: torch.from_numpy(np.ascontiguousarray(x)) for name, x in inputs(features[:BATCH]).items()}
            return study.output_columns(model, network(**tensors))

    return predict


def _boosters(
    study: Study, model: str, features: NDArray[np.float32], target: Any, _scaling: Any
) -> Callable[[], object]:
    names = study.feature_set(study.settings.models[model].features)
    own = study.model_features(model, features)
    boosters = []
    for task in study.booster_tasks(model):
        data = TreeData(own, task.label(features, target), task.weight(features, target))
        chosen = task.settings.model_copy(update={"tune": None, "rounds": ROUNDS, "early_stopping_rounds": ROUNDS})
        boosters.append(train_trees(data, data, names, chosen, 1).booster)

    def predict() -> object:
        columns = study.model_features(model, features[:BATCH])
        return study.tree_columns(model, [predict_trees(b, columns, names) for b in boosters], features[:BATCH])

    return predict


def _table(study: Study, model: str, features: NDArray[np.float32], target: Any, _scaling: Any) -> Callable[[], object]:
    table = study.fit_table(model, features, target, np.ones(len(target), dtype=np.float32))
    return lambda: study.table_columns(model, table, features[:BATCH])
