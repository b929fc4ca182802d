"""What features are worth on simulated roads, with small trees: no word may carry the truth, dPhi beat raw columns.

On 300 000 guns, 120 rounds of depth 6: RMSE of q/pT 0.052 per GeV for raw CSC columns, 0.040 for dPhi of the CSCs,
0.042 without straightness, 0.033 for dPhi with RPC, GEM and ME0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import xgboost as xgb

from hitforge.studies.csc_muon.data.derived import features_of, without_planes
from hitforge.studies.csc_muon.data.roads import Roads
from hitforge.studies.csc_muon.features import FEATURE_NAMES, FEATURE_SETS
from hitforge.studies.csc_muon.settings import SimulationSettings
from hitforge.studies.csc_muon.simulation.generate import simulate_roads

NOT_CSC = ("re1", "re2", "re3", "re4", "ge11", "ge21", "me0")


@pytest.fixture(scope="module")
def rmse() -> dict[str, float]:
    """RMSE of q/pT [1/GeV] of small trees on CSC hits, by set of inputs."""
    roads = Roads.concatenate(list(simulate_roads(40_000, 7, SimulationSettings())))
    table = features_of(without_planes(roads.variables, NOT_CSC))
    sign = table[:, FEATURE_NAMES.index("fold_sign")]
    dphi, without_pattern = FEATURE_SETS["emtf"], FEATURE_SETS["emtf_no_straightness"]

    def fit(columns: Sequence[str], target: np.ndarray) -> float:
        inputs = table[:, [FEATURE_NAMES.index(name) for name in columns]]
        train = len(roads) * 3 // 4
        settings = {"max_depth": 6, "eta": 0.2, "subsample": 0.8, "max_bin": 128, "seed": 1, "nthread": 1}
        booster = xgb.train(settings, xgb.QuantileDMatrix(inputs[:train], target[:train], max_bin=128), 30)
        return float(np.sqrt(np.mean((booster.inplace_predict(inputs[train:]) - target[train:]) ** 2)))

    return {
        "dphi": fit(dphi, sign * roads.q_over_pt),
        "dphi, no straightness": fit(without_pattern, sign * roads.q_over_pt),
        "raw": fit(FEATURE_SETS["raw35"], roads.q_over_pt),
    }


def test_straightness_is_no_measurement_of_its_own(rmse: dict[str, float]) -> None:
    """Made from smeared truth it was: without it the RMSE rose from 0.030 to 0.042. Made from hits: less than 10 %."""
    assert 0.97 < rmse["dphi, no straightness"] / rmse["dphi"] < 1.10


def test_dphi_beat_raw_columns(rmse: dict[str, float]) -> None:
    assert rmse["dphi"] < 0.9 * rmse["raw"]
