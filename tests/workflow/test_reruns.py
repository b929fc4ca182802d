"""What is remade after a change, counted: nothing for nothing, and for each change just what depends on it."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.workflow.running import REPOSITORY, Snakemake, fabricate, runner, write_config

pytestmark = pytest.mark.workflow

MODELS = 2
REPORT = {"make_tables": 1, "make_figures": 1, "make_report": 1}
# everything below a new training: 3 train and 2 test blocks, two models, one of them with two members
AFTER_TRAINING = {
    "predict": MODELS * 5,
    "calibrate": MODELS,
    "evaluate": MODELS,
    "compare_models": 1,
    "assemble_model": MODELS,
    **REPORT,
}
NETWORK_RETRAINED = {
    **AFTER_TRAINING,
    "train_member": 2,
    "assemble_model": 1,
    "predict": 5,
    "calibrate": 1,
    "evaluate": 1,
}
RETRAINED = {"fit_scaling": 1, "train_trees": 1, "train_member": 2, **AFTER_TRAINING}


def plan(snakemake: Snakemake, *arguments: str) -> Counter[str]:
    return snakemake("-n", *arguments, "--configfile", "tiny.yaml").planned


def test_nothing_changed_plans_nothing(snakemake: Snakemake) -> None:
    assert plan(snakemake) == {}


# what a duplicate is shows only when it is read, so it plans what any new part plans
@pytest.mark.parametrize("origin", ["train/part_0.root", "test/part_0.root"])
def test_new_test_part(snakemake: Snakemake, production: Path, origin: str) -> None:
    shutil.copy(production / "data" / origin, production / "data/test/part_9.root")
    expected = {
        "validate": 1,
        "take_inventory": 1,
        "compare_samples": 1,
        "build_shards": 1,
        "predict": MODELS,
        "evaluate": MODELS,
        "compare_models": 1,
        **REPORT,
    }
    assert plan(snakemake) == expected


def test_new_train_part(snakemake: Snakemake, production: Path) -> None:
    shutil.copy(production / "data/test/part_0.root", production / "data/train/part_9.root")
    expected = {"validate": 1, "take_inventory": 1, "compare_samples": 1, "build_shards": 1, **RETRAINED}
    expected["predict"] += MODELS  # the new part's own block
    assert plan(snakemake) == expected


def test_new_train_part_under_freeze(snakemake: Snakemake, production: Path) -> None:
    shutil.copy(production / "data/test/part_0.root", production / "data/train/part_9.root")
    write_config(production, freeze=True)
    expected = {
        "validate": 1,
        "take_inventory": 1,
        "compare_samples": 1,
        "build_shards": 1,
        "predict": MODELS,
        "evaluate": MODELS,
        "compare_models": 1,
        **REPORT,
    }
    assert plan(snakemake) == expected


def test_freeze_without_models_is_an_error(snakemake: Snakemake, production: Path) -> None:
    (production / "results/calo_muon/models/bdt/model.json").unlink()
    write_config(production, freeze=True)
    run = snakemake("-n", "--configfile", "tiny.yaml", check=False)
    assert run.code != 0
    assert "models/bdt/model.json" in run.output and "freeze: false" in run.output


def test_removed_test_part(snakemake: Snakemake, production: Path) -> None:
    (production / "data/test/part_1.root").unlink()
    assert plan(snakemake) == {
        "take_inventory": 1,
        "compare_samples": 1,
        "evaluate": MODELS,
        "compare_models": 1,
        **REPORT,
    }


@pytest.mark.parametrize("age", [+100, -1_000_000])
def test_replaced_part_is_noticed_even_when_older(snakemake: Snakemake, production: Path, age: int) -> None:
    part = production / "data/test/part_1.root"
    shutil.copy(production / "data/test/part_0.root", part)
    when = part.stat().st_mtime + age
    os.utime(part, (when, when))
    planned = plan(snakemake)
    assert (
        planned["validate"] == planned["build_shards"] == planned["take_inventory"] == planned["compare_samples"] == 1
    )
    assert planned["train_member"] == planned["train_trees"] == 0


def test_changed_bins_reevaluate(snakemake: Snakemake, production: Path) -> None:
    write_config(production, evaluation={"resolution_bins": 10})
    expected = {"calibrate": MODELS, "evaluate": MODELS, "compare_models": 1, **REPORT}
    assert plan(snakemake) == expected


def test_changed_loss_retrains_networks_only(snakemake: Snakemake, production: Path) -> None:
    write_config(production, models={"hl_only": {"training": {"loss": {"huber": "off"}}}})
    assert plan(snakemake) == NETWORK_RETRAINED


def test_changed_description_remakes_the_report_only(snakemake: Snakemake, production: Path) -> None:
    write_config(production, models={"hl_only": {"description": "another text"}})
    assert plan(snakemake) == REPORT


def test_new_model_trains_only_itself(snakemake: Snakemake, production: Path) -> None:
    write_config(production, run_models=["bdt", "hl_only", "esum_only"])
    expected = {
        "train_member": 2,
        "assemble_model": 1,
        "predict": 5,
        "calibrate": 1,
        "evaluate": 1,
        "compare_models": 1,
        **REPORT,
    }
    assert plan(snakemake) == expected


def test_more_members_train_only_the_new_ones(snakemake: Snakemake, production: Path) -> None:
    write_config(production, models={"hl_only": {"training": {"members": 3, "folds": "full"}}})
    planned = plan(snakemake)
    assert planned["train_member"] == 1
    assert planned["train_trees"] == 0


def test_from_five_members_to_seven_trains_two(tmp_path: Path) -> None:
    write_parts_of_nothing(tmp_path)
    five = {"members": 5, "folds": "full"}
    write_config(tmp_path, folds={"count": 9}, models={"hl_only": {"training": five}})
    run = runner(tmp_path)
    fabricate(run, tmp_path, "--configfile", "tiny.yaml")
    assert plan(run) == {}
    write_config(tmp_path, folds={"count": 9}, models={"hl_only": {"training": {**five, "members": 7}}})
    assert plan(run) == NETWORK_RETRAINED


def write_parts_of_nothing(folder: Path) -> None:
    """Write empty files where the parts should be: a plan opens none of them."""
    for sample, parts in (("train", 3), ("test", 2)):
        for i in range(parts):
            part = folder / "data" / sample / f"part_{i}.root"
            part.parent.mkdir(parents=True, exist_ok=True)
            part.touch()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this repository that a test may edit."""
    folder = tmp_path / "checkout"
    for name in ("src", "workflow", "config", "profiles", "Snakefile"):
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(REPOSITORY / name, folder / name)
    return folder


def test_edited_comment_plans_nothing(production: Path, checkout: Path) -> None:
    module = checkout / "src/hitforge/training/loop.py"
    module.write_text(module.read_text().replace('"""', '"""Reworded. ', 1) + "\n# a new comment\n")
    assert plan(runner(production, checkout)) == {}


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("studies/calo_muon/models/losses.py", NETWORK_RETRAINED),
        (
            "studies/calo_muon/evaluation/bias.py",
            {"calibrate": MODELS, "evaluate": MODELS, "compare_models": 1, **REPORT},
        ),
        ("reporting/style.py", {"make_figures": 1, "make_report": 1}),
    ],
)
def test_edited_module_remakes_what_it_decides(
    production: Path, checkout: Path, module: str, expected: dict[str, int]
) -> None:
    path = checkout / "src/hitforge" / module
    path.write_text(f"{path.read_text()}\n_EDITED = 1\n")
    assert plan(runner(production, checkout)) == expected


def test_fresh_checkout_beside_old_results_plans_nothing(snakemake: Snakemake, production: Path) -> None:
    # a checkout gives unchanged scripts and configuration new times
    os.utime(production / "tiny.yaml")
    assert plan(snakemake) == {}
