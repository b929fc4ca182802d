"""Features against hand-made images and a slow oracle."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.studies.object_id.data.image import ImageSettings, to_gev, to_image
from hitforge.studies.object_id.features import (
    FEATURE_SETS,
    FEATURE_UNITS,
    HIGH_LEVEL,
    axis_distances,
    features_of,
    high_level,
)
from tests.unit.object_id.part_builders import IMAGE, hand_made, some_objects


def named(image: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(HIGH_LEVEL, high_level(image.astype(np.float64), IMAGE).T, strict=True))


def test_two_cells_by_hand() -> None:
    # 3 GeV at (+0.025, +0.025), 1 GeV two rows further in eta, 4 GeV in the hadronic cell beside
    found = named(hand_made({(0, 8, 8): 3.0, (0, 10, 8): 1.0, (1, 8, 9): 4.0}))
    expected = {
        "ln_T": np.log(8.0), "em_frac": 0.5, "R_had": 1.0, "sum_em": 4.0, "sum_had": 4.0, "n_cells_em": 2.0,
        "n_cells_had": 1.0, "max_em": 3.0, "max_frac_em": 0.75, "second_frac_em": 0.25, "second_frac_had": 0.0,
        "pTD_em": np.sqrt(10.0) / 4.0, "pTD_had": 1.0, "offset_eta_em": 0.05, "offset_phi_em": 0.025,
        "offset_eta_had": 0.025, "offset_phi_had": 0.075, "axis_distance": np.hypot(0.025, 0.05),
        "w_eta_em": np.sqrt(0.75 * 0.025**2 + 0.25 * 0.075**2), "w_phi_em": 0.0, "w_eta_had": 0.0,
        "n_maxima_em": 1.0, "n_maxima_had": 1.0, "R_eta": 0.75, "R_phi": 1.0, "w_s3": 0.0,
        "ring_01": 7.0 / 8.0, "ring_12": 1.0 / 8.0, "ring_24": 0.0,
    }  # fmt: skip
    for name, value in expected.items():
        assert found[name][0] == pytest.approx(value, abs=1e-6), name


def test_an_empty_channel_has_missing_features_and_nothing_infinite() -> None:
    found = named(hand_made({(0, 8, 8): 2.0}))
    assert np.isnan(found["max_frac_had"]) and np.isnan(found["axis_distance"]) and np.isnan(found["skew_phi_em"])
    assert found["R_had"] == 0.0 and found["em_frac"] == 1.0 and np.isnan(found["tau21"])
    assert np.isnan(named(hand_made({(1, 8, 8): 2.0}))["R_had"])
    assert not any(np.isinf(values).any() for values in named(some_objects().image).values())


def test_sums_and_moments_against_a_slow_oracle() -> None:
    image = some_objects().image[:40].astype(np.float64)
    eta, phi = IMAGE.axes()
    found = named(image)
    for k in range(len(image)):
        em, total = image[k, 0], image[k].sum()
        mean = sum(em[i, j] * eta[i] for i in range(16) for j in range(16)) / em.sum()
        second = sum(em[i, j] * (eta[i] - mean) ** 2 for i in range(16) for j in range(16)) / em.sum()
        third = sum(em[i, j] * (eta[i] - mean) ** 3 for i in range(16) for j in range(16)) / em.sum()
        inner = sum(image[k, :, i, j].sum() for i in range(16) for j in range(16) if np.hypot(eta[i], phi[j]) < 0.1)
        both = image[k].sum(axis=0)
        points = np.array([(eta[i], phi[j]) for i in range(16) for j in range(16)])
        lower, upper = np.linalg.eigvalsh(np.cov(points.T, aweights=both.ravel(), ddof=0))
        assert found["w_eta_em"][k] == pytest.approx(np.sqrt(second), rel=1e-4)
        assert found["skew_eta_em"][k] == pytest.approx(abs(third) / second**1.5, rel=1e-3, abs=1e-4)
        assert found["ring_01"][k] == pytest.approx(inner / total, rel=1e-4)
        assert found["eccentricity"][k] == pytest.approx((upper - lower) / (upper + lower), rel=1e-3, abs=1e-4)


def test_mirror_images_have_the_same_features() -> None:
    image = some_objects().image[:60]
    first = high_level(image.astype(np.float64), IMAGE)
    for axis in (2, 3):
        mirrored = high_level(np.flip(image, axis).astype(np.float64), IMAGE)
        # k-means may start from another of several equally hot cells
        kept = [i for i, name in enumerate(HIGH_LEVEL) if name not in ("tau21", "tau32")]
        assert mirrored[:, kept] == pytest.approx(first[:, kept], rel=1e-3, abs=1e-4, nan_ok=True)


def test_axes_find_separate_deposits() -> None:
    eta, phi = (np.ravel(a) for a in np.meshgrid(*IMAGE.axes(), indexing="ij"))
    image = hand_made({(0, 2, 2): 5.0, (0, 2, 3): 5.0, (0, 12, 12): 5.0, (0, 5, 13): 5.0})[:, 0].reshape(1, -1)
    energy = image.astype(np.float64)
    one, two, three = (axis_distances(energy, eta, phi, n)[0] for n in (1, 2, 3))
    assert three == pytest.approx(0.25 * 0.025 * 2, abs=1e-9)  # only the pair is off its axis, by half a cell
    assert one > two > three


def test_stored_columns_give_back_the_images() -> None:
    image = some_objects().image[:20]
    columns = features_of(image, np.linspace(-2, 2, 20), IMAGE)
    assert columns.shape == (20, 512 + len(FEATURE_UNITS)) and columns.dtype == np.float32
    assert to_gev(to_image(columns, IMAGE)) == pytest.approx(image, rel=1e-4, abs=1e-5)
    assert len(IMAGE.cell_names) == 512 and IMAGE.cell_names[256] == "had_00_00"
    assert features_of(image[:0], np.zeros(0), IMAGE).shape == (0, 512 + len(FEATURE_UNITS))


def test_no_feature_is_truth() -> None:
    truth = {"eta", "phi", "pt", "n_prong", "parton", "proc", "event", "npv", "label", "w"}
    assert not truth & set(FEATURE_UNITS)
    assert all(set(names) <= set(FEATURE_UNITS) for names in FEATURE_SETS.values())


def test_positions_fall_into_their_cells() -> None:
    image = ImageSettings()
    eta, phi = image.axes()
    rows, columns = np.meshgrid(np.arange(16), np.arange(16), indexing="ij")
    assert np.array_equal(image.cell_of(eta[rows], phi[columns]), rows * 16 + columns)
    assert image.cell_of(np.array([0.41, 0.0]), np.array([0.0, -0.41])).tolist() == [-1, -1]
