"""Networks: layers and parameter counts, seeds, symmetries, losses against their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hitforge.scaling import fit_scaling, identity_scaling
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.features import FEATURE_UNITS, HIGH_LEVEL, features_of
from hitforge.studies.object_id.models.inputs import channel_deviations, network_inputs, output_columns
from hitforge.studies.object_id.models.losses import ClassLoss
from hitforge.studies.object_id.models.networks import CELL_NOISE, Augmentation, build_network
from hitforge.studies.object_id.settings import Cells, ObjectModelSettings
from tests.unit.object_id.part_builders import IMAGE, some_objects


def network_model(without: tuple[str, ...] = (), **network: Any) -> ObjectModelSettings:
    features = "default" if network.get("architecture") == "residual" else "none"
    return ObjectModelSettings.model_validate(
        {"kind": "network", "features": features, "without": without, "network": network}
    )


RESIDUAL = network_model(architecture="residual", convolutions=(8, 16, 32), dense=32)


def n_parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_seeds_network_is_the_classic_one() -> None:
    network = build_network(network_model(), 0, 1, image=IMAGE)
    counts = [
        sum(p.numel() for p in m.parameters())
        for m in network.modules()
        if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)
    ]
    assert counts == [608, 9248, 18496, 36928, 131584, 2052]
    assert n_parameters(network) == 198_916
    sizes = []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.MaxPool2d):
            module.register_forward_hook(lambda _m, _i, output: sizes.append(output.shape[-1]))
    assert network(image=torch.zeros(3, 2, 16, 16))["class_logits"].shape == (3, 4)
    assert sizes == [16, 14, 7, 7, 5, 2]
    dropouts = [m.p for m in network.modules() if isinstance(m, torch.nn.Dropout)]
    assert dropouts == [0.25, 0.25, 0.5]


def test_variants_of_the_sweep() -> None:
    extra = build_network(network_model(extra_convolution=128), 0, 1, image=IMAGE)
    sizes = []
    for module in extra.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda _m, _i, output: sizes.append(output.shape[-1]))
    extra(image=torch.zeros(1, 2, 16, 16))
    assert sizes == [16, 16, 8, 8, 4]
    selu = build_network(network_model(activations=("relu", "selu", "relu")), 0, 1, image=IMAGE)
    assert [type(m).__name__ for m in selu.modules() if type(m).__name__ in ("ReLU", "SELU")] == [
        "ReLU", "ReLU", "SELU", "SELU", "ReLU",
    ]  # fmt: skip


@pytest.mark.parametrize("model", [network_model(), RESIDUAL])
def test_a_seed_fixes_the_weights_and_leaves_the_global_state(model: ObjectModelSettings) -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, again, other = (build_network(model, 41, seed, image=IMAGE) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    pairs = list(zip(first.parameters(), again.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b, _ in pairs)
    assert not all(torch.equal(a, c) for a, _, c in pairs)


def test_members_of_the_ensemble_take_image_and_features() -> None:
    network = build_network(RESIDUAL, 5, 1, image=ImageSettings(rows=12, columns=20)).eval()
    image, features = torch.rand(3, 2, 12, 20), torch.rand(3, 5)
    logits = network(image=image, features=features)["class_logits"]
    assert logits.shape == (3, 4)
    assert not torch.allclose(logits, network(image=image, features=features + 1)["class_logits"])
    assert not torch.allclose(logits, network(image=image + 1, features=features)["class_logits"])


def test_augmentation_is_for_training_and_keeps_the_energy_within_its_range() -> None:
    network = build_network(
        network_model(architecture="residual", convolutions=(8, 16, 32), dense=32, augment=True), 5, 1, image=IMAGE
    )
    image, features = torch.rand(4, 2, 16, 16), torch.rand(4, 5)
    network.eval()
    assert torch.equal(
        network(image=image, features=features)["class_logits"], network(image=image, features=features)["class_logits"]
    )
    torch.manual_seed(3)
    centre = torch.zeros(200, 2, 16, 16)
    centre[:, :, 5, 9] = 1.0
    varied = Augmentation()(centre)
    assert varied.shape == centre.shape
    total = varied.sum(dim=(1, 2, 3)) / 2
    assert total.min() >= 0.97 - 5 * CELL_NOISE and total.max() <= 1.03 + 5 * CELL_NOISE and total.std() > 0.01
    assert (varied[:, 0] - varied[:, 1]).sum(dim=(1, 2)).std() == pytest.approx(2**0.5 * CELL_NOISE, rel=0.2)
    rows = torch.nonzero(varied[:, 0])[:, 1]
    assert set(rows.tolist()) == {4, 5, 6, 9, 10, 11}  # flipped or not, shifted by up to one


def test_inputs_are_scaled_by_the_training_deviation_and_hide_a_channel() -> None:
    objects = some_objects()
    stored = features_of(objects.image, objects.eta, IMAGE)
    names = (*IMAGE.cell_names, *FEATURE_UNITS)
    scaling = fit_scaling([(stored, np.ones(len(stored), np.int16))], names, 2, [0])
    deviations = channel_deviations(scaling, IMAGE)
    assert deviations == pytest.approx([stored[:, :256].std(), stored[:, 256:512].std()], rel=1e-3)
    own = network_inputs(RESIDUAL, scaling, HIGH_LEVEL, image=IMAGE)(stored, stored[:, 512:-1])
    assert own["image"].shape == (len(stored), 2, 16, 16) and own["image"].dtype == np.float32
    assert own["image"][:, 1].reshape(len(stored), -1) == pytest.approx(stored[:, 256:512] / deviations[1], rel=1e-5)
    assert own["features"].shape == (len(stored), len(HIGH_LEVEL)) and np.isfinite(own["features"]).all()
    assert np.all((own["image"] == 0) == (some_objects().image == 0))  # empty stays empty
    hidden = network_inputs(network_model(("had",)), scaling, (), image=IMAGE)(stored, stored[:, :0])
    assert set(hidden) == {"image"} and not hidden["image"][:, 1].any()
    assert np.array_equal(hidden["image"][:, 0], own["image"][:, 0])


@pytest.mark.parametrize("cells", ["energy", "share", "maximum"])
def test_images_of_energies(cells: Cells) -> None:
    images = some_objects().image
    stored = features_of(images, some_objects().eta, IMAGE)
    scaling = identity_scaling((*IMAGE.cell_names, *FEATURE_UNITS), [0])
    made = network_inputs(network_model(cells=cells), scaling, (), image=IMAGE)(stored, stored[:, :0])["image"]
    each = {"energy": np.full(len(images), 10.0), "share": images.sum((1, 2, 3)), "maximum": images.max((1, 2, 3))}
    np.testing.assert_allclose(made, images / each[cells][:, None, None, None], rtol=1e-4, atol=1e-6)


def test_losses_are_their_formulas() -> None:
    generator = torch.Generator().manual_seed(2)
    logits, target = torch.randn(6, 4, generator=generator), torch.tensor([0.0, 1, 2, 3, 0, 1])
    weight = torch.tensor([1.0, 2, 1, 1, 1, 0])
    p = torch.softmax(logits, dim=1).numpy().astype(np.float64)
    output = {"class_logits": logits}
    cross = ClassLoss("cross_entropy", 0.0).eval().per_event(output, target, weight)
    smooth = ClassLoss("cross_entropy", 0.2).eval().per_event(output, target)
    squared = ClassLoss("mse", 0.0).eval().per_event(output, target)
    for i, label in enumerate(target.long().tolist()):
        one = np.eye(4)[label]
        assert float(cross[i]) == pytest.approx(-np.log(p[i, label]) * float(weight[i]), abs=1e-6)
        assert float(smooth[i]) == pytest.approx(-((0.8 * one + 0.05) * np.log(p[i])).sum(), rel=1e-5)
        assert float(squared[i]) == pytest.approx(((p[i] - one) ** 2).sum() / 4, rel=1e-5)
    assert output_columns(RESIDUAL, output)["class_probabilities"].numpy() == pytest.approx(p, rel=1e-5)


def test_training_accuracy_is_counted_over_an_epoch() -> None:
    loss = ClassLoss("cross_entropy", 0.0)
    logits = 5 * torch.eye(4)
    loss.train()
    loss.per_event({"class_logits": logits}, torch.tensor([0.0, 1, 2, 3]))
    loss.per_event({"class_logits": logits}, torch.tensor([1.0, 0, 3, 2]))
    loss.eval()
    loss.per_event({"class_logits": logits}, torch.tensor([0.0, 1, 2, 3]))
    loss.end_of_epoch(0)
    assert loss.log() == {"train_accuracy": 0.5}
    assert {"correct", "seen", "accuracy"} <= set(loss.state_dict())
    hits = loss.metrics({"class_logits": logits}, torch.tensor([0.0, 1, 2, 2]))["accuracy"]
    assert hits.tolist() == [1.0, 1.0, 1.0, 0.0]


def test_settings_that_do_not_fit_are_refused() -> None:
    for wrong, words in (
        ({"kind": "network", "network": {"convolutions": [32]}}, "two blocks"),
        ({"kind": "trees", "without": ["em"]}, "only seed_cnn"),
        ({"kind": "network", "features": "none", "network": {"architecture": "residual"}}, "needs some"),
        ({"kind": "trees", "trees": {"objective": "squared"}}, "softprob"),
        ({"kind": "trees", "class_weights": [1.0]}, "one for each"),
        ({"kind": "trees", "features": "eta"}, "not known"),
    ):
        with pytest.raises(ValueError, match=words):
            ObjectModelSettings.model_validate(wrong)
