"""The road generator against the published statistics of the original data and against itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import uproot

from hitforge.studies.csc_muon.data.planes import CSC_PLANES, PLANE, PLANES, theta_units, zone_of
from hitforge.studies.csc_muon.data.roads import Roads
from hitforge.studies.csc_muon.settings import SimulationSettings
from hitforge.studies.csc_muon.simulation import generate
from hitforge.studies.csc_muon.simulation.constants import load_constants
from hitforge.studies.csc_muon.simulation.generate import simulate_roads
from hitforge.studies.csc_muon.simulation.road_words import road_words, straightness_of
from hitforge.studies.csc_muon.simulation.write import write_part

PLAIN = SimulationSettings()


def simulate(n_guns: int, seed: int, settings: SimulationSettings = PLAIN) -> Roads:
    return Roads.concatenate(list(simulate_roads(n_guns, seed, settings)))


@pytest.fixture(scope="module")
def roads() -> Roads:
    return simulate(100_000, 2)


def test_regression_table(roads: Roads) -> None:
    """Marginals of the prototype, which was set to match the original's; 1.5 points or 3 %."""
    missing = 100 * (1 - roads.hit.mean(axis=0))
    expected = [23.1, 71.6, 17.6, 20.3, 22.2, 88, 92, 45, 49, 49, 36, 66]
    np.testing.assert_allclose(missing, expected, atol=1.5)
    assert len(roads) / 100_000 == pytest.approx(0.776, rel=0.03)
    pt = 1 / np.abs(roads.q_over_pt.astype(np.float64))
    shares = 100 * np.histogram(pt, [0, 10, 30, 100, np.inf])[0] / len(roads)
    np.testing.assert_allclose(shares, [77.51, 15.01, 5.30, 2.18], atol=1.5)
    np.testing.assert_allclose(shares[:3], [77.51, 15.01, 5.30], rtol=0.03)
    all_four = roads.hit[:, [PLANE[name] for name in ("me11", "me2", "me3", "me4")]].all(axis=1)
    assert 100 * all_four.mean() == pytest.approx(36.96, abs=1.5)
    modes = [np.mean(roads.mode == mode) for mode in (15, 14, 13, 11)]
    np.testing.assert_allclose(modes, [0.748, 0.104, 0.085, 0.063], atol=0.015)
    x = roads.q_over_pt.astype(np.float64)
    assert x.var() == pytest.approx(0.0687, rel=0.03)
    assert np.abs(x).var() == pytest.approx(0.0178, rel=0.03)
    zones = np.bincount(roads.variables[:, 85].astype(int), minlength=6) / len(roads)
    np.testing.assert_allclose(zones, [0.232, 0.166, 0.172, 0.082, 0.140, 0.208], atol=0.015)
    words = np.bincount(roads.variables[:, 84].astype(int), minlength=9) / len(roads)
    assert words.min() > 0.085
    assert words.max() < 0.165
    assert np.corrcoef(roads.variables[:, 84], x)[0, 1] == pytest.approx(0.974, abs=0.015)


def test_me12_columns_against_the_published_table(roads: Roads) -> None:
    hit = roads.hit[:, PLANE["me12"]]
    phi, theta, bend, time, ring, front = (
        roads.block(name)[hit, PLANE["me12"]] for name in ("phi", "theta", "bend", "time", "ring", "fr")
    )
    assert phi.mean() == pytest.approx(2935, rel=0.03)
    assert phi.std() == pytest.approx(1081, rel=0.03)
    np.testing.assert_allclose(np.percentile(phi, [25, 50, 75]), [2035, 2930, 3837], rtol=0.03)
    assert theta.mean() == pytest.approx(63.9, rel=0.03)
    assert theta.std() == pytest.approx(11.8, rel=0.03)
    assert (theta.min(), theta.max()) == (46, 88)
    assert bend.std() == pytest.approx(20.2, rel=0.03)
    np.testing.assert_allclose(np.percentile(bend, [25, 50, 75]), [-12, 0, 12], atol=1.5)
    assert time.mean() == pytest.approx(-0.029, abs=0.005)
    assert set(np.unique(time)) == {-1, 0}
    assert (ring == 2).all()
    assert front.mean() == pytest.approx(0.468, rel=0.03)


