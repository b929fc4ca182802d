"""High-level features: published golden values, an obvious oracle, and showers with known answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.hits import CellHits
from hitforge.studies.calo_muon.data.geometry import load_geometry
from hitforge.studies.calo_muon.data.ntuple import read_muons
from hitforge.studies.calo_muon.data.reading import high_level_features
from hitforge.studies.calo_muon.features import (
    FEATURE_MEANINGS,
    FEATURE_NAMES,
    FEATURE_SETS,
    FEATURE_UNITS,
    clip_features,
)
from tests.unit.calo_muon.oracle_features import oracle_features

GEOMETRY = load_geometry("pbwo4_40.64mm")

GOLDEN_EVENTS = (0, 2, 3, 4, 8)
GOLDEN = {
    "eabove": (2.15408, 0.463916, 11.7769, 15.2237, 4.78284),
    "rmom": (0.651271, 0.307333, 0.689883, 0.498782, 2.00722),
    "rmom1": (1.02901, 1.12547, 0.273998, 0.568602, 1.04112),
    "r2m": (140.386, 121.864, 182.284, 157.460, 241.611),
    "r2m1": (157.968, 116.704, 164.833, 51.0950, 164.292),
    "r2m2": (135.051, 60.7360, 196.255, 195.932, 434.543),
    "r2m3": (190.108, 135.744, 158.728, 36.6848, 164.469),
    "r2m4": (66.0750, 159.378, 182.148, 93.7338, 189.859),
    "r2m5": (128.710, 90.9688, 188.456, 176.532, 141.176),
    "nclu": (7, 1, 6, 3, 8),
    "ncellmax": (3, 1, 18, 25, 5),
    "eclumax": (0.591349, 0.102073, 5.28458, 10.1302, 1.12585),
    "maxdepthx": (1, 0, 2, 4, 1),
    "maxdepthy": (1, 0, 2, 3, 1),
    "maxdepthz": (1, 0, 8, 4, 2),
    "epercell": (0.197116, 0.102073, 0.293588, 0.405206, 0.225169),
    "avgcells": (1.85714, 1, 6.83333, 14, 2.75),
    "nclu1": (0, 3, 0, 0, 1),
    "ncellmax1": (0, 1, 0, 0, 1),
    "eclumax1": (0.527106, 0.474510, 0.611105, 0.844300, 0.650944),
    "epercell1": (0, 0.134451, 0, 0, 0.107121),
    "avgcells_off_trk": (0, 1, 0, 0, 1),
    "ymom": (-6.73306, 2.01060, -15.9238, -6.85371, -16.2320),
    "xmom": (3.48069, -0.719075, -7.97324, -21.6967, 22.7068),
    "emeas": (-391.286, 529.348, -2861.66, -5226.59, 886.119),
    "maxsum": (0.552681, 0.478519, 0.632508, 0.923581, 0.742968),
    "eb1": (2.28170, 1.51601, 5.94395, 4.59997, 4.37457),
    "ea1": (4.37819, 3.73895, 8.00426, 9.38374, 7.18112),
}


def features_of(grid: np.ndarray, x: float, y: float, geometry=GEOMETRY) -> dict[str, float]:
    hits = CellHits.from_dense(grid.reshape(1, -1).astype(np.float32))
    row = high_level_features(hits, np.array([x]), np.array([y]), geometry)[0]
    return dict(zip(FEATURE_NAMES, row.tolist(), strict=True))


def assert_equals_oracle(grid: np.ndarray, x: float, y: float) -> None:
    got = features_of(grid, x, y)
    expected = dict(zip(FEATURE_NAMES, oracle_features(grid.astype(np.float32), x, y), strict=True))
    emeas, expected_emeas = got.pop("emeas"), expected.pop("emeas")
    assert got == pytest.approx(expected, rel=2e-6, abs=1e-6)
    # an almost straight track has a radius made of rounding: compare curvatures
    if expected_emeas == 0.0 or emeas == 0.0:
        assert abs(emeas) in (0.0, pytest.approx(abs(expected_emeas))) or abs(emeas) + abs(expected_emeas) > 1e6
    else:
        assert 1 / emeas == pytest.approx(1 / expected_emeas, rel=1e-5, abs=1e-9)


@pytest.fixture(scope="module")
def golden_features(reference_data: Path) -> np.ndarray:
    rows = [
        high_level_features(muons.hits, muons.x_mm, muons.y_mm, GEOMETRY)
        for _, muons in read_muons(reference_data / "cmu_0.root", GEOMETRY)
    ]
    return np.concatenate(rows)


@pytest.mark.parametrize("name", FEATURE_NAMES)
def test_golden_values_of_the_original(golden_features: np.ndarray, name: str) -> None:
    got = golden_features[list(GOLDEN_EVENTS), FEATURE_NAMES.index(name)]
    np.testing.assert_allclose(got, GOLDEN[name], rtol=1e-5, atol=1e-5)


def test_original_muons_equal_oracle(reference_data: Path) -> None:
    for _, muons in read_muons(reference_data / "cmu_0.root", GEOMETRY):
        grids = muons.hits.to_dense(GEOMETRY.n_cells).reshape(-1, *GEOMETRY.shape)
        for i in (1, 5, 9):  # not in the golden table
            assert_equals_oracle(grids[i], float(muons.x_mm[i]), float(muons.y_mm[i]))


def test_high_energy_showers_equal_oracle(reference_data: Path) -> None:
    _, muons = next(iter(read_muons(reference_data / "geant4_flat_06.root", GEOMETRY)))
    for i in np.argsort(-np.diff(muons.hits.indptr))[:3]:
        grid = muons.hits.slice(i, i + 1).to_dense(GEOMETRY.n_cells).reshape(GEOMETRY.shape)
        assert_equals_oracle(grid, float(muons.x_mm[i]), float(muons.y_mm[i]))


entry = st.floats(-20, 20, width=32).filter(lambda v: abs(v / 3.75 - round(v / 3.75)) > 1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), entry, entry, st.integers(0, 400), st.sampled_from(["line", "blob", "everywhere"]))
def test_random_showers_equal_oracle(seed: int, x: float, y: float, n_hit: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    cx, cy = int((x + 60) / 3.75), int((y + 60) / 3.75)
    grid = np.zeros(GEOMETRY.shape)
    if kind == "line":  # around the track
        place = (rng.integers(0, 50, n_hit), cx + rng.integers(-2, 3, n_hit), cy + rng.integers(-2, 3, n_hit))
    elif kind == "blob":  # dense cluster somewhere, often at an edge
        corner = [rng.integers(0, n - 5) for n in GEOMETRY.shape]
        place = tuple(c + rng.integers(0, 6, n_hit) for c in corner)
    else:
        place = tuple(rng.integers(0, n, n_hit) for n in GEOMETRY.shape)
    # a coarse set of values makes ties and values exactly at the edges common
    values = np.where(
        rng.random(n_hit) < 0.3, rng.choice([0.01, 0.05, 0.099, 0.11, 0.5], n_hit), 10 ** rng.uniform(-6, 0.5, n_hit)
    )
    grid[place] = values
    assert_equals_oracle(grid, x, y)


@pytest.mark.parametrize(("x", "column"), [(1.0, "track"), (-30.0, "off")])
def test_cluster_stops_at_1000_cells(x: float, column: str) -> None:
    grid = np.zeros(GEOMETRY.shape)
    rng = np.random.default_rng(3)
    grid[10:24, 12:22, 12:22] = rng.uniform(0.11, 0.5, (14, 10, 10))
    got = features_of(grid, x, 1.0)
    assert got["ncellmax" if column == "track" else "ncellmax1"] == 1000
    assert_equals_oracle(grid, x, 1.0)


def test_window_next_to_the_track_is_skipped() -> None:
    x = y = 1.0  # column (16, 16)
    grid = np.zeros(GEOMETRY.shape)
    grid[10, 17, 16] = 0.08
    grid[12, 17, 16] = 0.05
    got = features_of(grid, x, y)
    # windows of all other corners still see both cells
    assert got["maxsum"] == pytest.approx(0.13)
    assert_equals_oracle(grid, x, y)


def test_replaced_maximum_depends_on_scan_order() -> None:
    grid = np.zeros(GEOMETRY.shape)
    grid[5, 5, 5], grid[40, 20, 20] = 0.03, 0.09
    rising = features_of(grid, 1.0, 1.0)
    assert (rising["eclumax1"], rising["maxsum"]) == pytest.approx((0.03, 0.09))
    falling = features_of(grid[::-1, ::-1, ::-1], 1.0, 1.0)
    assert (falling["eclumax1"], falling["maxsum"]) == pytest.approx((0.0, 0.09))


def test_muon_without_hits_has_zeros() -> None:
    assert set(features_of(np.zeros(GEOMETRY.shape), 1.0, 1.0).values()) == {0.0}


def test_straight_track_has_no_bending_energy() -> None:
    grid = np.zeros(GEOMETRY.shape)
    grid[:, 17, 16] = 0.013
    assert features_of(grid, 5.0, 1.0)["emeas"] == 0.0


def test_bending_energy_sign_and_depth_follow_the_geometry() -> None:
    grid = np.zeros(GEOMETRY.shape)
    grid[10, 16, 16] = grid[40, 18, 16] = 0.05
    bent = features_of(grid, 1.0, 1.0)["emeas"]
    assert bent > 0.0  # towards +x: a mu-
    assert features_of(grid[:, ::-1], -1.0, 1.0)["emeas"] == pytest.approx(-bent)
    other = load_geometry("pbwo4_39.6mm")
    z_scale = 39.6 / 40.64
    assert features_of(grid, 1.0, 1.0, other)["emeas"] == pytest.approx(bent * z_scale**2, rel=1e-4)
    expected = oracle_features(grid.astype(np.float32), 1.0, 1.0, pitch_z=39.6)[FEATURE_NAMES.index("emeas")]
    assert features_of(grid, 1.0, 1.0, other)["emeas"] == pytest.approx(expected, rel=1e-6)


def test_events_do_not_leak_into_each_other() -> None:
    rng = np.random.default_rng(0)
    dense = np.where(rng.random((6, GEOMETRY.n_cells)) < 0.02, 10 ** rng.uniform(-5, 0.5, (6, GEOMETRY.n_cells)), 0)
    hits = CellHits.from_dense(dense.astype(np.float32))
    x, y = rng.uniform(-20, 20, (2, 6))
    together = high_level_features(hits, x, y, GEOMETRY)
    alone = [high_level_features(hits.slice(i, i + 1), x[i : i + 1], y[i : i + 1], GEOMETRY)[0] for i in range(6)]
    np.testing.assert_array_equal(together, alone)


def test_entry_outside_the_block_is_harmless() -> None:
    grid = np.zeros(GEOMETRY.shape)
    grid[3, 16, 16] = 0.3
    got = features_of(grid, 500.0, 1.0)
    assert (got["nclu"], got["nclu1"]) == (0.0, 1.0)


def test_clipping_takes_the_magnitude() -> None:
    column = FEATURE_NAMES.index("emeas")
    raw = np.zeros((4, 28), dtype=np.float32)
    raw[:, column] = [-391.0, 529.0, -2e9, 1e5]
    clipped = clip_features(raw)
    assert clipped[:, column].tolist() == [391.0, 529.0, 10_000.0, 10_000.0]
    assert clipped.dtype == np.float32
    assert raw[0, column] == -391.0


def test_feature_sets_and_tables() -> None:
    assert len(FEATURE_NAMES) == len(set(FEATURE_NAMES)) == 28
    assert list(FEATURE_UNITS) == list(FEATURE_MEANINGS) == list(FEATURE_NAMES)
    assert {name: len(names) for name, names in FEATURE_SETS.items()} == {"default": 28, "filtered": 19, "esum": 3}
    assert list(GOLDEN) == list(FEATURE_NAMES)


def test_cell_outside_the_geometry_is_an_error() -> None:
    hits = CellHits(np.array([0, 1]), np.array([51_200], dtype=np.uint16), np.array([1.0], dtype=np.float32))
    with pytest.raises(ValueError, match="cell 51200 is outside geometry"):
        high_level_features(hits, np.zeros(1), np.zeros(1), GEOMETRY)
    with pytest.raises(ValueError, match="1 muons with hits"):
        high_level_features(hits, np.zeros(2), np.zeros(1), GEOMETRY)
