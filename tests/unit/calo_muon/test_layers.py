"""Profiles along the muon's path: a plain oracle, and the symmetries that they must have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from hitforge.hits import CellHits
from hitforge.studies.calo_muon.data.geometry import Geometry, load_geometry
from hitforge.studies.calo_muon.data.layers import as_tensor, channel_names, layer_profiles, layer_summaries
from hitforge.studies.calo_muon.features import column_units, feature_set, summary_units
from hitforge.studies.calo_muon.settings import LayerSettings

GEOMETRY = load_geometry("pbwo4_40.64mm")
SETTINGS = LayerSettings()
NAMES = channel_names(SETTINGS)
LENGTHS = [NAMES.index(name) for name in ("mean_x", "mean_y", "rms_r")]


def shower(seed: int, n_hits: int = 400) -> NDArray[np.float32]:
    """A grid with hits of all sizes, denser near its middle; the last layers stay empty."""
    rng = np.random.default_rng(seed)
    grid = np.zeros(GEOMETRY.shape, np.float32)
    where = (
        rng.integers(0, 45, n_hits),
        np.clip(rng.normal(16, 4, n_hits), 0, 31).astype(int),
        np.clip(rng.normal(16, 4, n_hits), 0, 31).astype(int),
    )
    grid[where] = 10 ** rng.uniform(-6, 1, n_hits)
    return grid


def profiles(grid: NDArray[np.float32], x: float, y: float, chosen: LayerSettings = SETTINGS) -> NDArray[np.float32]:
    hits = CellHits.from_dense(grid.reshape(1, -1))
    return layer_profiles(hits, np.array([x]), np.array([y]), GEOMETRY, chosen)[0]


def oracle(grid: NDArray[np.float32], x: float, y: float, g: Geometry, s: LayerSettings) -> NDArray[np.float64]:
    """Layer by layer with whole masks."""
    dx = (np.arange(g.n_x) + 0.5 - g.n_x / 2) * g.pitch_x_mm - x
    dy = (np.arange(g.n_y) + 0.5 - g.n_y / 2) * g.pitch_y_mm - y
    r2 = dx[:, None] ** 2 + dy[None, :] ** 2
    ring = np.searchsorted(np.square(s.rings_mm), r2, side="right")
    columns = []
    for layer in grid:
        e = layer.astype(np.float64)
        total = e.sum()
        mean = [(e * offset).sum() / total if total else 0.0 for offset in (dx[:, None], dy[None, :], r2)]
        classes = np.searchsorted(np.float32(s.class_edges_gev), layer, side="left")
        largest = np.sort(e.ravel())[::-1][: s.largest_cells]
        columns.append(
            [
                *(e[ring == k].sum() for k in range(len(s.rings_mm) + 1)),
                *((layer > np.float32(edge)).sum() for edge in s.cell_thresholds_gev),
                *(e[classes == k].sum() for k in range(len(s.class_edges_gev) + 1)),
                *largest,
                total,
                mean[0],
                mean[1],
                np.sqrt(mean[2]),
            ]
        )
    return np.array(columns).T


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), x=st.floats(-20, 20), y=st.floats(-20, 20), n=st.sampled_from([0, 1, 30, 3000]))
def test_profiles_equal_the_oracle(seed: int, x: float, y: float, n: int) -> None:
    grid = shower(seed, n)
    np.testing.assert_allclose(profiles(grid, x, y), oracle(grid, x, y, GEOMETRY, SETTINGS), rtol=2e-6, atol=1e-9)


def test_thresholds_are_exclusive_to_the_last_bit() -> None:
    grid = np.zeros(GEOMETRY.shape, np.float32)
    edges = np.array(SETTINGS.cell_thresholds_gev, np.float32)
    for i, edge in enumerate(edges):
        grid[i, 16, 16], grid[i, 16, 17] = edge, np.nextafter(edge, np.float32(9))
    found = profiles(grid, 0.0, 0.0)
    first = NAMES.index("cells_1mev")
    for i in range(len(edges)):
        assert found[first + i, i] == 1.0
    np.testing.assert_allclose(found, oracle(grid, 0.0, 0.0, GEOMETRY, SETTINGS), rtol=2e-6)


def test_other_settings_and_geometries_equal_the_oracle() -> None:
    odd = LayerSettings(
        rings_mm=(4.0,), cell_thresholds_gev=(0.05, 0.5), class_edges_gev=(0.02,), largest_cells=0, floor_gev=1e-3
    )
    grid = shower(3)
    assert len(channel_names(odd)) == 2 + 2 + 2 + 0 + 4
    np.testing.assert_allclose(profiles(grid, 3.0, -4.0, odd), oracle(grid, 3.0, -4.0, GEOMETRY, odd), rtol=2e-6)
    small = Geometry.model_validate(
        GEOMETRY.model_dump() | {"name": "small", "n_z": 7, "n_x": 5, "n_y": 9, "pitch_x_mm": 6.0}
    )
    block = np.random.default_rng(1).random(small.shape).astype(np.float32)
    found = layer_profiles(CellHits.from_dense(block.reshape(1, -1)), np.ones(1), np.ones(1), small, SETTINGS)[0]
    np.testing.assert_allclose(found, oracle(block, 1.0, 1.0, small, SETTINGS), rtol=2e-6)


def test_a_mirrored_shower_changes_the_sign_of_one_mean() -> None:
    """Field along y: y -> -y is a symmetry, and x -> -x with the other charge."""
    grid, here = shower(5), profiles(shower(5), 2.0, 3.0)
    for axis, position, name in ((2, (2.0, -3.0), "mean_y"), (1, (-2.0, 3.0), "mean_x")):
        mirrored = profiles(np.flip(grid, axis).copy(), *position)
        expected = here.copy()
        expected[NAMES.index(name)] *= -1
        np.testing.assert_allclose(mirrored, expected, rtol=1e-5, atol=1e-6)


def test_a_shift_by_a_cell_with_the_track_changes_nothing() -> None:
    grid = shower(6)
    grid[:, :2], grid[:, -2:], grid[:, :, :2], grid[:, :, -2:] = 0, 0, 0, 0
    moved = np.roll(grid, (1, -1), axis=(1, 2))
    here, there = profiles(grid, 1.0, 2.0), profiles(moved, 1.0 + 3.75, 2.0 - 3.75)
    np.testing.assert_allclose(there, here, rtol=1e-5, atol=1e-5)


def test_energies_scale_and_lengths_do_not() -> None:
    grid = shower(7)
    here, doubled = profiles(grid, 0.0, 0.0), profiles(2 * grid, 0.0, 0.0)
    energies = [i for i, name in enumerate(NAMES) if name.startswith(("ring", "largest", "total"))]
    np.testing.assert_array_equal(doubled[energies], 2 * here[energies])
    np.testing.assert_allclose(doubled[LENGTHS], here[LENGTHS], rtol=1e-6)
    counts = [i for i, name in enumerate(NAMES) if name.startswith("cells")]
    assert np.all(doubled[counts] >= here[counts])


def test_classes_and_rings_add_up_to_the_total() -> None:
    found = profiles(shower(8), 5.0, 5.0)
    for kind in ("ring", "class"):
        parts = [i for i, name in enumerate(NAMES) if name.startswith(kind)]
        np.testing.assert_allclose(found[parts].sum(axis=0), found[NAMES.index("total")], rtol=1e-5)


def test_the_tensor_has_logarithms_and_centimetres() -> None:
    raw = profiles(shower(9), 0.0, 0.0)[None]
    tensor = as_tensor(raw.copy(), SETTINGS)
    total, count = NAMES.index("total"), NAMES.index("cells_10mev")
    np.testing.assert_allclose(tensor[:, total], np.log(1 + raw[:, total] / 1e-4), rtol=1e-6)
    np.testing.assert_allclose(tensor[:, count], np.log(1 + raw[:, count]), rtol=1e-6)
    np.testing.assert_allclose(tensor[:, -3:], raw[:, -3:] / 10, rtol=1e-6)


def test_summaries_by_hand() -> None:
    grid = shower(10)
    raw = profiles(grid, 0.0, 0.0)
    columns = dict(zip(summary_units(SETTINGS), layer_summaries(raw[None], SETTINGS)[0].tolist(), strict=True))
    layers = np.sort(grid.sum(axis=(1, 2), dtype=np.float64))
    assert columns["layer_max_1"] == pytest.approx(layers[-1], rel=1e-6)
    assert columns["layer_max_12"] == pytest.approx(layers[-12], rel=1e-6)
    assert columns["layer_q50"] == pytest.approx(layers[24], rel=1e-6)
    assert columns["cells_above_10mev"] == (grid > np.float32(0.01)).sum()
    assert columns["layer_sqrt"] == pytest.approx(np.sqrt(layers).sum(), rel=1e-6)
    assert columns["ring_energy_0"] == pytest.approx(raw[0].sum(), rel=1e-6)
    assert columns["ring_log_7"] == pytest.approx(np.log1p(raw[7].astype(float) / 1e-4).mean(), rel=1e-6)


def test_names_are_told_apart() -> None:
    columns = column_units(SETTINGS)
    assert len(columns) == 28 + 2 + 41
    assert set(feature_set("layers", layers=SETTINGS)) == set(columns) - {"entry_x", "entry_y"}
    with pytest.raises(ValueError, match="known: default, esum, filtered, layers, none"):
        feature_set("everything", layers=SETTINGS)
    with pytest.raises(ValidationError, match="rings_mm must rise"):
        LayerSettings(rings_mm=(5.0, 2.5))


def test_a_muon_without_entry_point_is_refused() -> None:
    with pytest.raises(ValueError, match="fold files lack"):
        profiles(shower(1), np.nan, 0.0)
