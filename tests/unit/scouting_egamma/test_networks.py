"""Networks: tensors, shapes, losses against formulas and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import t as student_t

from hitforge.config import load_settings
from hitforge.scaling import Scaling, fit_scaling
from hitforge.studies.base import Study, load_study
from hitforge.studies.scouting_egamma.data.high_level import features_of
from hitforge.studies.scouting_egamma.data.selection import select
from hitforge.studies.scouting_egamma.evaluation import crystal_ball
from hitforge.studies.scouting_egamma.features import FEATURE_NAMES
from hitforge.studies.scouting_egamma.models.inputs import combine, image_of, table_of
from hitforge.studies.scouting_egamma.models.losses import DEGREES, CorrectionLoss, crystal_ball_log_density
from hitforge.studies.scouting_egamma.settings import EgammaModelSettings, NetworkSettings
from tests.unit.scouting_egamma.builders import simulated

CANDIDATES = simulated(3000)
CANDIDATES = CANDIDATES.take(select(CANDIDATES)[0])
RAW = features_of(CANDIDATES)
SETTINGS = load_settings({"studies": ["scouting_egamma"]}).studies["scouting_egamma"]
NETWORKS = [name for name, model in SETTINGS.models.items() if model.kind == "network"]


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study("scouting_egamma", SETTINGS)


@pytest.fixture(scope="module")
def scaling() -> Scaling:
    return fit_scaling([(RAW, np.ones(len(RAW), np.int16))], FEATURE_NAMES, 10, (0,))


def network(**keys: object) -> EgammaModelSettings:
    """A network model with these keys."""
    return EgammaModelSettings(kind="network", network=NetworkSettings(**keys))


def tensors(study: Study, model: str, scaling: Scaling, raw: np.ndarray) -> dict[str, torch.Tensor]:
    made = study.network_inputs(model, scaling)(raw)
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in made.items()}


@pytest.mark.parametrize("model", NETWORKS)
def test_every_network_gives_a_correction(study: Study, scaling: Scaling, model: str) -> None:
    inputs = tensors(study, model, scaling, RAW[:100])
    assert all(torch.isfinite(values).all() for values in inputs.values())
    network, loss = study.build_network(model, 3), study.build_loss(model)
    output = network(**inputs)
    target = torch.from_numpy((CANDIDATES.true_energy / CANDIDATES["e_reco"])[:100].astype(np.float32))
    loss(output, target).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters() if p.requires_grad)
    columns = study.output_columns(model, output)
    assert ((columns["y"] >= 0.2) & (columns["y"] <= 2.0)).all()
    wide = SETTINGS.models[model].network.loss in ("gaussian", "student_t", "crystal_ball")
    assert ("ln_y_sigma" in columns) == wide
    # the first correction is near none, its width near that of the data
    assert (columns["y"] - 1).abs().max() < 0.2
    assert not wide or ((columns["ln_y_sigma"] > 0.01) & (columns["ln_y_sigma"] < 0.1)).all()


def test_parameters_by_hand(study: Study) -> None:
    """The hybrid of the study: three convolutions with batch norm, 1600 to 128, table 64-64, joint 128-64-1."""
    layers = [(9 * 1 + 1) * 32 + 64, (9 * 32 + 1) * 64 + 128, (9 * 64 + 1) * 64 + 128, 1601 * 128]
    layers += [(len(study.feature_set("seed_network")) + 1) * 64, 65 * 64, 193 * 128, 129 * 64, 65]
    assert study.describe_model("seed-cnn")["n_parameters"] == sum(layers)


def test_same_seed_same_weights(study: Study) -> None:
    one, same, other = (study.build_network("ens5", seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_images_cell_by_cell() -> None:
    cells = CANDIDATES.matrix[:40]
    made = {kind: image_of(RAW[:40], kind) for kind in ("ratios", "emax", "log_emax", "log_weights", "energies")}
    for n, matrix in enumerate(cells):
        total = matrix.sum()
        for (i, j), energy in np.ndenumerate(matrix):
            weight = max(0.0, 4.7 + np.log(energy / total)) / 4.7 if energy > 0 else 0.0
            expected = [energy / total, weight, float(energy > 0)]
            np.testing.assert_allclose(made["ratios"][n, :, i, j], expected, rtol=1e-4, atol=1e-6)
            assert made["log_weights"][n, 0, i, j] == pytest.approx(weight, rel=1e-4, abs=1e-6)
            assert made["emax"][n, 0, i, j] == pytest.approx(energy / matrix[2, 2], rel=1e-5)
            assert made["log_emax"][n, 0, i, j] == pytest.approx(np.log1p(energy) / np.log1p(matrix[2, 2]), rel=1e-5)
            assert made["energies"][n, 0, i, j] == energy
    # an empty matrix, which no shard holds but a batch of zeros does, gives no NaN
    assert np.isfinite(image_of(np.zeros((1, len(FEATURE_NAMES)), np.float32), "ratios")).all()


def test_table_is_standardised_with_logarithms_of_energies(study: Study, scaling: Scaling) -> None:
    names = study.feature_set("seed_network")
    own = study.model_features("seed-cnn", RAW)
    table = table_of(own, scaling.select(names))
    assert table.shape == own.shape and np.isfinite(table).all() and np.abs(table).max() <= 5
    e5x5 = names.index("e5x5")
    mean = scaling.mean[FEATURE_NAMES.index("e5x5")]
    logarithm = np.clip(np.log(np.maximum(own[:, e5x5], 0.01) / mean), -5, 5)
    np.testing.assert_allclose(table[:, e5x5], logarithm, rtol=1e-4, atol=1e-5)
    photon = CANDIDATES["is_electron"] == 0
    assert (table[photon][:, names.index("fbrem")] == 0).all()  # missing: the mean
    sieie = table[:, names.index("sieie")]
    assert abs(sieie.mean()) < 0.1 and sieie.std() == pytest.approx(1, abs=0.1)


def test_losses_written_out() -> None:
    rng = np.random.default_rng(2)
    y, said, e_reco = rng.uniform(0.5, 1.8, 50), rng.uniform(0.8, 1.3, 50), rng.uniform(2, 200, 50)
    log_scale = rng.uniform(-5, -1, 50)
    output = {
        name: torch.tensor(values)
        for name, values in (("y", said), ("ln_y", np.log(said)), ("ln_y_log_scale", log_scale), ("e_reco", e_reco))
    }

    def found(kind: str) -> np.ndarray:
        loss = CorrectionLoss(network(loss=kind)).eval()
        return loss.per_event(output, torch.tensor(y)).numpy()

    e_true = y * e_reco
    np.testing.assert_allclose(found("relative"), ((said * e_reco - e_true) / e_true) ** 2, rtol=1e-5)
    np.testing.assert_allclose(found("absolute"), (said * e_reco - e_true) ** 2, rtol=1e-4)
    sigma = np.exp(log_scale)
    gaussian = np.log(sigma) + 0.5 * ((np.log(y) - np.log(said)) / sigma) ** 2
    np.testing.assert_allclose(found("gaussian"), gaussian, rtol=1e-4)
    density = -student_t.logpdf(np.log(y), DEGREES, loc=np.log(said), scale=sigma)
    np.testing.assert_allclose(found("student_t"), density + student_t.logpdf(0, DEGREES), rtol=1e-4)
    # beyond the range, targets are cut
    far = CorrectionLoss(network()).per_event({"y": torch.tensor([1.0])}, torch.tensor([9.0]))
    assert float(far) == pytest.approx((1 / 2 - 1) ** 2)


def test_crystal_ball_is_that_of_the_fit_with_true_gradients() -> None:
    rng = np.random.default_rng(3)
    y = torch.tensor(rng.uniform(0.7, 1.4, 30))
    ranges = {"mu": (0.9, 1.1), "sigma": (0.01, 0.1), "alpha_low": (0.5, 2), "n_low": (1.5, 9), "alpha_high": (0.5, 2),
              "n_high": (1.5, 9)}  # fmt: skip
    about = {name: torch.tensor(rng.uniform(*limits, 30), requires_grad=True) for name, limits in ranges.items()}
    density = crystal_ball_log_density(y, about)
    for n in range(30):
        parameters = [float(about[name][n].detach()) for name in crystal_ball.PARAMETERS]
        assert float(density[n].detach()) == pytest.approx(
            float(crystal_ball.log_density(y[n : n + 1].numpy(), *parameters)[0])
        )
    names = list(about)
    torch.autograd.gradcheck(
        lambda *values: crystal_ball_log_density(y, dict(zip(names, values, strict=True))),
        tuple(about.values()), eps=1e-7, atol=1e-4, rtol=1e-3,
    )  # fmt: skip


def test_ensemble_adds_its_spread_to_the_width() -> None:
    members = {
        "y": np.float32([[1.0, 1.02], [1.0, 1.0]]),
        "ln_y_sigma": np.float32([[0.03, 0.04], [0.02, 0.02]]),
    }
    mean = {name: values.mean(axis=1) for name, values in members.items()}
    found = combine(EgammaModelSettings(kind="network"), members, mean)["ln_y_sigma"]
    own, spread = np.sqrt((0.03**2 + 0.04**2) / 2), np.log(1.02) / 2
    np.testing.assert_allclose(found, [np.hypot(own, spread), 0.02], rtol=1e-4)


def test_a_network_needs_an_input() -> None:
    with pytest.raises(ValueError, match="needs features"):
        EgammaModelSettings(kind="network", features="none", network=NetworkSettings(image="off"))
