"""Class report, confusion, areas under ROC curves, calibration of probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.evaluation.classes import Auc, ClassCalibration, ClassReport, one_vs_rest
from hitforge.studies.csc_muon.evaluation.metrics import predicted_class
from hitforge.studies.csc_muon.evaluation.sample import pt_class
from tests.unit.csc_muon.toy_muons import sample_of


def test_class_edges_are_right_closed_and_agree_with_the_training_labels() -> None:
    from hitforge.studies.csc_muon.models.targets import class_of

    pt = np.array([2.0, 10.0, 10.01, 30.0, 30.01, 100.0, 100.01, 7000.0])
    assert pt_class(pt).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    inside = np.array([3.0, 12.0, 40.0, 300.0])
    assert class_of(-1.0 / inside).tolist() == pt_class(inside).tolist()


def test_report_of_a_hand_made_case() -> None:
    true = np.array([0, 0, 0, 1, 1, 2])
    found = np.array([0, 0, 1, 1, 0, 0])
    report = ClassReport(true, found, 4)(np.ones(6))
    assert report["support"].tolist() == [3, 2, 1, 0]
    assert report["precision"][:2] == pytest.approx([0.5, 0.5])
    assert np.isnan(report["precision"][2])  # never predicted
    assert report["recall"][:3] == pytest.approx([2 / 3, 0.5, 0.0])
    assert report["f1"][:3] == pytest.approx([4 / 7, 0.5, 0.0])
    assert np.isnan(report["f1"][3])  # no such muon
    assert report["accuracy"] == pytest.approx(0.5)
    assert report["majority"] == pytest.approx(0.5)
    assert report["macro_f1"] == pytest.approx((4 / 7 + 0.5) / 3)
    assert report["weighted_recall"] == pytest.approx(0.5)  # weighted recall is the accuracy
    assert report["confusion"][0].tolist() == pytest.approx([2 / 3, 1 / 3, 0, 0])


def test_weights_count_like_repeated_muons() -> None:
    rng = np.random.default_rng(2)
    true, found, weights = rng.integers(0, 4, 60), rng.integers(0, 4, 60), rng.integers(0, 4, 60)
    once = ClassReport(true, found, 4)(weights.astype(float))
    again = ClassReport(np.repeat(true, weights), np.repeat(found, weights), 4)(np.ones(weights.sum()))
    for name, values in once.items():
        np.testing.assert_allclose(values, again[name], err_msg=name)


def test_areas_against_all_pairs() -> None:
    rng = np.random.default_rng(6)
    score, yes, weights = np.round(rng.normal(size=80), 1), rng.random(80) < 0.3, rng.uniform(0.5, 2.0, 80)
    won = total = 0.0
    for i in np.flatnonzero(yes):
        for j in np.flatnonzero(~yes):
            pair = weights[i] * weights[j]
            total += pair
            won += pair * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
    assert Auc([score], [yes])(weights)["auc"][0] == pytest.approx(won / total)


def test_areas_of_perfect_constant_and_missing_classes() -> None:
    true = np.array([0, 0, 1, 2])
    areas = one_vs_rest(np.eye(4)[true], true)(np.ones(4))["auc"]
    assert areas[:3].tolist() == [1.0, 1.0, 1.0] and np.isnan(areas[3])
    constant = one_vs_rest(np.full((4, 4), 0.25), true)(np.ones(4))["auc"]
    assert constant[:3].tolist() == [0.5, 0.5, 0.5]


def test_probabilities_that_mean_what_they_say_and_ones_that_do_not() -> None:
    rng = np.random.default_rng(9)
    n = 20_000
    top = rng.uniform(0.4, 1.0, n)
    probabilities = np.stack([top, *[(1.0 - top) / 3.0] * 3], axis=1)
    true = np.where(rng.random(n) < top, 0, rng.integers(1, 4, n))
    good = ClassCalibration(probabilities, true, 20)(np.ones(n))
    assert good["ece"] < 0.015
    assert good["brier"] == pytest.approx(np.mean(((np.eye(4)[true] - probabilities) ** 2).sum(axis=1)))
    assert good["log_loss"] == pytest.approx(-np.mean(np.log(probabilities[np.arange(n), true])))
    sure = np.eye(4)[np.zeros(n, dtype=int)]
    bad = ClassCalibration(sure, true, 20)(np.ones(n))
    assert bad["ece"] == pytest.approx(1.0 - np.mean(true == 0))
    assert np.isfinite(bad["log_loss"])  # a certain mistake does not make the mean infinite


def test_the_class_comes_from_probabilities_where_there_are_any() -> None:
    inverse = np.array([1 / 5.0, 1 / 50.0])
    assert predicted_class(sample_of(inverse, {"inverse_pt": inverse})).tolist() == [0, 2]
    both = {"inverse_pt": inverse, "class_probabilities": np.array([[0.1, 0.1, 0.1, 0.7]] * 2)}
    assert predicted_class(sample_of(inverse, both)).tolist() == [3, 3]
