"""Fabricated artefacts of a finished production: real file formats and real metrics, invented predictions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.config import load_settings
from hitforge.hits import CellHits
from hitforge.predictions import EvaluationPiece, PlannedPiece, Predictions, write_predictions
from hitforge.provenance import read_json, write_json
from hitforge.reporting.chapter import ReportInputs
from hitforge.shards import ShardBlock, write_shard
from hitforge.studies.base import Study, load_study
from hitforge.validation import Inventory, PartEntry, write_inventory

WIDTHS = {"bdt": (0.31, 90.0), "hl_only": (0.27, 80.0), "cnn": (0.235, 60.0), "bdt_tuned": (0.30, 88.0)}
N_PARTS = 3


def fabricate(
    folder: Path,
    models: tuple[str, ...] = ("bdt", "hl_only", "cnn"),
    n_heldout: int = 1500,
    n_points: int = 60,
    members: int = 3,
    bootstraps: int = 25,
    bad_part: bool = True,
) -> tuple[Study, ReportInputs]:
    """Write the artefacts of a production and return its study and the report's inputs.

    ``n_points`` muons stand at each energy of the sample ``points``; ``test`` and ``geant4`` are as large as what is
    held out. Few muons give numbers that are null with a reason.
    """
    user = {
        "studies": ["calo_muon"],
        "preset": "small",
        "calo_muon": {
            "run_models": list(models),
            "reference_model": models[-1],
            "report": {"show": []},
            "folds": {"rotations": 0},
            "evaluation": {"bootstraps": bootstraps},
            "samples": {
                "replace": True,
                "train": {"role": "train", "source": "simulate", "parts": 1, "events_per_part": 1},
                "points": {"role": "test", "source": "simulate", "parts": 1, "events_per_part": 1},
                "test": {"role": "test", "source": "simulate", "parts": 1, "events_per_part": 1},
                "geant4": {"role": "test", "source": "/data/geant4_*.root"},
            },
        },
    }
    study = load_study("calo_muon", load_settings(user).studies["calo_muon"])
    rng = np.random.default_rng(3)
    samples = {
        "train": rng.uniform(50.0, 8000.0, n_heldout),
        "points": np.repeat(study.settings.evaluation.test_energies_gev, n_points),
        "test": rng.uniform(50.0, 8000.0, n_heldout),
        "geant4": rng.uniform(50.0, 8000.0, n_heldout),
    }
    for name, true in samples.items():
        _write_sample(study, folder, name, true, rng, bad_part and name == "train")
    plans: dict[str, dict[str, list[PlannedPiece]]] = {}
    evaluated: dict[str, dict[str, Any]] = {}
    for index, model in enumerate(models):
        plans[model], evaluated[model] = _write_model(
            study, folder, model, samples, members, np.random.default_rng(100 + index)
        )
    compared = {
        name: study.compare({model: own[name] for model, own in evaluated.items()}, 7, name)
        for name in ("heldout", "points", "test", "geant4")
    }
    write_json(folder / "comparison.json", {"samples": compared})
    inputs = ReportInputs(
        study="calo_muon",
        settings=study.settings.model_dump(mode="json"),
        metrics={model: folder / f"metrics/{model}.json" for model in models},
        manifests={model: folder / f"models/{model}/model.json" for model in models},
        calibrations={model: folder / f"calibration/{model}.json" for model in models},
        comparison=folder / "comparison.json",
        inventories={name: folder / f"inventory/{name}.json" for name in samples},
        shards={name: tuple(sorted((folder / f"shards/{name}").glob("*.h5"))) for name in samples},
        outputs=plans,
    )
    return study, inputs


def part_names(sample: str) -> list[str]:
    return [f"{sample}_{k:04d}-{k:08x}" for k in range(N_PARTS)]


def _write_sample(
    study: Study, folder: Path, name: str, true: NDArray[np.float64], rng: np.random.Generator, bad_part: bool
) -> None:
    entries = {}
    for part, energy in zip(part_names(name), np.array_split(true, N_PARTS), strict=True):
        write_shard(
            folder / f"shards/{name}/{part}.h5",
            study.layout,
            [_muons(study, energy, rng)],
            {"study": "calo_muon", "sample": name, "part": part, "content_checksum": part, "config_hash": "0"},
        )
        entries[part] = PartEntry(
            status="good", n_events=len(energy), content_checksum=part, source=f"results/{part}.root"
        )
    if bad_part:
        reasons = ("tree is missing: no TTree B4 or muons (fix: write the file again)",)
        entries["broken-0badf00d"] = PartEntry(
            status="bad", n_events=0, content_checksum="", source="data/broken.root", reasons=reasons
        )
    write_inventory(folder / f"inventory/{name}.json", Inventory(study="calo_muon", sample=name, parts=entries))


def _muons(study: Study, energy: NDArray[np.float64], rng: np.random.Generator) -> ShardBlock:
    n, names = len(energy), study.layout.feature_names
    features = rng.gamma(2.0, 1.0, (n, len(names))) * (1.0 + energy[:, None] / 4000.0)
    for whole in ("nclu", "ncellmax", "nclu1", "ncellmax1", "maxdepthz"):
        features[:, names.index(whole)] = rng.poisson(2.0 + energy / 1000.0)
    x, y = rng.uniform(-20.0, 20.0, (2, n))
    charge = rng.choice([-1.0, 1.0], n)
    return ShardBlock(
        features=features.astype(np.float32),
        bucket=rng.integers(0, 3600, n).astype(np.int16),
        entry=np.arange(n),
        targets={"energy": energy.astype(np.float32)},
        truth=dict.fromkeys(study.layout.truth, np.full(n, np.nan, np.float32))
        | {"x": x.astype(np.float32), "y": y.astype(np.float32), "charge": charge.astype(np.float32)},
        hits=_tracks(study, x, y, energy, rng),
    )


def _tracks(study: Study, x: NDArray[np.float64], y: NDArray[np.float64], energy: Any, rng: Any) -> CellHits:
    """Deposit along straight tracks, more at higher energy."""
    n_z, n_x, n_y = study.layout.voxel_shape
    depth = np.arange(n_z)
    cells = depth * n_x * n_y + ((x[:, None] + 60) // 3.75 * n_y + (y[:, None] + 60) // 3.75).astype(int)
    deposits = rng.exponential(0.02, (len(x), n_z)) * (1 + energy[:, None] / 1000.0)
    indptr = np.arange(len(x) + 1, dtype=np.int64) * n_z
    return CellHits(indptr, cells.reshape(-1).astype(np.uint16), deposits.reshape(-1).astype(np.float32))


def _write_model(
    study: Study,
    folder: Path,
    model: str,
    samples: dict[str, NDArray[np.float64]],
    members: int,
    rng: np.random.Generator,
) -> tuple[dict[str, list[PlannedPiece]], dict[str, Any]]:
    trees = study.settings.models[model].kind == "trees"
    count = 1 if trees else members
    weights = np.full(count, 1.0 / count)
    predictions = {
        name: _predictions(name, true, WIDTHS.get(model, (0.25, 70.0)), weights, rng) for name, true in samples.items()
    }
    for name, values in predictions.items():
        write_predictions(folder / f"predictions/{model}/{name}/b000.h5", values, {"fit": model})
    calibration = folder / f"calibration/{model}.json"
    write_json(calibration, study.calibrate(predictions["train"]))
    evaluated = {
        {"train": "heldout"}.get(name, name): study.calibrated(
            [EvaluationPiece(values.sorted(), read_json(calibration), calibrated_on=name == "train")]
        )
        for name, values in predictions.items()
    }
    metrics = study.evaluate(model, evaluated, list(weights), 7)
    write_json(folder / f"metrics/{model}.json", {"evaluation": "fold 0", **metrics})
    _write_training(study, folder / f"models/{model}", model, trees, weights, rng)
    plan = {
        {"train": "heldout"}.get(name, name): [
            PlannedPiece(
                predictions=(folder / f"predictions/{model}/{name}/b000.h5",),
                calibration=calibration,
                inventory=folder / f"inventory/{name}.json",
                calibrated_on=name == "train",
            )
        ]
        for name in samples
    }
    return plan, evaluated


def _predictions(
    sample: str, true: NDArray[np.float64], width: tuple[float, float], weights: NDArray[np.float64], rng: Any
) -> Predictions:
    n, relative = len(true), np.hypot(width[0], width[1] / true)
    shared = rng.normal(size=n)
    own = rng.normal(size=(n, len(weights)))
    noise = 0.93 * shared[:, None] + 0.37 * own
    values = 110.0 + 0.84 * true[:, None] * (1.0 + relative[:, None] * noise) - 1.2e-5 * true[:, None] ** 2
    parts = np.repeat(np.array(part_names(sample), dtype=object), [len(x) for x in np.array_split(true, N_PARTS)])
    return Predictions(
        part=parts,
        entry=np.concatenate([np.arange(len(x)) for x in np.array_split(true, N_PARTS)]),
        bucket=(np.arange(n) * 7 % 3600).astype(np.int16),
        target=true.astype(np.float32),
        truth={},
        members={"energy": values.astype(np.float32)},
        ensemble={"energy": (values @ weights).astype(np.float32)},
    )


def _write_training(
    study: Study, folder: Path, model: str, trees: bool, weights: NDArray[np.float64], rng: Any
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = study.feature_set(study.settings.models[model].features)
    manifest: dict[str, Any] = {
        "study": "calo_muon",
        "model": model,
        "kind": "trees" if trees else "network",
        "features": list(names),
        "weights": weights.tolist(),
        "n_parameters": None if trees else 15_361 if model == "hl_only" else 636_570,
    }
    if trees:
        rounds = np.arange(120)
        monitor = 95.0 + 180.0 * np.exp(-rounds / 15.0) + 0.05 * rounds
        train = 80.0 + 190.0 * np.exp(-rounds / 15.0) - 0.15 * rounds
        best = int(np.argmin(monitor))
        history = {"train": train.tolist(), "monitor": monitor.tolist(), "best_round": best, "best_loss": monitor[best]}
        write_json(folder / "booster_0.json", {"history": history})
        gains = np.sort(rng.exponential(10.0, len(names)))[::-1]
        manifest["members"] = [{"file": "booster_0.ubj", "best_loss": monitor[best], "best_epoch": best}]
        manifest["importances"] = [
            {"feature": name, "gain": float(g), "weight": int(rng.integers(5, 80))}
            for name, g in zip(names, gains, strict=True)
        ]
        if study.settings.models[model].trees.tune is not None:
            manifest["trials"] = [
                {
                    "number": k,
                    "score": float(90.0 + rng.exponential(6.0)),
                    "params": {"max_depth": int(rng.integers(3, 9)), "eta": float(10 ** rng.uniform(-2, -0.5))},
                    "best_round": 80,
                    "state": "complete",
                }
                for k in range(12)
            ]
    else:
        manifest["members"] = []
        for k in range(len(weights)):
            rows = [_epoch(e, k, rng) for e in range(12)]
            best = min(range(12), key=lambda e: rows[e]["validation_loss"])
            info = {
                "history": rows,
                "best_epoch": best,
                "best_loss": rows[best]["validation_loss"],
                "n_training": 2400,
                "n_monitoring": 400,
                "stop_reason": "max_epochs",
            }
            write_json(folder / f"member_{k}.json", info)
            manifest["members"].append(
                {"file": f"member_{k}.safetensors", "best_loss": info["best_loss"], "best_epoch": best}
            )
    write_json(folder / "model.json", manifest)


def _epoch(epoch: int, member: int, rng: Any) -> dict[str, float]:
    u = (1 + math.cos(math.pi * max(epoch - 1, 0) / 11)) / 2
    return {
        "epoch": epoch,
        "train_loss": float(60 + 500 * math.exp(-epoch / 1.6) + rng.normal() * 2),
        "validation_loss": float(75 + 3 * member + 420 * math.exp(-epoch / 1.6) + rng.normal() * 5),
        "lr": 5e-5 if epoch == 0 else 5e-4 + 4.5e-3 * u,
        "beta1": 0.95 if epoch == 0 else 0.95 - 0.1 * u,
    }
