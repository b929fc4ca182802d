"""Features against definitions written cell by cell; nothing of the generator among them."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.studies.scouting_egamma.data.high_level import energy_sums, features_of
from hitforge.studies.scouting_egamma.data.moments import log_weights, moments_of
from hitforge.studies.scouting_egamma.data.selection import select
from hitforge.studies.scouting_egamma.features import FEATURE_NAMES, FEATURE_SETS, FEATURE_UNITS
from tests.unit.scouting_egamma import oracles
from tests.unit.scouting_egamma.builders import changed, simulated

CANDIDATES = simulated()
CANDIDATES = CANDIDATES.take(select(CANDIDATES)[0])
FEATURES = dict(zip(FEATURE_NAMES, features_of(CANDIDATES).T, strict=True))


def test_against_definitions() -> None:
    for n in range(0, 2000, 7):
        is_eb = bool(CANDIDATES["is_EB"][n])
        expected = oracles.features(CANDIDATES.matrix[n], CANDIDATES["raw_energy"][n], is_eb)
        for name, value in expected.items():
            assert FEATURES[name][n] == pytest.approx(value, rel=2e-4, abs=2e-6), name


def test_letters_of_a_marked_matrix() -> None:
    matrix = np.arange(1, 26, dtype=np.float32).reshape(1, 5, 5)
    sums = {name: float(values[0]) for name, values in energy_sums(matrix).items()}
    assert sums == {
        "eMax": 13, "e2nd": 24, "eL": 8, "eR": 18, "eB": 12, "eT": 14, "e1x5": 65, "e3x3": 117, "e5x5": 325,
        "e2x5L": 55, "e2x5R": 205, "e2x5B": 115, "e2x5T": 145, "e2x5M": 155,
    }  # fmt: skip


def test_gap_distances() -> None:
    moments = moments_of(CANDIDATES.matrix)
    for n in np.flatnonzero(CANDIDATES["is_EB"] > 0)[:300]:
        d_mod = oracles.module_distance(int(CANDIDATES["ieta"][n]), float(moments.eta[n]))
        d_sm = oracles.supermodule_distance(int(CANDIDATES["iphi"][n]), float(moments.phi[n]))
        assert FEATURES["d_mod"][n] == pytest.approx(d_mod, abs=1e-4)
        assert FEATURES["d_sm"][n] == pytest.approx(d_sm, abs=1e-4)
    endcap = CANDIDATES["is_EB"] == 0
    assert np.isnan(FEATURES["d_sm"][endcap]).all() and np.isfinite(FEATURES["radius"][endcap]).all()


def test_scale_free_features_do_not_see_the_scale() -> None:
    doubled = {name: 2 * CANDIDATES[name] for name in ("energyMatrix", "raw_energy", "pse", "e_reco", "pt")}
    other = dict(zip(FEATURE_NAMES, features_of(changed(CANDIDATES, **doubled)).T, strict=True))
    for name in FEATURE_SETS["ours_ecal"]:
        shift = np.log(2) if name in ("ln_e5x5", "ln_pt") else 0
        np.testing.assert_allclose(other[name], FEATURES[name] + shift, rtol=1e-3, atol=1e-5, err_msg=name)


def test_log_weights_of_one_cell() -> None:
    matrix = np.zeros((2, 5, 5), np.float32)
    matrix[0, 2, 2] = 3
    weights = log_weights(matrix)
    assert weights[0, 2, 2] == pytest.approx(4.7) and weights.sum() == pytest.approx(4.7)
    assert moments_of(matrix).eta_eta.tolist() == [0, 0]


def test_only_what_has_no_meaning_is_missing() -> None:
    electron = CANDIDATES["is_electron"] > 0
    barrel = CANDIDATES["is_EB"] > 0
    for name, values in FEATURES.items():
        if name in ("d_sm", "d_mod", "module_place", "ieta_5", "iphi_2", "iphi_20"):
            assert np.isfinite(values[barrel]).all(), name
        elif name == "radius":
            assert np.isfinite(values[~barrel]).all()
        else:
            assert np.isfinite(values[electron]).all(), name


def test_truth_cannot_reach_a_model() -> None:
    assert set(FEATURE_UNITS) == set(FEATURE_NAMES) and len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)
    assert not [name for name in FEATURE_NAMES if name.startswith("gen_")]
    other = changed(
        CANDIDATES, gen_pt=CANDIDATES["gen_pt"] * 3, gen_eta=-CANDIDATES["gen_eta"], gen_phi=CANDIDATES["gen_phi"] + 1
    )
    np.testing.assert_array_equal(features_of(other), features_of(CANDIDATES))
    for columns in FEATURE_SETS.values():
        assert set(columns) <= set(FEATURE_NAMES)


def test_seed_set_has_20_calorimeter_features_beside_eta_and_8_of_the_track() -> None:
    assert len(FEATURE_SETS["seed_ecal"]) == 21 and len(FEATURE_SETS["seed"]) == 29
