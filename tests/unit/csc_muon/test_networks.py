"""Networks: published parameter counts, folding, ensembles, and losses against slow oracles."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from hitforge.config import load_settings
from hitforge.scaling import Scaling
from hitforge.studies.base import Study, load_study
from hitforge.studies.csc_muon.data.derived import features_of
from hitforge.studies.csc_muon.data.roads import PARAMETER_NAMES, Roads
from hitforge.studies.csc_muon.features import FEATURE_NAMES
from hitforge.studies.csc_muon.models.losses import ClassLoss, EmtfLoss, EnsembleLoss, PointLoss, class_of
from hitforge.studies.csc_muon.models.targets import QUANTILE_LEVELS
from hitforge.studies.csc_muon.settings import SimulationSettings
from hitforge.studies.csc_muon.simulation.generate import simulate_roads

NETWORKS = ("seed-cnn1d", "seed-cnn2d", "seed-fcn4", "seed-fcnr", "emtf-nn", "ens5")


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study("csc_muon", load_settings({"studies": ["csc_muon"]}).studies["csc_muon"])


@pytest.fixture(scope="module")
def roads() -> Roads:
    return Roads.concatenate(list(simulate_roads(300, 5, SimulationSettings())))


@pytest.fixture(scope="module")
def scaling(roads: Roads) -> Scaling:
    features = features_of(roads.variables).astype(np.float64)
    present = ~np.isnan(features).all(axis=0)
    filled = np.where(present, features, 0.0)

    def plain(values: np.ndarray) -> tuple[float, ...]:
        return tuple(float(value) for value in values)

    return Scaling(
        names=FEATURE_NAMES,
        mean=plain(np.nanmean(filled, axis=0)),
        std=plain(np.nanstd(filled, axis=0)),
        low=plain(np.nanmin(filled, axis=0)),
        high=plain(np.nanmax(filled, axis=0)),
        n_events=len(roads),
        held_out=(0,),
    )


def tensors(study: Study, model: str, scaling: Scaling, raw: np.ndarray) -> dict[str, torch.Tensor]:
    made = study.network_inputs(model, scaling)(raw)
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in made.items()}


@pytest.mark.parametrize(("model", "count"), [("seed-cnn1d", 17_729), ("seed-cnn2d", 25_857), ("seed-fcn4", None)])
def test_published_parameter_counts(study: Study, model: str, count: int | None) -> None:
    # the dense network by hand: 38 inputs, 512, 256, 128, 64, 32, 4, each with biases
    if model == "seed-fcn4":
        widths = (38, 512, 256, 128, 64, 32, 4)
        count = sum((a + 1) * b for a, b in itertools.pairwise(widths))
    assert study.describe_model(model)["n_parameters"] == count


@pytest.mark.parametrize("model", NETWORKS)
def test_columns_of_every_network(study: Study, scaling: Scaling, roads: Roads, model: str) -> None:
    inputs = tensors(study, model, scaling, features_of(roads.variables))
    assert all(torch.isfinite(values).all() for values in inputs.values())
    network = study.build_network(model, 3).eval()
    with torch.no_grad():
        columns = study.output_columns(model, network(**inputs))
    assert (columns["inverse_pt"] >= 1 / 7000 - 1e-9).all()
    for name, values in columns.items():
        assert len(values) == len(roads) and torch.isfinite(values).all(), name
    if "quantiles" in columns:
        assert columns["quantiles"].shape == (len(roads), len(QUANTILE_LEVELS))
        assert (columns["quantiles"].diff(dim=1) >= 0).all()
        np.testing.assert_allclose(columns["inverse_pt"], columns["q_over_pt"].abs().clamp(min=1 / 7000), rtol=1e-6)
    if "class_probabilities" in columns:
        np.testing.assert_allclose(columns["class_probabilities"].sum(dim=1), 1, rtol=1e-5)


@pytest.mark.parametrize("model", NETWORKS)
def test_the_generator_has_no_way_in(study: Study, model: str) -> None:
    """No input column is one of the generator, and the inputs are made of the stored columns alone."""
    names = study.feature_set(study.settings.models[model].features)
    assert not set(names) & {*PARAMETER_NAMES, "eta", "gen_phi", "gen_eta"}
    assert not set(names) & (set(study.layout.targets) | set(study.layout.truth)) - {"zone", "mode"}


def test_mirrored_roads_give_mirrored_answers(study: Study, scaling: Scaling, roads: Roads) -> None:
    """A road bent the other way has the same momentum, the opposite charge and mirrored quantiles."""
    raw = features_of(roads.variables)
    mirrored = roads.variables.copy()
    mirrored[:, :12] = 4950 - mirrored[:, :12]
    mirrored[:, 24:36] *= -1
    mirrored[:, 84] = 8 - mirrored[:, 84]
    # without a bending at all there is nothing to mirror
    bent = ~np.isclose(raw[:, FEATURE_NAMES.index("dphi_12")], 0) & ~np.isnan(raw[:, FEATURE_NAMES.index("dphi_12")])
    network = study.build_network("ens5", 3).eval()
    with torch.no_grad():
        first, second = (
            study.output_columns("ens5", network(**tensors(study, "ens5", scaling, x[bent])))
            for x in (raw, features_of(mirrored))
        )
    np.testing.assert_allclose(second["q_over_pt"], -first["q_over_pt"], atol=1e-6)
    np.testing.assert_allclose(second["quantiles"], -first["quantiles"].flip(1), atol=1e-6)
    np.testing.assert_allclose(second["charge_probability"], 1 - first["charge_probability"], atol=1e-5)
    np.testing.assert_allclose(second["class_probabilities"], first["class_probabilities"], atol=1e-5)


def test_ensemble_adds_the_spread_of_its_members(study: Study) -> None:
    q = np.array([[0.1, 0.2], [-0.1, -0.1]], dtype=np.float32)
    sigma = np.array([[0.03, 0.04], [0.01, 0.01]], dtype=np.float32)
    members = {"q_over_pt": q, "q_over_pt_sigma": sigma, "inverse_pt": np.abs(q)}
    found = study.combine("ens5", members, {name: values.mean(axis=1) for name, values in members.items()})
    np.testing.assert_allclose(found["q_over_pt"], [0.15, -0.1], rtol=1e-6)
    np.testing.assert_allclose(found["inverse_pt"], [0.15, 0.1], rtol=1e-6)
    np.testing.assert_allclose(found["q_over_pt_spread"], [0.05, 0.0], atol=1e-7)
    np.testing.assert_allclose(found["q_over_pt_sigma"], [math.sqrt(0.00125 + 0.0025), 0.01], rtol=1e-5)


def test_classes_are_right_closed_in_pt() -> None:
    pt = torch.tensor([2.0, 9.99, 10.01, 29.9, 30.1, 99.0, 101.0, 7000.0])
    assert class_of(1 / pt).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert class_of(-1 / pt).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert class_of(torch.tensor([0.1])).tolist() == [0]


def test_point_losses() -> None:
    target = torch.tensor([0.1, -0.2])
    output = {"inverse_pt": torch.tensor([0.3, 0.2]), "q_over_pt": torch.tensor([0.3, 0.2])}
    assert PointLoss("inverse_pt", squared=False).per_event(output, target).tolist() == pytest.approx([0.2, 0.0])
    assert PointLoss("q_over_pt", squared=True).per_event(output, target).tolist() == pytest.approx([0.04, 0.16])
    weighted = PointLoss("q_over_pt", squared=True).per_event(output, target, torch.tensor([1.0, 0.5]))
    assert weighted.tolist() == pytest.approx([0.04, 0.08])


def test_class_loss_and_accuracy() -> None:
    logits = torch.tensor([[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    target = torch.tensor([0.3, 0.3])  # both in the first class
    loss = ClassLoss()
    expected = [-2 + math.log(math.exp(2) + 3), math.log(math.e + 3)]
    assert loss.per_event({"class_logits": logits}, target).tolist() == pytest.approx(expected)
    assert loss.metrics({"class_logits": logits}, target)["accuracy"].tolist() == [1.0, 0.0]


def test_trigger_loss_is_huber_of_the_scaled_value_and_cross_entropy() -> None:
    output = {"q_over_pt": torch.tensor([0.1, 0.1]), "trigger_logit": torch.tensor([0.0, 1.0])}
    target = torch.tensor([0.105, 0.0501])
    small, large = 0.5 * 0.5**2, 1.345 * (4.99 - 0.5 * 1.345)
    # 14 GeV is 0.0714: the first is below the threshold, the second above
    expected = [small + math.log(2), large + math.log(1 + math.exp(-1))]
    assert EmtfLoss(14.0).per_event(output, target).tolist() == pytest.approx(expected, rel=1e-4)


def test_ensemble_loss_against_plain_formulas() -> None:
    rng = np.random.default_rng(1)
    n = 5
    output = {
        "folded": rng.normal(0, 0.2, n),
        "log_variance": rng.normal(-4, 1, n),
        "folded_quantiles": np.sort(rng.normal(0, 0.2, (n, 7)), axis=1),
        "class_logits": rng.normal(size=(n, 4)),
        "charge_logit": rng.normal(size=n),
        "sign": np.array([1.0, -1.0, 1.0, -1.0, 1.0]),
    }
    target = np.array([0.4, -0.05, -0.02, 0.005, 0.2])
    expected = []
    for i in range(n):
        y, unit = output["sign"][i] * target[i], 10.0
        variance = math.exp(output["log_variance"][i]) * unit**2
        error = unit * (output["folded"][i] - y)
        term = variance**0.5 * 0.5 * (error**2 / variance + math.log(variance))
        for level, q in zip(QUANTILE_LEVELS, output["folded_quantiles"][i], strict=True):
            above = unit * (y - q)
            term += level * above if above > 0 else (level - 1) * above
        logits = output["class_logits"][i]
        term -= math.log(math.exp(logits[int(class_of(torch.tensor([target[i]])))]) / sum(map(math.exp, logits)))
        charge = 1 / (1 + math.exp(-output["charge_logit"][i]))
        expected.append(term - math.log(charge if y > 0 else 1 - charge))
    given = {name: torch.tensor(values, dtype=torch.float32) for name, values in output.items()}
    found = EnsembleLoss().per_event(given, torch.tensor(target, dtype=torch.float32))
    np.testing.assert_allclose(found, expected, rtol=2e-4)