def test_hits_are_integers_inside_their_chambers(roads: Roads) -> None:
    hit = roads.hit
    for name in ("phi", "theta", "bend", "time", "ring", "fr"):
        block = roads.block(name)
        np.testing.assert_array_equal(np.isnan(block), ~hit)
        np.testing.assert_array_equal(block[hit], np.rint(block[hit]))
    assert np.isin(roads.block("mask"), [0, 1]).all()
    for plane, about in enumerate(PLANES):
        theta = roads.block("theta")[hit[:, plane], plane]
        inside = np.zeros(len(theta), dtype=bool)
        for low, high in about.theta:
            inside |= (theta >= low) & (theta <= high)
        assert inside.all(), about.name
        assert roads.block("phi")[hit[:, plane], plane].min() >= 0
    assert not np.isnan(roads.variables[:, 84:]).any()
    np.testing.assert_array_equal(roads.n_hits, hit.sum(axis=1))


def test_mode_is_that_of_the_stations(roads: Roads) -> None:
    hit = roads.hit
    for i in range(300):
        stations = {PLANES[plane].station for plane in np.flatnonzero(hit[i])}
        assert roads.mode[i] == sum({1: 8, 2: 4, 3: 2, 4: 1}[station] for station in stations)
    assert set(np.unique(roads.mode)) == {11, 13, 14, 15}
    assert hit[:, list(CSC_PLANES)].any(axis=1).all()


def test_median_theta_and_zone_come_from_the_csc_hits(roads: Roads) -> None:
    edges = [2.15, 1.98, 1.8, 1.7, 1.55]
    for i in range(300):
        theta = roads.block("theta")[i, :5]
        middle = np.floor(np.median(theta[~np.isnan(theta)]))
        eta = -np.log(np.tan(np.radians(8.5 + middle * 36.5 / 128) / 2))
        assert roads.variables[i, 86] == middle
        assert roads.variables[i, 85] == sum(eta < edge for edge in edges)


def test_theta_units_and_zones() -> None:
    """|eta| 1.2 and 2.4 are at 33.524 and 10.367 degrees; the six numbers are inside zones 0 to 5."""
    np.testing.assert_allclose(theta_units(np.array([1.2, -2.4])) * 36.5 / 128 + 8.5, [33.524, 10.367], atol=1e-3)
    assert zone_of(theta_units(np.array([2.3, 2.0, 1.9, 1.75, 1.6, 1.3]))).tolist() == [0, 1, 2, 3, 4, 5]


def test_straightness_by_hand() -> None:
    """Zone 4 of centre 1.625: slopes 1060 (ME1/1), 0 (ME2), -53 (ME3) GeV/60 deg."""
    phi = np.full((12, 3), np.nan, dtype=np.float32)
    phi[0], phi[2], phi[3] = [2944, 2944, 2624], [2944, 2624, 2944], [2944, 2624, 2944]
    # steps of 32 leave multiples of 32: q/pT near 0, 320 / 1060 and 320 / 1113, and their negatives
    zone = np.array([4, 4, 4])
    assert straightness_of(phi, zone, load_constants()).tolist() == [4, 7, 1]


def test_road_words_do_not_see_the_generator(roads: Roads) -> None:
    """The words are made again from the written hits alone."""
    words = road_words(roads.block("phi").T.copy(), roads.block("theta").T.copy(), load_constants())
    for column, word in zip((84, 85, 86), words, strict=True):
        np.testing.assert_array_equal(roads.variables[:, column], word)


def test_a_muon_depends_on_seed_and_number_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "GUNS_PER_CHUNK", 500)
    few, many = simulate(700, 5), simulate(1_300, 5)
    np.testing.assert_array_equal(few.variables, many.variables[: len(few)])
    np.testing.assert_array_equal(few.event, many.event[: len(few)])
    assert len(np.unique(many.event)) == len(many)
    other = simulate(700, 6)
    assert not np.isin(other.event, few.event).any()
    assert not np.isin(other.q_over_pt, few.q_over_pt).all()


