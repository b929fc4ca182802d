"""Fabricated artefacts of a finished production: real file formats and real metrics, toy predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hitforge.config import load_settings
from hitforge.predictions import EvaluationPiece, PlannedPiece, Predictions, write_predictions
from hitforge.provenance import write_json
from hitforge.reporting.chapter import ReportInputs
from hitforge.shards import ShardBlock, write_shard
from hitforge.stages.explain import explain
from hitforge.stages.fit_scaling import fit_scaling_of
from hitforge.studies.base import Study, TrainedModel, load_study
from hitforge.studies.object_id.data.cuts import select
from hitforge.studies.object_id.data.objects import Objects
from hitforge.studies.object_id.features import features_of
from hitforge.training.member_files import TrainedMember, save_member
from hitforge.validation import Inventory, PartEntry, write_inventory
from tests.unit.object_id.part_builders import IMAGE, some_objects
from tests.unit.object_id.toy_objects import toy_probabilities

STRENGTHS = {"majority": 0.0, "logreg-T": 1.0, "hgb": 3.0, "seed-cnn": 3.0, "sweep-mse": 2.5, "ens5": 4.0}
"""Toy models by how much they know."""

SEED = 7


def study() -> Study:
    """Return the study with the settings of the demo and a small bootstrap."""
    user = {
        "studies": ["object_id"],
        "preset": "demo",
        "object_id": {
            "sweep_base": "sweep-mse",
            "evaluation": {"bootstraps": 3, "min_per_bin": 5},
            "models": {"sweep-mse": {"base": "seed-cnn", "description": "squared error", "network": {"loss": "mse"}}},
        },
    }
    return load_study("object_id", load_settings(user).studies["object_id"])


def fabricate(folder: Path, models: tuple[str, ...] = tuple(STRENGTHS)) -> ReportInputs:
    """Write the artefacts of a production and return the report's inputs."""
    made = study()
    samples = {name: _usable(made, seed) for name, seed in (("train", 1), ("test", 2))}
    for name, objects in samples.items():
        _write_sample(made, folder, name, objects)
    fit_scaling_of(made, [folder / "shards/train/part.h5"], 10, [], folder / "scaling.json")
    evaluated = {"heldout": samples["train"].take(slice(0, 150)), "test": samples["test"]}
    calibrated: dict[str, dict[str, Any]] = {model: {} for model in models}
    for model in models:
        predictions = {name: _predictions(objects, model) for name, objects in evaluated.items()}
        calibration = made.calibrate(predictions["heldout"])
        write_json(folder / f"calibration/{model}.json", calibration)
        for name, found in predictions.items():
            (folder / f"predictions/{model}").mkdir(parents=True, exist_ok=True)
            write_predictions(folder / f"predictions/{model}/{name}.h5", found, {"fit": "main"})
            calibrated[model][name] = made.calibrated([EvaluationPiece(found, calibration)])
        write_json(folder / f"metrics/{model}.json", made.evaluate(model, calibrated[model], [1.0], SEED))
        _write_training(folder / f"models/{model}", made, model)
    compared = {
        name: made.compare({model: own[name] for model, own in calibrated.items()}, SEED, name) for name in evaluated
    }
    write_json(folder / "comparison.json", {"samples": compared})
    plan = {
        name: [
            PlannedPiece(
                predictions=(folder / f"predictions/ens5/{name}.h5",), calibration=folder / "calibration/ens5.json"
            )
        ]
        for name in evaluated
    }
    explained = [model for model in models if model == "ens5"]
    for model in explained:
        shards = {name: [folder / f"shards/{name}/part.h5"] for name in samples}
        trained = TrainedModel(made, folder / f"models/{model}/model.json", folder / "scaling.json", shards)
        explain(trained, model, folder / f"explain/{model}.json", {})
    return ReportInputs(
        study="object_id",
        settings=made.settings.model_dump(mode="json"),
        metrics={model: folder / f"metrics/{model}.json" for model in models},
        manifests={model: folder / f"models/{model}/model.json" for model in models},
        calibrations={model: folder / f"calibration/{model}.json" for model in models},
        comparison=folder / "comparison.json",
        inventories={name: folder / f"inventory/{name}.json" for name in samples},
        shards={name: (folder / f"shards/{name}/part.h5",) for name in samples},
        outputs={"ens5": plan} if "ens5" in models else {},
        scaling=folder / "scaling.json",
        explain={model: folder / f"explain/{model}.json" for model in explained},
    )


