"""Real: simulated muons, trained, predicted and evaluated by the workflow's own stages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from hitforge.folds import fold_scheme, tree_folds
from hitforge.provenance import read_json
from hitforge.stages.assemble import assemble_model
from hitforge.stages.fit_scaling import fit_scaling_of
from hitforge.stages.predict import predict_block
from hitforge.stages.train_member import TrainingFolds, train_member_of
from hitforge.studies.base import Study
from hitforge.training.dataset import index_events
from tests.gpu.evaluated import FOLDS, production_study
from tests.gpu.measure import RECOMMENDED, known
from tests.gpu.record import NotThereError, Recorder
from tests.gpu.samples import SEED, muon_shards

EPOCHS = 6
LAYER_EPOCHS = 10
SHARE_OF_TIME = 0.5
"""Part of the step's time that the paper's network may train for, in bf16 and without."""
SLOWEST_MS = 0.5
"""Assumed milliseconds a muon and step where none was measured."""
MODELS = ("cnn", "bdt", "layers", "cnn_without_amp")
NUMBERS = ("mean_improvement", "information_bits")


def production(record: Recorder, folder: Path, device: torch.device, smoke: bool) -> None:
    """Train the paper's network, `layers` and boosted trees on the same muons and compare them on others."""
    training, test = _wait_for_muons(record, folder, smoke)
    record.measured("muons of the test sample", len(index_events(test)))
    study = _study(smoke)
    if not smoke:
        training = _affordable(record, folder, training)
    scaling = folder / "scaling.json"
    fit_scaling_of(study, training, FOLDS, study.settings.folds.held_out, scaling)
    evaluating: dict[str, subprocess.Popen[bytes]] = {}
    for model in MODELS[: 3 if smoke else 4]:
        with record.part(model):
            record.still_has(10)
            started = time.monotonic()
            own = study
            if model == "bdt":
                manifest = _train_trees(study, training, folder / model)
            else:
                try:
                    manifest = _train_network(study, model, training, scaling, folder / model, device)
                except RuntimeError as error:
                    if not model.startswith("cnn") or smoke:
                        raise
                    # the physics must not be lost with a switch that fails
                    record.failed(f"{model} with the recommended switches", error)
                    own = _study(smoke, plain=True)
                    manifest = _train_network(own, model, training, scaling, folder / model, device)
            seconds = time.monotonic() - started
            about = read_json(manifest)
            record.measured(f"{model}: training of {about['n_training']} muons", seconds, "s", _epochs_of(manifest))
            _predict(record, own, model, manifest, (training, test), scaling, device)
            # beside the next training
            options = [str(manifest.parent), model, *(["--smoke"] if smoke else [])]
            evaluating[model] = subprocess.Popen([sys.executable, "-m", "tests.gpu.evaluated", *options])
    for model, process in evaluating.items():
        with record.part(f"{model}: evaluation"):
            _numbers(record, model, folder / model, process)


def _schedule(epochs: int, smoke: bool) -> dict[str, Any]:
    return {"warmup_epochs": 1, "decay_epochs": 1 if smoke else epochs - 1, "step_epochs": 0}


def _study(smoke: bool, plain: bool = False) -> Study:
    """Return the study with trainings that are short; what else counts is as it comes."""
    cores = len(os.sched_getaffinity(0))
    common: dict[str, Any] = {"members": 1, "folds": "full", "shuffle_buffer_mb": 256 if smoke else 8192}
    # bf16 is ten times slower on a CPU; the batches of a GPU would not be filled
    own = {"batch_size": 16} if smoke else {"prediction_batch": 256, **({} if plain else known(RECOMMENDED))}
    layers = {**common, "batch_size": 16 if smoke else 128, "schedule": _schedule(LAYER_EPOCHS, smoke)}
    models = {
        "cnn": {"training": {**common, **own, "schedule": _schedule(EPOCHS, smoke)}},
        "cnn_without_amp": {"base": "cnn", "training": {"amp": False}},
        "layers": {"training": layers},
        "bdt": {"trees": {"rounds": 20 if smoke else 600, "threads": cores}},
    }
    return production_study(smoke, models)


