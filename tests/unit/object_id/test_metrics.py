"""Metrics on cases with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from hitforge.evaluation.statistics import entry
from hitforge.studies.object_id.evaluation.binned import resolution
from hitforge.studies.object_id.evaluation.calibration import at_temperature, fit_temperature, log_loss, tempered
from hitforge.studies.object_id.evaluation.comparison import compare_models
from hitforge.studies.object_id.evaluation.metrics import evaluate_model, evaluate_sample, matching_weights
from hitforge.studies.object_id.evaluation.roc import Areas, Question, Working, one_against_rest, pairs
from hitforge.studies.object_id.evaluation.settings import EvaluationSettings
from hitforge.studies.object_id.models.floor import fit_floor, floor_probabilities
from tests.unit.object_id.toy_objects import sample_of, toy_probabilities

FEW = EvaluationSettings(bootstraps=5)
LABEL = np.arange(2000) % 4


def test_numbers_of_a_sample_add_up() -> None:
    sample = sample_of(LABEL, toy_probabilities(LABEL, 2.0))
    metrics = evaluate_sample("test", sample, FEW, seed=1)
    correct = sample.predicted == LABEL
    assert metrics["classes"]["accuracy"]["value"] == pytest.approx(correct.mean())
    assert metrics["classes"]["macro_recall"]["value"] == pytest.approx(
        np.mean([correct[c == LABEL].mean() for c in range(4)])
    )
    assert np.sum(metrics["counts"]) == 2000 and np.trace(metrics["counts"]) == correct.sum()
    assert metrics["classes"]["accuracy"]["error"] == pytest.approx(np.sqrt(0.2 / 2000), rel=0.9)
    assert metrics["member_accuracy"] == pytest.approx([correct.mean()])
    inside = (sample.pt >= 30) & (sample.pt < 40) & (LABEL == 1)
    assert entry(metrics["recall_pt"]["recall"], 1, 2)["value"] == pytest.approx(correct[inside].mean())


def test_package_quotes_the_efficiency_of_each_class_in_bins_of_pt() -> None:
    sample = sample_of(LABEL, toy_probabilities(LABEL, 2.0))
    found = resolution(evaluate_model("toy", {"test": sample}, [1.0], 1, evaluation=FEW), "test")
    (jets,) = [each for each in found.bins if (each.where, each.low) == ("jet", 30)]
    inside = (sample.pt >= 30) & (sample.pt < jets.high) & (LABEL == 1)
    assert jets.high == 40
    assert jets.numbers["efficiency"]["value"] == pytest.approx((sample.predicted == LABEL)[inside].mean())


def test_few_objects_give_null_and_a_reason() -> None:
    sample = sample_of(LABEL[:8], toy_probabilities(LABEL[:8], 2.0))
    metrics = evaluate_sample("test", sample, FEW, seed=1)
    number = entry(metrics["recall_npv"]["recall"], 0, 0)
    assert number["value"] is None and "fewer than 20 objects" in number["reason"]
    only = sample_of(np.zeros(30, int), toy_probabilities(np.zeros(30, int), 2.0))
    area = entry(evaluate_sample("test", only, FEW, seed=1)["auc_pairs"]["auc"], 0)
    assert area["value"] is None and area["reason"] == "one of the two classes is empty"


def test_areas_are_the_rank_statistic() -> None:
    sample = sample_of(LABEL, toy_probabilities(LABEL, 1.0))
    areas = Areas(pairs(sample))(np.ones(2000))["auc"]
    assert len(areas) == 6
    p = sample.probabilities
    chosen = (LABEL == 1) | (LABEL == 3)  # jet against tau, the fifth pair
    assert areas[4] == pytest.approx(rank_area((p[:, 1] / (p[:, 1] + p[:, 3]))[chosen], (LABEL == 1)[chosen]))
    rest = Areas(one_against_rest(sample))(np.ones(2000))["auc"]
    assert rest == pytest.approx([rank_area(p[:, c], c == LABEL) for c in range(4)])


def rank_area(score: np.ndarray, signal: np.ndarray) -> float:
    n, m = signal.sum(), (~signal).sum()
    return float((rankdata(score)[signal].sum() - n * (n + 1) / 2) / (n * m))


def test_working_points_by_hand() -> None:
    score = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    signal = np.array([1, 0, 1, 1, 0, 1, 0, 0], bool)
    working = Working([Question(score, signal, ~signal)], np.array([0.25, 0.5, 0.75, 1.0]))
    found = working(np.ones(8))
    assert found["background"][0].tolist() == [0.0, 0.25, 0.25, 0.5]
    assert np.isnan(found["rejection"][0, 0]) and found["rejection"][0, 1:].tolist() == [4.0, 4.0, 2.0]
    heavy = working(np.where(score == 0.8, 3.0, 1.0))
    assert heavy["background"][0, 1] == pytest.approx(0.5)


def test_resampled_working_points_are_those_of_the_repeated_objects() -> None:
    sample = sample_of(LABEL[:200], toy_probabilities(LABEL[:200], 1.0))
    counts = np.random.default_rng(1).integers(0, 3, 200)
    again = sample_of(np.repeat(LABEL[:200], counts), np.repeat(sample.probabilities, counts, axis=0))
    first = Working(pairs(sample), np.array([0.5, 0.8]))(counts.astype(float))["background"]
    assert first == pytest.approx(Working(pairs(again), np.array([0.5, 0.8]))(np.ones(len(again)))["background"])


def test_matching_gives_all_classes_the_same_spectrum() -> None:
    rng = np.random.default_rng(4)
    label = rng.integers(0, 4, 20_000)
    pt = 20 + rng.exponential(np.array([10.0, 18.0, 25.0, 40.0])[label])
    eta = rng.uniform(-2.4, 2.4, 20_000)
    weights = matching_weights(label, pt, eta, np.ones(20_000), FEW)
    assert np.bincount(label, weights) == pytest.approx(np.full(4, weights.sum() / 4))
    edges = np.array(FEW.matching_pt_edges_gev)
    spectra = [np.histogram(pt[label == c], edges, weights=weights[label == c])[0] for c in range(4)]
    assert np.array(spectra) == pytest.approx(np.tile(spectra[0], (4, 1)))
    unmatched = [np.histogram(pt[label == c], edges)[0] for c in range(4)]
    assert unmatched[0][0] > 1.5 * unmatched[3][0]


def test_a_model_that_knows_only_pt_is_no_better_than_guessing_once_matched() -> None:
    rng = np.random.default_rng(4)
    label = rng.integers(0, 4, 20_000)
    pt = 20 + rng.exponential(np.array([10.0, 18.0, 25.0, 40.0])[label])
    table = fit_floor(np.log(pt)[:, None], label, np.ones(20_000))
    sample = sample_of(label, floor_probabilities(table, np.log(pt)[:, None]), pt)
    metrics = evaluate_sample("test", sample, EvaluationSettings(bootstraps=2), seed=1)
    assert metrics["classes"]["macro_recall"]["value"] > 0.30
    assert metrics["matched"]["macro_recall"]["value"] == pytest.approx(0.25, abs=0.015)


def test_the_temperature_undoes_a_wrong_scale() -> None:
    good = toy_probabilities(LABEL, 1.5)
    rng = np.random.default_rng(3)
    drawn = np.array([rng.choice(4, p=p) for p in good])  # labels for which the probabilities are right
    sharp = sample_of(drawn, tempered(good, 0.4))
    found = fit_temperature(sharp, 20)
    assert found["temperature"] == pytest.approx(2.5, rel=0.12)
    after = at_temperature(sharp, found)
    assert log_loss(after.probabilities, drawn, after.weights) < log_loss(sharp.raw, drawn, sharp.weights)
    assert np.array_equal(after.predicted, sharp.predicted)
    few = fit_temperature(sample_of(drawn[:5], good[:5]), 20)
    assert few["temperature"] is None and "fewer than 20" in few["reason"]
    assert at_temperature(sharp, few).probabilities is sharp.raw
    # a model that favours wrong classes is best at an infinite temperature
    wrong = fit_temperature(sample_of((LABEL + 1) % 4, toy_probabilities(LABEL, 1.5)), 20)
    assert wrong["temperature"] is None and "no minimum" in wrong["reason"]


def test_the_floor_is_logistic_regression_and_without_features_the_shares() -> None:
    label = np.repeat(np.arange(4), [100, 200, 300, 400])
    nothing = fit_floor(np.zeros((1000, 0)), label, np.ones(1000))
    assert floor_probabilities(nothing, np.zeros((1, 0)))[0] == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=1e-3)
    balanced = fit_floor(np.zeros((1000, 0)), label, 1 / np.bincount(label)[label])
    assert floor_probabilities(balanced, np.zeros((1, 0)))[0] == pytest.approx([0.25] * 4, abs=1e-3)
    x = np.random.default_rng(1).normal(size=1000) + 2.0 * label
    fitted = fit_floor(x[:, None], label, np.ones(1000))
    p = floor_probabilities(fitted, x[:, None])
    # where the likelihood is largest, mean probabilities are the shares
    assert p.mean(axis=0) == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=1e-3)
    assert (p.argmax(axis=1) == label).mean() > 0.6
    with pytest.raises(ValueError, match="a feature is missing"):
        fit_floor(np.full((5, 1), np.nan), label[:5], np.ones(5))


def test_differences_are_paired() -> None:
    weak, strong = (sample_of(LABEL, toy_probabilities(LABEL, s)) for s in (1.0, 2.0))
    rows = compare_models({"weak": weak, "strong": strong, "twin": strong}, 1, "test", evaluation=FEW)
    found = {(r["first"], r["second"], r["quantity"]): r["difference"] for r in rows}
    gained = (weak.predicted == LABEL).mean() - (strong.predicted == LABEL).mean()
    assert found["weak", "strong", "accuracy"]["value"] == pytest.approx(gained)
    assert found["strong", "twin", "balanced_accuracy"]["value"] == 0.0
    assert found["strong", "twin", "balanced_accuracy"]["error"] == 0.0