def _usable(made: Study, seed: int) -> Objects:
    objects = some_objects(600, seed)
    return objects.take(select(objects, made.settings.cuts)[0])


def _predictions(objects: Objects, model: str) -> Predictions:
    n = len(objects)
    columns = {"class_probabilities": toy_probabilities(objects.label.astype(int), STRENGTHS[model]).astype(np.float32)}
    truth = {name: getattr(objects, name).astype(np.float32) for name in ("pt", "eta", "phi", "n_prong", "npv")}
    return Predictions(
        part=np.full(n, "part", dtype=object),
        entry=np.arange(n),
        bucket=np.zeros(n, dtype=np.int16),
        target=objects.label.astype(np.float32),
        truth={**truth, "weight": objects.w},
        members={name: values[:, None] for name, values in columns.items()},
        ensemble=columns,
    )


def _write_sample(made: Study, folder: Path, name: str, objects: Objects) -> None:
    truth = {key: getattr(objects, key).astype(np.float32) for key in ("pt", "eta", "phi", "n_prong", "npv")}
    block = ShardBlock(
        features=features_of(objects.image, objects.eta, IMAGE),
        bucket=np.zeros(len(objects), np.int16),
        entry=np.arange(len(objects)),
        targets={"label": objects.label.astype(np.float32)},
        truth={**truth, "weight": objects.w},
    )
    about = {"study": "object_id", "sample": name, "part": "part", "content_checksum": name, "config_hash": "0"}
    (folder / f"shards/{name}").mkdir(parents=True)
    write_shard(folder / f"shards/{name}/part.h5", made.layout, [block], about)
    flow = (("all", 600), ("jets per event", len(objects)))
    good = PartEntry(status="good", n_events=len(objects), content_checksum=name, source=f"{name}.root", cut_flow=flow)
    parts = {"part": good}
    if name == "train":
        reasons = ("missing_tree: no TTree objects (fix: write the file again)",)
        parts["broken"] = PartEntry(status="bad", n_events=0, content_checksum="", source="b.root", reasons=reasons)
    (folder / "inventory").mkdir(exist_ok=True)
    write_inventory(folder / f"inventory/{name}.json", Inventory(study="object_id", sample=name, parts=parts))


def _write_training(folder: Path, made: Study, model: str) -> None:
    kind = made.settings.models[model].kind
    manifest: dict[str, Any] = {
        "study": "object_id",
        "model": model,
        "kind": kind,
        "weights": [1.0],
        "features": ["ln_T"],
    }
    manifest |= {"members": [{"file": "member_0.safetensors"}], "n_parameters": 198_916 if kind == "network" else None}
    steps = np.arange(1, 11)
    monitor, train = 0.3 + np.exp(-steps / 3.0), 0.25 + np.exp(-steps / 3.0)
    if kind == "trees":
        curves = {"train": train.tolist(), "monitor": monitor.tolist(), "best_round": 9, "best_loss": monitor[9]}
        manifest["importances"] = [{"feature": "ln_T", "gain": 9.0, "weight": 40}]
        manifest["trials"] = [{"number": i, "score": 0.2 + 0.01 * i, "params": {"max_depth": 3 + i}} for i in range(3)]
        write_json(folder / "member_0.json", {"history": curves})
    elif kind == "network":
        rows = [
            {"epoch": i, "train_loss": t, "validation_loss": m, "lr": 1e-4, "beta1": None,
             "train_accuracy": 0.5 + i / 50, "validation_accuracy": 0.6 + i / 50}
            for i, (t, m) in enumerate(zip(train.tolist(), monitor.tolist(), strict=True))
        ]  # fmt: skip
        member = TrainedMember(
            weights=dict(made.build_network(model, 0).state_dict()),
            history=rows,
            best_epoch=9,
            best_loss=float(monitor[9]),
            n_training=400,
            n_monitoring=50,
            batches_per_epoch=4,
            stop_reason="max_epochs",
            seed=0,
        )
        save_member(folder / "member_0.safetensors", member, {})
    write_json(folder / "model.json", manifest)
