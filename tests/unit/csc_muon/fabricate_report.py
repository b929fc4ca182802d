"""Fabricated artefacts of a finished production: real file formats and real metrics, toy predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hitforge.predictions import PlannedPiece, Predictions, write_predictions
from hitforge.provenance import write_json
from hitforge.reporting.chapter import ReportInputs
from hitforge.shards import ShardBlock, ShardLayout, write_shard
from hitforge.studies.csc_muon.data.derived import features_of
from hitforge.studies.csc_muon.data.roads import Roads
from hitforge.studies.csc_muon.evaluation.calibration import apply_calibration, calibrate_sample
from hitforge.studies.csc_muon.evaluation.comparison import compare_models
from hitforge.studies.csc_muon.evaluation.metrics import evaluate_model
from hitforge.studies.csc_muon.evaluation.sample import MuonSample
from hitforge.studies.csc_muon.features import FEATURE_NAMES, FEATURE_UNITS
from hitforge.studies.csc_muon.settings import SimulationSettings
from hitforge.studies.csc_muon.simulation.generate import simulate_roads
from hitforge.validation import Inventory, PartEntry, write_inventory
from tests.unit.csc_muon.toy_muons import TOYS, sample_of, settings, toy_columns

REFERENCE = "ens5"
BASES = {"hgb-no-bend": "hgb"}
SEED = 7


def fabricate(
    folder: Path, n_guns: int = 1500, bootstraps: int = 3, models: tuple[str, ...] = tuple(TOYS)
) -> ReportInputs:
    """Write the artefacts of a production and return the report's inputs."""
    evaluation = settings(bootstraps=bootstraps)
    samples = {name: _roads(n_guns, seed) for name, seed in (("train", 1), ("test", 2))}
    for name, roads in samples.items():
        _write_sample(folder, name, roads)
    held = samples["train"].take(np.arange(len(samples["train"])) % 5 == 0)
    calibrated: dict[str, dict[str, MuonSample]] = {"heldout": {}, "test": {}}
    for model in models:
        calibration = calibrate_sample(_muons(held, model), evaluation)
        write_json(folder / f"calibration/{model}.json", calibration)
        for name, roads in (("heldout", held), ("test", samples["test"])):
            calibrated[name][model] = apply_calibration(_muons(roads, model), calibration)
            _write_predictions(folder / f"predictions/{model}/{name}.h5", roads, calibrated[name][model])
        metrics = evaluate_model(model, {name: calibrated[name][model] for name in calibrated}, [1.0], SEED, evaluation)
        write_json(folder / f"metrics/{model}.json", {"evaluation": "held-out folds", **metrics})
        _write_training(folder / f"models/{model}", model)
    comparison = {name: compare_models(muons, SEED, name, evaluation) for name, muons in calibrated.items()}
    write_json(folder / "comparison.json", {"samples": comparison})
    plan = {
        name: [
            PlannedPiece(
                predictions=(folder / f"predictions/{REFERENCE}/{name}.h5",),
                calibration=folder / f"calibration/{REFERENCE}.json",
            )
        ]
        for name in calibrated
    }
    return ReportInputs(
        study="csc_muon",
        settings={
            "samples": {
                "train": {"role": "train", "source": "simulate"},
                "test": {"role": "test", "source": "simulate"},
            },
            "folds": {"count": 10, "held_out": [0]},
            "reference_model": REFERENCE,
            "baseline_model": "emtf-bdt",
            "evaluation": evaluation.model_dump(mode="json"),
            "models": {
                model: {"kind": _kind(model), "description": f"toy {model}", "base": BASES.get(model)}
                for model in models
            },
        },
        metrics={model: folder / f"metrics/{model}.json" for model in models},
        manifests={model: folder / f"models/{model}/model.json" for model in models},
        calibrations={model: folder / f"calibration/{model}.json" for model in models},
        comparison=folder / "comparison.json",
        inventories={name: folder / f"inventory/{name}.json" for name in samples},
        shards={name: (folder / f"shards/{name}/part.h5",) for name in samples},
        outputs={REFERENCE: plan} if REFERENCE in models else {},
    )


def _roads(n_guns: int, seed: int) -> Roads:
    return Roads.concatenate(list(simulate_roads(n_guns, seed, SimulationSettings())))


