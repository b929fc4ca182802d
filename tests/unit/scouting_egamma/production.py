"""A whole small production of the study, stage by stage in one process."""

from __future__ import annotations

from pathlib import Path

from hitforge.config import load_settings
from hitforge.folds import tree_folds
from hitforge.inventory import take_inventory
from hitforge.predictions import PlannedPiece
from hitforge.provenance import write_json
from hitforge.reporting.chapter import ReportInputs
from hitforge.stages.assemble import assemble_model
from hitforge.stages.build_shard import build_shard
from hitforge.stages.evaluate import calibrate, compare, evaluate
from hitforge.stages.explain import explain
from hitforge.stages.fit_scaling import fit_scaling_of
from hitforge.stages.fit_table import fit_table_of
from hitforge.stages.predict import predict_block
from hitforge.stages.train_member import TrainingFolds, train_member_of
from hitforge.stages.train_trees import train_trees_of
from hitforge.studies.base import TrainedModel, load_study
from hitforge.validation import judge
from tests.unit.given import given

SEED = 11
TESTS = ("test", "test_other_map")
_TREES = {"rounds": 25, "early_stopping_rounds": 5, "max_depth": 5, "eta": 0.3, "min_child_weight": 5}
_SMALL = {
    "blocks": 1,
    "run_models": ["raw", "seed-bdt", "hgb", "ens5"],
    "evaluation": {"bootstraps": 4},
    "samples": {
        "replace": True,
        "train": {"role": "train", "source": "simulate", "parts": 1, "events_per_part": 20_000},
        "test": {"role": "test", "source": "simulate", "parts": 1, "events_per_part": 10_000},
        "test_other_map": {
            **{"role": "test", "source": "simulate", "parts": 1, "events_per_part": 4_000},
            "spectrum": "flat_other_map",
        },
    },
    "models": {
        "seed-bdt": {"trees": {**_TREES, "tune": {"trials": 2, "startup_trials": 1, "max_events": 2000}}},
        "hgb": {"trees": {**_TREES, "tune": None}},
        "ens5": {
            "network": {"channels": [4], "flat": 8, "dense": [16], "joint": [16]},
            "training": {
                "members": 2,
                "batch_size": 128,
                "max_events": 2000,
                "schedule": {"warmup_epochs": 1, "decay_epochs": 2},
            },
        },
    },
}


def produce(folder: Path) -> ReportInputs:
    """Simulate, build, train, predict, calibrate and evaluate; return what the report is made of."""
    settings = load_settings({"studies": ["scouting_egamma"], "scouting_egamma": _SMALL}).studies["scouting_egamma"]
    study = load_study("scouting_egamma", settings)
    shards: dict[str, tuple[Path, ...]] = {}
    inventories: dict[str, Path] = {}
    for number, (sample, about) in enumerate(settings.samples.items()):
        source = folder / f"{sample}.root"
        given(study, "simulate").simulate(source, about, SEED + number)
        verdict = judge(sample, str(source), given(study, "validate").inspect(str(source)))
        inventories[sample] = folder / f"inventory_{sample}.json"
        inventory, _ = take_inventory(study.name, sample, [verdict], "fail", 0.0, {})
        write_json(inventories[sample], inventory.model_dump(mode="json"))
        shards[sample] = (folder / f"{sample}.h5",)
        build_shard(given(study, "build_shard"), sample, verdict, shards[sample][0], "hash")
    scaling = folder / "scaling.json"
    fit_scaling_of(given(study, "fit_scaling"), shards["train"], settings.folds.count, settings.folds.held_out, scaling)
    folds = tree_folds(settings.folds.count, settings.folds.held_out)
    metrics, manifests, calibrations, explained, plans = {}, {}, {}, {}, {}
    for model in settings.run_models:
        home = folder / model
        home.mkdir()
        entry = settings.models[model]
        members = []
        for k in range(entry.n_files):
            if entry.kind == "table":
                members.append(home / f"table_{k}.json")
                fit_table_of(given(study, "fit_table", model), model, shards["train"], folds, members[-1], "hash")
            elif entry.kind == "network":
                members.append(home / f"member_{k}.safetensors")
                own = TrainingFolds(count=10, training=tuple(f for f in range(1, 10) if f != k + 1), monitoring=k + 1)
                checkpoint = home / f"{k}.pt"
                train_member_of(
                    given(study, "train_member", model),
                    model,
                    k,
                    shards["train"],
                    scaling,
                    own,
                    SEED,
                    "cpu",
                    checkpoint,
                    members[-1],
                    "hash",
                )
            else:
                members.append(home / f"trees_{k}.ubj")
                trials = home / f"trials_{k}.json"
                train_trees_of(
                    given(study, "train_trees", model),
                    model,
                    k,
                    shards["train"],
                    folds,
                    SEED,
                    members[-1],
                    trials,
                    "hash",
                )
        manifests[model], calibrations[model] = home / "model.json", home / "calibration.json"
        assemble_model(given(study, "assemble", model), model, members, manifests[model], "hash")
        plan = {}
        held_out = settings.folds.held_out
        for name, sample, wanted in (("heldout", "train", held_out), *((test, test, None) for test in TESTS)):
            out = home / f"{name}.h5"
            predict_block(
                given(study, "predict", model),
                manifests[model],
                shards[sample],
                wanted,
                settings.folds.count,
                scaling,
                "cpu",
                out,
                "hash",
            )
            inventory_of = inventories[sample]
            plan[name] = [PlannedPiece(predictions=(out,), calibration=calibrations[model], inventory=inventory_of)]
        calibrate(
            given(study, "calibrate"), plan["heldout"][0].predictions, inventories["train"], calibrations[model], "hash"
        )
        metrics[model] = home / "metrics.json"
        evaluate(given(study, "evaluate"), model, plan, manifests[model], SEED, metrics[model], "hash")
        explained[model] = home / "explain.json"
        trained = TrainedModel(given(study, "explain", model), manifests[model], scaling, shards, SEED)
        explain(trained, model, explained[model], {})
        plans[model] = plan
    compare(given(study, "compare"), plans, SEED, folder / "comparison.json", "hash")
    return ReportInputs(
        study=study.name,
        settings=settings.model_dump(mode="json"),
        metrics=metrics,
        manifests=manifests,
        calibrations=calibrations,
        comparison=folder / "comparison.json",
        inventories=inventories,
        shards=shards,
        outputs=plans,
        explain=explained,
    )
