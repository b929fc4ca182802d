"""Tensors against a hit-by-hit oracle; the image keeps phi to one unit."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.studies.csc_muon.data.derived import derived_features
from hitforge.studies.csc_muon.data.roads import Roads
from hitforge.studies.csc_muon.models.tensors import IMAGE_ROWS, hit_image, img5x5, plane_map
from hitforge.studies.csc_muon.settings import SimulationSettings
from hitforge.studies.csc_muon.simulation.generate import simulate_roads
from tests.unit.csc_muon import oracles
from tests.unit.csc_muon.oracles import Hit, hits_of, road

Z_CM = (599, 697, 827, 938, 1027, 709, 791, 969, 1060, 566, 795, 539)


@pytest.fixture(scope="module", params=["simulated", "random"])
def roads(request: pytest.FixtureRequest) -> Roads:
    if request.param == "random":
        return oracles.random_roads(200, 12)
    return next(simulate_roads(300, 4, SimulationSettings()))


def signs(roads: Roads) -> np.ndarray:
    return derived_features(roads.variables)[:, 0]


def median_theta(hits: dict[str, Hit]) -> float:
    return float(np.floor(np.median([hits[name].theta for name in oracles.NAMES[:5] if name in hits])))


def test_plane_map_like_the_oracle(roads: Roads) -> None:
    table = plane_map(roads.variables, signs(roads))
    for i, (row, sign) in enumerate(zip(roads.variables, signs(roads), strict=True)):
        hits = hits_of(row)
        phi = np.median([hit.phi for hit in hits.values()])
        expected = np.zeros((12, 9))
        expected[:, 8] = np.array(Z_CM) / 1000
        for plane, name in enumerate(oracles.NAMES):
            if name in hits:
                hit = hits[name]
                inner = hit.ring in (1, 4)
                expected[plane, :8] = [
                    *(sign * (hit.phi - phi) / 500, (hit.theta - median_theta(hits)) / 8, sign * hit.bend / 40),
                    *(hit.time, float(inner), float(not inner), 1.0 if hit.fr == 1 else -1.0, 1.0),
                ]
        np.testing.assert_allclose(table[i], expected, rtol=1e-5, atol=1e-6)
    assert table.dtype == np.float32


def test_hit_image_like_the_oracle(roads: Roads) -> None:
    image = hit_image(roads.variables, signs(roads))
    assert image.shape == (len(roads), 4, 12, 96)
    for i, (row, sign) in enumerate(zip(roads.variables, signs(roads), strict=True)):
        hits = hits_of(row)
        middle = median_theta(hits)
        reference = next((hits[name] for name in ("me2", "me3", "me4") if name in hits), None)
        if reference is None:
            reference = min(hits.values(), key=lambda hit: abs(hit.theta - middle))
        expected = np.zeros((4, 12, 96))
        for name, hit in hits.items():
            place = min(max(sign * (hit.phi - reference.phi) / 16 + 47.5, 0.0), 95.0)
            values = np.array([1.0, sign * hit.bend / 40, (hit.theta - middle) / 8, 1.0 if hit.fr == 1 else -1.0])
            for column in {int(place), min(int(place) + 1, 95)}:
                share = max(0.0, 1 - abs(place - column))
                expected[:, IMAGE_ROWS.index(name), column] = share * values
        np.testing.assert_allclose(image[i], expected, rtol=1e-4, atol=1e-5)


def test_centroid_keeps_phi_to_one_unit() -> None:
    offsets = np.arange(-700, 701)
    variables = np.array(
        [road({"me11": Hit(2400 + int(d), 20, 0, 0, 1, 1), "me2": Hit(2400, 20, 0, 0, 1, 1)}) for d in offsets],
        dtype=np.float32,
    )
    row = hit_image(variables, np.ones(len(offsets), np.float32))[:, 0, IMAGE_ROWS.index("me11")]
    np.testing.assert_allclose(row.sum(axis=1), 1, rtol=1e-6)
    assert ((row > 0).sum(axis=1) <= 2).all()
    centroid = (row @ np.arange(96) - 47.5) * 16
    np.testing.assert_allclose(centroid, offsets, atol=0.01)
    assert len(np.unique(np.rint(centroid))) == len(offsets)


def test_far_hits_are_in_the_outermost_columns() -> None:
    far = road({"me11": Hit(4000, 20, 0, 0, 1, 1), "me2": Hit(2400, 20, 0, 0, 1, 1), "me12": Hit(0, 50, 0, 0, 2, 0)})
    image = hit_image(np.array([far], dtype=np.float32), np.ones(1, np.float32))[0, 0]
    assert image[IMAGE_ROWS.index("me11"), 95] == 1
    assert image[IMAGE_ROWS.index("me12"), 0] == 1


def test_seed_image_uses_the_ranges_of_training() -> None:
    rng = np.random.default_rng(1)
    train = rng.normal(size=(50, 23)).astype(np.float32)
    low, high = train.min(axis=0), train.max(axis=0)
    high[3] = low[3]  # a constant column
    features = np.vstack([train[:4], train[:1] + 100, np.full((1, 23), np.nan)]).astype(np.float32)
    image = img5x5(features, low, high)
    assert image.shape == (6, 1, 5, 5)
    for i, row in enumerate(features):
        for column in range(23):
            width = high[column] - low[column]
            scaled = (row[column] - low[column]) / width if width and not np.isnan(row[column]) else 0
            assert image[i, 0, column // 5, column % 5] == pytest.approx(255 * min(max(scaled, 0), 1), rel=1e-5)
    assert not image[:, 0, 4, 3:].any()
    with pytest.raises(ValueError, match="seed23"):
        img5x5(features[:, :19], low[:19], high[:19])
