"""What is planned from a clean checkout: every named target with its number of jobs, and mistakes as errors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.workflow.running import REPOSITORY, Snakemake, runner

pytestmark = pytest.mark.workflow

# the demo: train and test parts in two blocks each; two models of trees, three ensembles of 3, 3 and 2 networks
STAGES_OF_DEMO = {
    "ntuples": {"simulate": 4},
    "verdicts": {"simulate": 4, "validate": 4, "take_inventory": 2, "compare_samples": 1},
    "shards": {"simulate": 4, "validate": 4, "build_shards": 4},
    "trees": {
        "simulate": 2,
        "validate": 2,
        "build_shards": 2,
        "take_inventory": 1,
        "train_trees": 2,
        "assemble_model": 2,
    },
    "networks": {
        "simulate": 2,
        "validate": 2,
        "build_shards": 2,
        "take_inventory": 1,
        "fit_scaling": 1,
        "train_member": 8,
        "assemble_model": 3,
    },
}
METRICS = {
    "simulate": 4,
    "validate": 4,
    "build_shards": 4,
    "take_inventory": 2,
    "compare_samples": 1,
    "fit_scaling": 1,
    "train_trees": 2,
    "train_member": 8,
    "assemble_model": 5,
    "predict": 16,
    "predict_on_gpu": 4,
    "calibrate": 5,
    "evaluate": 5,
}
REPORT = {**METRICS, "compare_models": 1, "make_tables": 1, "make_figures": 1, "make_report": 1}


@pytest.fixture
def snakemake(tmp_path: Path) -> Snakemake:
    """Run the workflow in an empty folder."""
    return runner(tmp_path)


@pytest.mark.parametrize("target", STAGES_OF_DEMO)
def test_named_target_plans_its_stages_and_no_more(snakemake: Snakemake, target: str) -> None:
    assert snakemake("-n", target).planned == STAGES_OF_DEMO[target]


def test_bare_call_plans_the_whole_demo(snakemake: Snakemake) -> None:
    assert snakemake("-n").planned == REPORT


def test_a_plan_of_hundreds_of_jobs_is_one_screen(snakemake: Snakemake) -> None:
    run = snakemake("-n", "--config", "preset=paper")
    assert run.planned.total() > 1000 and len(run.output.splitlines()) < 40
    # trainings take days, and the parts and shards of 1.3 million muons gigabytes
    (total,) = [line for line in run.output.splitlines() if line.startswith("total ")]
    assert re.search(r" \d+ d .* \d+ GB ", total)


def test_the_engines_own_plan_is_there_for_who_asks(snakemake: Snakemake) -> None:
    run = snakemake("-n", "-p", "verdicts")
    assert "reason: Missing output files" in run.output and run.planned["validate"] == 4


def test_packages_need_metrics_and_no_report(snakemake: Snakemake) -> None:
    assert snakemake("-n", "packages").planned == {**METRICS, "pack": 5}


def test_several_studies_share_a_page(snakemake: Snakemake) -> None:
    planned = snakemake("-n", "--config", "studies=calo_muon,csc_muon").planned
    assert planned["make_tables"] == planned["make_figures"] == 2
    assert planned["make_report"] == 1


def test_study_is_a_target(snakemake: Snakemake) -> None:
    assert snakemake("-n", "calo_muon").planned == REPORT


def test_second_study_is_planned_by_the_same_rules(snakemake: Snakemake) -> None:
    """Ten models of three kinds: five boosters (three of hgb), a table, five networks and an ensemble of five."""
    planned = snakemake("-n", "csc_muon").planned
    assert (planned["train_trees"], planned["fit_table"], planned["train_member"]) == (5, 1, 10)
    assert planned["assemble_model"] == planned["evaluate"] == 10
    # of what was trained on one block shows enough; the comparison of models does not read it
    assert planned["predict_trained_on"] == 10
    assert planned["make_tables"] == planned["make_figures"] == 1


def test_third_study_is_planned_by_the_same_rules(snakemake: Snakemake) -> None:
    """Seven models of three kinds: two tables, a booster, three single networks and an ensemble of five."""
    planned = snakemake("-n", "object_id").planned
    assert (planned["fit_table"], planned["train_trees"], planned["train_member"]) == (2, 1, 8)
    assert planned["assemble_model"] == planned["evaluate"] == 7
    assert planned["make_tables"] == planned["make_figures"] == 1


def test_sweep_trains_every_variant_three_times(snakemake: Snakemake) -> None:
    overlays = [f"{REPOSITORY}/config/presets/{name}.yaml" for name in ("demo", "object-id-sweep")]
    planned = snakemake("-n", "--config", "studies=object_id", "--configfile", *overlays).planned
    assert (planned["fit_table"], planned["train_trees"], planned["train_member"]) == (2, 0, 75)
    assert planned["evaluate"] == 27


def test_fold_that_was_trained_on_is_a_target_by_its_path(snakemake: Snakemake) -> None:
    planned = snakemake("-n", "results/calo_muon/predictions/bdt/trained_on/b000.h5").planned
    assert (planned["predict_trained_on"], planned["train_trees"], planned["predict"]) == (1, 1, 0)


def test_fourth_study_is_planned_by_the_same_rules(snakemake: Snakemake) -> None:
    """Seven models of three kinds: two times four boosters, two tables, two networks and an ensemble of five."""
    planned = snakemake("-n", "scouting_egamma").planned
    assert (planned["train_trees"], planned["fit_table"], planned["train_member"]) == (8, 2, 7)
    assert planned["assemble_model"] == planned["evaluate"] == 7
    # the held-out candidates and two test samples, a block each
    assert planned["predict"] == 21
    assert planned["make_tables"] == planned["make_figures"] == 1


def test_ablation_is_a_target_by_its_path(snakemake: Snakemake) -> None:
    planned = snakemake("-n", "results/calo_muon/metrics/no_se.json").planned
    assert planned["train_member"] == 5
    assert planned["evaluate"] == 1
    assert planned["train_trees"] == 0


PART = "sim_0000-c7f0577c"
TRAIN_SHARDS = {"simulate": 2, "validate": 2, "build_shards": 2, "take_inventory": 1}
TREES = {**TRAIN_SHARDS, "train_trees": 1}
PATHS = {
    f"ntuples/train/{PART}.root": {"simulate": 1},
    f"verdicts/train/{PART}.json": {"simulate": 1, "validate": 1},
    f"shards/train/{PART}.h5": {"simulate": 1, "validate": 1, "build_shards": 1},
    "inventory/test.json": {"simulate": 2, "validate": 2, "take_inventory": 1},
    "scaling.json": {**TRAIN_SHARDS, "fit_scaling": 1},
    "models/bdt/booster_0.ubj": TREES,
    "models/hl_only/member_3.safetensors": {**TRAIN_SHARDS, "fit_scaling": 1, "train_member": 1},
    "models/hl_only/model.json": {**TRAIN_SHARDS, "fit_scaling": 1, "train_member": 5, "assemble_model": 1},
    "predictions/bdt/train/b000.h5": {**TREES, "assemble_model": 1, "predict": 1},
    "calibration/bdt.json": {**TREES, "assemble_model": 1, "predict": 2, "calibrate": 1},
    "metrics/bdt.json": {
        **{"simulate": 4, "validate": 4, "build_shards": 4, "take_inventory": 2, "train_trees": 1},
        **{"compare_samples": 1, "assemble_model": 1, "predict": 4, "calibrate": 1, "evaluate": 1},
    },
    "tables/headline.csv": {**METRICS, "compare_models": 1, "make_tables": 1},
    "figures/resolution.svg": {**METRICS, "compare_models": 1, "make_figures": 1},
    "report.html": REPORT,
}


@pytest.mark.parametrize("path", PATHS)
def test_any_path_is_a_target(snakemake: Snakemake, path: str) -> None:
    assert snakemake("-n", f"results/calo_muon/{path}").planned == PATHS[path]


@pytest.mark.parametrize(
    "target",
    [
        "results/calo_muon/metrics/cn.json",
        "results/calo_muon/models/cnn/member_9.safetensors",
        "results/calo_moun/scaling.json",
        "results/calo_muon/ntuples/train/sim_0000-deadbeef.root",
    ],
)
def test_mistyped_target_is_an_error(snakemake: Snakemake, target: str) -> None:
    run = snakemake("-n", target, check=False)
    assert run.code != 0
    assert "Traceback (most recent call last)" not in run.output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"calo_muon": {"fold": {"count": 9}}}, r"calo_muon\.fold: unknown key; did you mean folds\?"),
        ({"studies": ["nope"]}, "study 'nope' is not known"),
        ({"calo_muon": {"folds": {"count": 3}}}, "needs at least 4 folds"),
        ({"calo_muon": {"run_models": ["cnnn"]}}, "model 'cnnn' is not defined"),
        ({"calo_muon": {"samples": {"train": {"source": "no/such/*.root"}}}}, "matches no file"),
        ({"calo_muon": {"models": {"cnn": {"network": {"norm": "batch"}}}}}, "models.cnn.network.norm"),
        ({"preset": "huge"}, "demo, medium, object-id-sweep, paper, small"),
    ],
)
def test_wrong_configuration_is_named(
    snakemake: Snakemake, tmp_path: Path, content: dict[str, object], message: str
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(content))
    run = snakemake("-n", "--configfile", str(path), check=False)
    assert run.code != 0
    assert re.search(message, run.output), run.output


def test_fold_file_is_a_sample(snakemake: Snakemake, tmp_path: Path) -> None:
    (tmp_path / "folds.hdf5").write_bytes(b"")
    content = {"calo_muon": {"samples": {"train": {"role": "train", "source": "folds.hdf5", "parts": 8}}}}
    (tmp_path / "folds.yaml").write_text(yaml.safe_dump(content))
    planned = snakemake("-n", "results/calo_muon/inventory/train.json", "--configfile", "folds.yaml").planned
    assert planned["simulate"] == 0
    assert planned["take_inventory"] == 1
