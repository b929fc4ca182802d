"""Features against a road-by-road oracle, roads with known answers, and the rule that truth stays out."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from hitforge.studies.csc_muon import features
from hitforge.studies.csc_muon.data.derived import derived_features, features_of, without_planes
from hitforge.studies.csc_muon.data.roads import PARAMETER_NAMES, VARIABLE_NAMES, Roads
from hitforge.studies.csc_muon.features import (
    DERIVED_MEANINGS,
    DERIVED_NAMES,
    FEATURE_NAMES,
    FEATURE_SETS,
    FEATURE_UNITS,
)
from hitforge.studies.csc_muon.models import tensors
from hitforge.studies.csc_muon.settings import SimulationSettings
from hitforge.studies.csc_muon.simulation.generate import simulate_roads
from tests.unit.csc_muon import oracles
from tests.unit.csc_muon.oracles import Hit, road


@pytest.fixture(scope="module")
def simulated() -> Roads:
    return next(simulate_roads(600, 4, SimulationSettings()))


def assert_like_oracle(variables: np.ndarray) -> None:
    table = derived_features(variables)
    for i, row in enumerate(variables):
        expected = oracles.features(row.tolist())
        assert set(expected) <= set(DERIVED_NAMES)
        found = {name: value for name, value in zip(DERIVED_NAMES, table[i].tolist(), strict=True) if value == value}
        assert found == expected, f"road {i}"


def test_simulated_roads_like_the_oracle(simulated: Roads) -> None:
    assert_like_oracle(simulated.variables)


def test_any_combination_of_hits_like_the_oracle() -> None:
    assert_like_oracle(oracles.random_roads(400, 8).variables)


def test_a_road_by_hand() -> None:
    hits = {
        "me12": Hit(2400, 60, -10, 0, 2, 1),
        "re2": Hit(2500, 61, 0, 0, 2, 0),
        "me3": Hit(2510, 59, 1, 0, 2, 0),
        "me4": Hit(2512, 58, 0, -1, 2, 1),
    }
    variables = np.array([road(hits, straightness=2, zone=5)], dtype=np.float32)
    row = dict(zip(FEATURE_NAMES, features_of(variables)[0].tolist(), strict=True))
    assert row["fold_sign"] == -1
    assert [row[f"dphi_{ab}"] for ab in ("12", "13", "14", "23", "24", "34")] == [100, 110, 112, 10, 12, 2]
    assert row["dtheta_12"] == -1
    assert row["bend_1"] == 10
    assert np.isnan(row["bend_2"])
    assert (row["rpc_1"], row["rpc_2"]) == (0, 1)
    # 322 of station 1 against 122, 122 and 126 of the others
    assert row["outlier_station"] == 1
    assert (row["dphi_sum4"], row["dphi_sum3"]) == (346, 24)
    assert (row["st1_ring2"], row["theta"], row["mode"], row["n_hits"], row["pattern"]) == (1, 59, 15, 4, 2)
    assert row["phi_me12"] == 2400


def test_folding_makes_mirror_roads_equal(simulated: Roads) -> None:
    """A muon of the other charge with the mirrored hits has the same features and the other sign."""
    mirrored = simulated.variables.copy()
    mirrored[:, 0:12] = 4950 - mirrored[:, 0:12]
    mirrored[:, 24:36] *= -1
    mirrored[:, 84] = 8 - mirrored[:, 84]
    ours, theirs = derived_features(simulated.variables), derived_features(mirrored)
    bent = ~(simulated.variables[:, 84] == 4) & (np.abs(ours[:, 1:7]) > 0).any(axis=1) & (ours[:, 1] != 0)
    np.testing.assert_array_equal(ours[bent, 1:], theirs[bent, 1:])
    np.testing.assert_array_equal(ours[bent, 0], -theirs[bent, 0])


def test_masked_planes_change_only_what_they_enter(simulated: Roads) -> None:
    rpc = ("re1", "re2", "re3", "re4")
    masked = without_planes(simulated.variables, rpc)
    table = dict(zip(FEATURE_NAMES, features_of(masked).T, strict=True))
    for number in range(1, 5):
        assert not table[f"rpc_{number}"].any()
    for name in rpc:
        assert (table[f"mask_{name}"] == 1).all()
        assert np.isnan(table[f"phi_{name}"]).all()
    np.testing.assert_array_equal(table["phi_me2"], simulated.variables[:, 2])
    assert not (simulated.variables[:, 72 + 5] == 1).all()  # the original is untouched


def test_tables_agree() -> None:
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES) == 87 + len(DERIVED_NAMES)
    assert set(FEATURE_UNITS) == set(FEATURE_NAMES)
    assert all(DERIVED_MEANINGS.values())
    for name, columns in FEATURE_SETS.items():
        assert set(columns) <= set(FEATURE_NAMES), name
        assert len(set(columns)) == len(columns), name


def test_seed_sets_have_the_published_numbers_of_columns() -> None:
    assert len(FEATURE_SETS["seed23"]) == 23
    assert len(FEATURE_SETS["seed19"]) == 19
    assert len(FEATURE_SETS["raw35"]) == 35 + 3


def test_csc_columns_are_those_that_the_seeds_keep() -> None:
    """Only planes 0 to 4 are CSC, though both seeds speak of twelve; they drop c where c % 12 >= 5 and c < 84."""
    kept = [name for column, name in enumerate(VARIABLE_NAMES) if not (column % 12 >= 5 and column < 84)]
    assert list(FEATURE_SETS["raw35"]) == kept


def test_missing_hits_are_not_invented(simulated: Roads) -> None:
    """The article fills the phi of a missing hit with the mean, which is a plausible hit; here it stays NaN."""
    table = dict(zip(FEATURE_NAMES, features_of(simulated.variables).T, strict=True))
    me12 = simulated.hit[:, 1]
    assert np.isnan(table["phi_me12"][~me12]).all()
    assert np.isnan(table["gem_bend"][~(simulated.hit[:, 0] & simulated.hit[:, 9])]).all()
    without_station3 = ~simulated.hit[:, [3, 7]].any(axis=1)
    assert without_station3.any()
    for name in ("dphi_13", "dphi_23", "dphi_34", "dtheta_13", "dphi_sum4", "dphi_sum3", "outlier_station", "bend_3"):
        assert np.isnan(table[name][without_station3]).all(), name
    # and neither median nor centroid of a tensor has a hit there
    tensor = tensors.plane_map(simulated.variables, np.ones(len(simulated), np.float32))
    assert not tensor[~simulated.hit][:, :8].any()


def test_the_generator_is_not_among_the_inputs() -> None:
    """The article merges the generated phi and eta into its features; nothing here can."""
    own = {"q_over_pt", "gen_phi", "gen_eta", "phi", "eta"}
    for name, columns in FEATURE_SETS.items():
        assert not own & set(columns), name
    assert not set(PARAMETER_NAMES) & set(FEATURE_NAMES)
    assert list(FEATURE_NAMES[:87]) == list(VARIABLE_NAMES)
    # nor can a function that makes inputs see them: it is given the variables, never the roads
    for function in (derived_features, features_of, tensors.plane_map, tensors.hit_image, tensors.img5x5):
        annotations = inspect.get_annotations(function)
        assert not [kind for kind in annotations.values() if "Roads" in kind], function


def test_sign_is_not_an_input_of_the_folded_set() -> None:
    """With the sign among the inputs, folding would be undone."""
    assert all("fold_sign" not in columns for columns in FEATURE_SETS.values())
    assert features.SIGN in FEATURE_NAMES
