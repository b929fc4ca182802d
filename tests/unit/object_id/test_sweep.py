"""The sweep of the seed's network: every variant of its slides, at the same budget."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from hitforge.config import load_settings
from hitforge.studies.object_id.settings import ObjectIdSettings

OVERLAY = Path(__file__).parents[3] / "config/presets/object-id-sweep.yaml"


@pytest.fixture(scope="module")
def settings() -> Any:
    content = yaml.safe_load(OVERLAY.read_text(encoding="utf-8"))
    found = load_settings({"studies": ["object_id"], "preset": "small", **content}).studies["object_id"]
    assert isinstance(found, ObjectIdSettings)
    return found


def test_each_optimiser_has_the_same_learning_rates_and_budget(settings: Any) -> None:
    models = {n: m for n, m in settings.models.items() if n.startswith("sweep-")}
    assert set(models) == {name for name in settings.run_models if name.startswith("sweep-")}
    assert settings.sweep_base == "sweep-base"
    base = models["sweep-base"]
    scanned = {
        (m.training.optimiser, m.training.schedule.lr_peak)
        for m in models.values()
        if m.network == base.network and m.training.schedule.decay_epochs == base.training.schedule.decay_epochs
    }
    assert scanned == set(product(("rmsprop", "sgd", "adam"), (3e-5, 1e-4, 3e-4, 1e-3, 3e-3)))
    for model in models.values():
        assert model.training.members == 3 and model.training.max_events == base.training.max_events
        assert model.training.batch_size == 32 and model.training.schedule.constant


def test_variants_of_the_slides_are_there(settings: Any) -> None:
    networks = {name: model.network for name, model in settings.models.items()}
    assert networks["sweep-conv128"].extra_convolution == 128
    assert networks["sweep-wide"].convolutions == (64, 64)
    assert {networks[f"sweep-{name}"].dropouts for name in ("base", "dropout-a", "dropout-b")} == {
        (0.25, 0.25, 0.5),
        (0.5, 0.25, 0.5),
        (0.5, 0.5, 0.5),
    }
    assert networks["sweep-selu"].activations == ("relu", "selu", "relu")
    for name, loss, epochs in (
        ("sweep-200", "cross_entropy", 200),
        ("sweep-500", "cross_entropy", 500),
        ("sweep-mse-200", "mse", 200),
        ("sweep-mse-500", "mse", 500),
    ):
        assert networks[name].loss == loss
        assert settings.models[name].training.schedule.max_epochs == epochs


def test_epochs_are_chosen_on_validation_folds_and_trainings_stop_early() -> None:
    found = load_settings({"studies": ["object_id"], "preset": "paper"}).studies["object_id"]
    assert found.folds.held_out == (0,)
    for name in ("seed-cnn", "ens5"):
        schedule = found.models[name].training.schedule
        assert schedule.stop_patience < schedule.max_epochs and (schedule.constant or schedule.stop_in_cycle)