def _wait_for_muons(record: Recorder, folder: Path, smoke: bool) -> tuple[list[Path], list[Path]]:
    """Return the shards to train on and of the test sample, as soon as the simulation ends or there are enough."""
    started = time.monotonic()
    while not (folder / "muons.json").exists():
        if time.monotonic() - started > (500 if smoke else 20):
            break
        time.sleep(0.2)
    training, test = muon_shards(folder)
    if not training or not test:
        raise RuntimeError("no simulated muons: see the step 'muons'")
    record.measured("waited for the simulation", time.monotonic() - started, "s")
    return training, test


def _affordable(record: Recorder, folder: Path, shards: Sequence[Path]) -> list[Path]:
    """Return as many shards as the paper's network can see `EPOCHS` times in its share of the time."""
    rates: Mapping[str, float] = {}
    if (folder / "rates.json").exists():
        rates = json.loads((folder / "rates.json").read_text())
    # both trainings of the paper's network
    seconds = sum(rates.get(name, 1e-3 * SLOWEST_MS) for name in ("recommended", "tf32"))
    # reading the shards once, validation and a margin
    affordable = SHARE_OF_TIME * record.left() / (1.3 * seconds * EPOCHS + 4e-4)
    kept: list[Path] = []
    n = 0
    for path in shards:
        if kept and n + len(index_events([path])) > affordable:
            break
        kept.append(path)
        n += len(index_events([path]))
    record.measured("muons to train, monitor and calibrate with", n, "", f"of {len(index_events(shards))} simulated")
    return kept


def _train_network(
    study: Study, model: str, shards: Sequence[Path], scaling: Path, out: Path, device: torch.device
) -> Path:
    own = fold_scheme("full", FOLDS, 1, study.settings.folds.held_out)[0]
    train_member_of(
        study,
        model,
        0,
        shards,
        scaling,
        TrainingFolds(count=FOLDS, training=own.training, monitoring=own.monitoring),
        SEED,
        "cuda" if device.type == "cuda" else "cpu",
        out / "member_0.pt",
        out / "member_0.safetensors",
        "",
    )
    assemble_model(study, model, [out / "member_0.safetensors"], out / "model.json", "")
    return out / "model.json"


def _train_trees(study: Study, shards: Sequence[Path], out: Path) -> Path:
    try:
        from hitforge.stages.train_trees import train_trees_of
    except ImportError as missing:
        raise NotThereError(f"boosted trees need scipy and xgboost: {missing}") from missing
    folds = tree_folds(FOLDS, study.settings.folds.held_out)
    train_trees_of(study, "bdt", 0, shards, folds, SEED, out / "booster_0.ubj", out / "trials_0.json", "")
    assemble_model(study, "bdt", [out / "booster_0.ubj"], out / "model.json", "")
    return out / "model.json"


def _epochs_of(manifest: Path) -> str:
    member = read_json(manifest)["members"][0]
    return f"best epoch or round {member['best_epoch'] + 1}"


def _predict(
    record: Recorder,
    study: Study,
    model: str,
    manifest: Path,
    shards: tuple[Sequence[Path], Sequence[Path]],
    scaling: Path,
    device: torch.device,
) -> None:
    """Predict held-out and test muons."""
    out, where = manifest.parent, "cuda" if device.type == "cuda" else "cpu"
    held_out = study.settings.folds.held_out
    predict_block(study, manifest, shards[0], held_out, FOLDS, scaling, where, out / "heldout.h5", "")
    started = time.monotonic()
    predict_block(study, manifest, shards[1], None, FOLDS, scaling, where, out / "test.h5", "")
    taken = (time.monotonic() - started) / len(index_events(shards[1]))
    record.measured(f"{model}: prediction, from shards to file", 1e3 * taken, "ms/muon")


def _numbers(record: Recorder, model: str, out: Path, evaluating: subprocess.Popen[bytes]) -> None:
    """Wait for the metrics of a model and note what was measured on the test sample."""
    if evaluating.wait(timeout=max(1.0, record.left())) != 0:
        raise RuntimeError("the evaluation failed; its message is in the step's log")
    of_test = read_json(out / "metrics.json")["samples"]["test"]
    for name in NUMBERS:
        number = of_test[name]
        if number["value"] is None:
            record.not_there(f"{model}: {name}", str(number["reason"]))
        else:
            record.measured(f"{model}: {name}", number["value"], "", f"± {number['error']}")