def _muons(roads: Roads, model: str) -> MuonSample:
    q_over_pt = roads.q_over_pt.astype(np.float64)
    four = roads.hit[:, [0, 2, 3, 4]].all(axis=1)
    columns = toy_columns(q_over_pt, model)
    eta, phi = (roads.parameters[:, i].astype(np.float64) for i in (2, 1))
    return sample_of(q_over_pt, columns, eta, phi, four_csc=four, mode=roads.mode.astype(np.int64))


def _write_sample(folder: Path, name: str, roads: Roads) -> None:
    layout = ShardLayout(
        feature_names=FEATURE_NAMES,
        feature_units=tuple(FEATURE_UNITS[name] for name in FEATURE_NAMES),
        targets={"q_over_pt": "1/GeV"},
        truth={"phi": "rad", "eta": ""},
    )
    block = ShardBlock(
        features=features_of(roads.variables),
        bucket=(np.arange(len(roads)) % 3600).astype(np.int16),
        entry=np.arange(len(roads)),
        targets={"q_over_pt": roads.q_over_pt},
        truth={"phi": roads.parameters[:, 1], "eta": roads.parameters[:, 2]},
    )
    about = {"study": "csc_muon", "sample": name, "part": "part", "content_checksum": name, "config_hash": "0"}
    write_shard(folder / f"shards/{name}/part.h5", layout, [block], about)
    flow = (("read", len(roads) + 5), ("mode 11, 13, 14 or 15", len(roads)))
    good = PartEntry(status="good", n_events=len(roads), content_checksum=name, source=f"{name}.root", cut_flow=flow)
    parts = {"part": good}
    if name == "train":
        reasons = ("tree is missing: no TTree muons (fix: write the file again)",)
        parts["broken"] = PartEntry(
            status="bad", n_events=0, content_checksum="", source="broken.root", reasons=reasons
        )
    write_inventory(folder / f"inventory/{name}.json", Inventory(study="csc_muon", sample=name, parts=parts))


def _write_predictions(path: Path, roads: Roads, muons: MuonSample) -> None:
    n = len(roads)
    columns = {name: values.astype(np.float32) for name, values in muons.columns.items()}
    predictions = Predictions(
        part=np.full(n, "part", dtype=object),
        entry=np.arange(n),
        bucket=np.zeros(n, dtype=np.int16),
        target=roads.q_over_pt,
        truth={"eta": roads.parameters[:, 2]},
        members={name: values[:, None] for name, values in columns.items()},
        ensemble=columns,
    )
    write_predictions(path, predictions, {"fit": "main"})


def _kind(model: str) -> str:
    return "network" if model in ("ens5", "seed-fcn4") else "trees"


def _write_training(folder: Path, model: str) -> None:
    rounds = np.arange(1, 31)
    monitor = 0.3 + np.exp(-rounds / 6.0) + 0.002 * rounds
    train = 0.25 + 1.1 * np.exp(-rounds / 7.0)
    best = int(np.argmin(monitor))
    manifest: dict[str, Any] = {"study": "csc_muon", "model": model, "kind": _kind(model), "weights": [1.0]}
    manifest |= {"features": ["dphi_12", "theta"], "members": [{"file": "member_0.bin"}], "n_parameters": None}
    if _kind(model) == "trees":
        curves = {"train": train.tolist(), "monitor": monitor.tolist(), "best_round": best, "best_loss": monitor[best]}
        history: dict[str, Any] = {"history": curves}
        manifest["importances"] = [
            {"feature": "dphi_12", "gain": 9.0, "weight": 40},
            {"feature": "theta", "gain": 2.0, "weight": 30},
        ]
    else:
        rows = [
            {"epoch": i, "train_loss": t, "validation_loss": m, "lr": 1e-3 / (1 + i), "beta1": 0.9}
            for i, (t, m) in enumerate(zip(train.tolist(), monitor.tolist(), strict=True))
        ]
        history = {"history": rows, "best_epoch": best, "best_loss": monitor[best], "stop_reason": "no improvement"}
        manifest["n_parameters"] = 123_456
    if model == "seed-bdt":
        rng = np.random.default_rng(4)
        manifest["trials"] = [
            {
                "number": i,
                "score": 0.01 + 0.001 * float(rng.random()),
                "params": {"max_depth": 3 + i % 5, "gamma": 0.1 * i},
            }
            for i in range(6)
        ]
    write_json(folder / "model.json", manifest)
    write_json(folder / "member_0.json", history)