def test_displaced_muons_do_not_point_to_the_vertex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "GUNS_PER_CHUNK", 20_000)
    plain, displaced = simulate(20_000, 3), simulate(20_000, 3, SimulationSettings(displaced=True))

    def scatter(roads: Roads) -> float:
        straight = np.abs(roads.q_over_pt) < 0.02
        difference = roads.block("phi")[straight, PLANE["me11"]] - roads.block("phi")[straight, PLANE["me3"]]
        return float(np.nanstd(difference))

    assert scatter(displaced) > 5 * scatter(plain)


def test_foreign_hits_replace_true_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "GUNS_PER_CHUNK", 20_000)
    plain, dirty = simulate(20_000, 3), simulate(20_000, 3, SimulationSettings(pileup_hits=0.02))
    np.testing.assert_array_equal(dirty.hit, plain.hit)
    changed = (dirty.block("phi") != plain.block("phi"))[plain.hit]
    assert changed.mean() == pytest.approx(1 - np.exp(-0.02), rel=0.1)


def test_showers_spoil_the_outer_stations_of_fast_muons_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "GUNS_PER_CHUNK", 100_000)
    plain, showers = simulate(100_000, 3), simulate(100_000, 3, SimulationSettings(showering=True))
    np.testing.assert_array_equal(showers.hit, plain.hit)
    changed = (showers.block("phi") != plain.block("phi")) & plain.hit
    fast = np.abs(plain.q_over_pt) < 1 / 200
    outer = [PLANE["me2"], PLANE["me3"], PLANE["me4"]]
    assert not changed[~fast].any()
    assert not np.delete(changed, outer, axis=1).any()
    # few of 770 muons: half of the lot within four standard deviations
    share = changed[fast].any(axis=1).mean()
    assert 0.01 < share < 0.06
    size = np.abs(showers.block("phi") - plain.block("phi"))[changed]
    assert 3 < np.median(size) < 12


def test_written_part_reads_back(tmp_path: Path, roads: Roads) -> None:
    path = tmp_path / "folder" / "part.root"
    some = roads.take(slice(0, 500))
    assert write_part(path, [some.take(slice(0, 300)), some.take(slice(300, 500))]) == 500
    with uproot.open(path) as file:
        data = file["muons"].arrays(library="np")
    np.testing.assert_array_equal(data["variables"], some.variables)
    np.testing.assert_array_equal(data["parameters"], some.parameters)
    for name, values in (("event", some.event), ("n_hits", some.n_hits), ("mode", some.mode), ("w", some.weight)):
        assert data[name].dtype == values.dtype
        np.testing.assert_array_equal(data[name], values)
    assert [p.name for p in path.parent.iterdir()] == ["part.root"]


def test_a_failed_write_leaves_nothing(tmp_path: Path, roads: Roads) -> None:
    def broken() -> object:
        yield roads.take(slice(0, 10))
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_part(tmp_path / "part.root", broken())
    assert list(tmp_path.iterdir()) == []


def test_a_part_without_roads_has_its_tree(tmp_path: Path) -> None:
    write_part(tmp_path / "part.root", [])
    with uproot.open(tmp_path / "part.root") as file:
        assert file["muons"].num_entries == 0
        assert "variables" in file["muons"]


def test_foreign_hits_stay_in_their_chamber() -> None:
    dirty = simulate(10_000, 3, SimulationSettings(pileup_hits=0.5))
    hit = dirty.hit
    for plane, about in enumerate(PLANES):
        theta = dirty.block("theta")[hit[:, plane], plane]
        assert np.any([(theta >= low) & (theta <= high) for low, high in about.theta], axis=0).all(), about.name
        bend = dirty.block("bend")[hit[:, plane], plane]
        assert np.abs(bend).max() <= {"RPC": 0}.get(about.type, 1 if about.name in ("me2", "me3", "me4") else 82)
