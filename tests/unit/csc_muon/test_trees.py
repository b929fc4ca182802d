"""Boosted trees and the lookup table: labels, folding, columns, and planes left out."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.config import load_settings
from hitforge.studies.base import Study, load_study
from hitforge.studies.csc_muon.data.derived import features_of
from hitforge.studies.csc_muon.data.roads import Roads
from hitforge.studies.csc_muon.evaluation import sample
from hitforge.studies.csc_muon.features import FEATURE_NAMES, SIGN
from hitforge.studies.csc_muon.models import targets
from hitforge.studies.csc_muon.settings import SimulationSettings
from hitforge.studies.csc_muon.simulation.generate import simulate_roads
from hitforge.yaml_files import ConfigError

X = np.array([0.4, -0.1, -0.05, 0.002, 0.0002], dtype=np.float32)


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study("csc_muon", load_settings({"studies": ["csc_muon"]}).studies["csc_muon"])


@pytest.fixture(scope="module")
def roads() -> Roads:
    return Roads.concatenate(list(simulate_roads(4000, 5, SimulationSettings())))


def test_labels_and_their_inverse() -> None:
    np.testing.assert_allclose(targets.label_of("log2_pt", X), np.log2([2.5, 10, 20, 500, 1000]), rtol=1e-6)
    for target in ("log2_pt", "inverse_pt", "q_over_pt"):
        found = targets.inverse_pt_of(target, targets.label_of(target, X))
        # log2 pT is clipped at 1000 GeV, the others are not below 1/7000
        last = 0.001 if target == "log2_pt" else 0.0002
        np.testing.assert_allclose(found, [0.4, 0.1, 0.05, 0.002, last], rtol=1e-5)


def test_classes_are_those_of_the_evaluation() -> None:
    pt = np.array([2.0, 10.0, 10.1, 30.0, 99.0, 100.1, 6000.0])
    np.testing.assert_array_equal(targets.class_of(1 / pt), sample.pt_class(pt))


def test_weights_are_capped() -> None:
    np.testing.assert_allclose(targets.weight_of("inverse_pt", X), [0.4, 0.1, 0.05, 0.002, 0.001], rtol=1e-6)
    np.testing.assert_allclose(targets.weight_of("inverse_sqrt_pt", X[:1]), [np.sqrt(0.4)], rtol=1e-6)


def test_boosters_of_hgb(study: Study) -> None:
    features = np.full((5, len(FEATURE_NAMES)), np.nan, dtype=np.float32)
    features[:, FEATURE_NAMES.index(SIGN)] = [1, 1, -1, -1, 1]
    momentum, charge, classes = study.booster_tasks("hgb")
    assert study.settings.models["hgb"].n_files == 3
    assert momentum.settings.tune is not None and charge.settings.tune is classes.settings.tune is None
    np.testing.assert_allclose(momentum.label(features, X), targets.label_of("log2_pt", X))
    assert charge.label(features, X).tolist() == [1, 0, 1, 0, 1]
    assert classes.label(features, X).tolist() == [0, 0, 1, 3, 3]
    log2_pt = np.log2(np.array([2.5, 10, 20, 500, 7000], dtype=np.float32))
    probabilities = np.full((5, 4), 0.25, dtype=np.float32)
    said = np.array([0.9, 0.2, 0.9, 0.2, 0.6], dtype=np.float32)
    columns = study.tree_columns("hgb", [log2_pt, said, probabilities], features)
    np.testing.assert_allclose(columns["charge_probability"], [0.9, 0.2, 0.1, 0.8, 0.6], rtol=1e-6)
    np.testing.assert_allclose(columns["q_over_pt"], [0.4, -0.1, -0.05, 0.002, 1 / 7000], rtol=1e-5)


def test_an_unsigned_model_says_nothing_of_the_charge(study: Study) -> None:
    features = np.ones((2, len(FEATURE_NAMES)), dtype=np.float32)
    columns = study.tree_columns("seed-bdt", [np.array([0.3, -0.1], dtype=np.float32)], features)
    assert set(columns) == {"inverse_pt"}
    np.testing.assert_allclose(columns["inverse_pt"], [0.3, 0.1], rtol=1e-6)


def test_lookup_table_is_the_median_of_its_cell(study: Study, roads: Roads) -> None:
    features = features_of(roads.variables)
    table = study.fit_table("dphi-lut", features, roads.q_over_pt, np.ones(len(features), np.float32))
    columns = study.table_columns("dphi-lut", table, features)
    dphi = np.abs(features[:, FEATURE_NAMES.index("dphi_12")])
    for zone, rows in enumerate(table["pairs"]["12"]["inverse_pt"]):
        assert np.all(np.diff(rows) >= 0), "more bending is less momentum"
        assert len(rows) == len(table["pairs"]["12"]["edges"]) + 1
        assert features[:, FEATURE_NAMES.index("zone")].max() >= zone
    known = np.isfinite(dphi)
    error = np.abs(columns["inverse_pt"] - np.abs(roads.q_over_pt))
    constant = np.abs(np.median(np.abs(roads.q_over_pt)) - np.abs(roads.q_over_pt))
    assert error[known].mean() < 0.35 * constant[known].mean()
    # roads without that pair use the next one
    assert np.median(error[~known]) < np.median(constant[~known])
    assert np.mean(np.sign(columns["q_over_pt"]) == np.sign(roads.q_over_pt)) > 0.95


def test_a_weight_in_the_lookup_counts_a_muon_so_many_times(study: Study, roads: Roads) -> None:
    features, weight = features_of(roads.variables), np.arange(len(roads), dtype=np.float32) % 3
    kept = np.repeat(np.arange(len(roads)), weight.astype(int))
    weighted = study.fit_table("dphi-lut", features, roads.q_over_pt, weight)
    repeated = study.fit_table("dphi-lut", features[kept], roads.q_over_pt[kept], np.ones(len(kept), np.float32))
    assert weighted["default"] == repeated["default"]
    equal = study.fit_table("dphi-lut", features, roads.q_over_pt, np.full(len(roads), 2, np.float32))
    plain = study.fit_table("dphi-lut", features, roads.q_over_pt, np.ones(len(roads), np.float32))
    assert equal == plain != weighted


def test_planes_left_out_are_not_seen(study: Study, roads: Roads) -> None:
    features = features_of(roads.variables)
    model = "hgb-fixed-csc-only"
    seen = study.model_features(model, features)
    names = study.feature_set(study.settings.models[model].features)
    assert np.isnan(seen[:, names.index("me0_bend")]).all()
    assert (seen[:, names.index("mask_re1")] == 1).all()
    # RPC no longer fill in for a missing CSC hit
    assert np.nanmax(seen[:, names.index("rpc_2")]) == 0
    changed = features.copy()
    changed[:, FEATURE_NAMES.index("phi_me0")] += 100
    np.testing.assert_array_equal(study.model_features(model, changed), seen)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": "everything"}, "not known"),
        ({"without": ["me5"]}, "planes"),
        ({"kind": "network", "network": {"architecture": "seed_cnn2d"}, "features": "emtf"}, "seed23"),
        ({"class_weights": [1.0, 2.0]}, "four are needed"),
    ],
)
def test_models_that_make_no_sense_are_refused(change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings({"studies": ["csc_muon"], "csc_muon": {"models": {"hgb": change}}})
