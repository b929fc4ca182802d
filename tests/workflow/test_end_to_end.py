"""A tiny production from ROOT parts to the report, and what a person finds there."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from hitforge.cli import main
from tests.unit.calo_muon.part_builders import make_muons
from tests.unit.calo_muon.test_lumin import make_fold, write_fold_file
from tests.workflow.running import Snakemake, runner, write_config

pytestmark = pytest.mark.workflow


def test_report_is_self_contained(finished: Path) -> None:
    page = (finished / "results/report/index.html").read_text()
    assert "hl_only" in page and "bdt" in page
    assert not re.search(r'(src|href)="https?://', page)


def test_metrics_carry_values_with_errors_or_reasons(finished: Path) -> None:
    metrics = json.loads((finished / "results/calo_muon/metrics/bdt.json").read_text())
    for sample in ("heldout", "test"):
        number = metrics["samples"][sample]["mean_improvement"]
        assert (number["value"] is None) == (number["reason"] is not None and number["error"] is None), number


def test_no_checkpoint_is_left(finished: Path) -> None:
    assert not list((finished / "results/calo_muon/checkpoints").rglob("*.pt"))


def test_every_job_left_a_log_and_a_benchmark(finished: Path) -> None:
    def rules(folder: str, suffix: str) -> set[str]:
        paths = (path.relative_to(finished / folder) for path in (finished / folder).rglob(f"*{suffix}"))
        return {path.parts[0].removesuffix(suffix) for path in paths}

    logs, benchmarks = rules("logs", ".log"), rules("benchmarks", ".tsv")
    assert logs == benchmarks
    assert {"train_member", "build_shards", "make_report"} <= logs


def artefacts(folder: Path) -> dict[str, bytes]:
    """Return the files that guarantee 1 compares."""
    kinds = ("shards", "models", "predictions", "calibration", "metrics", "tables", "figures")
    root = folder / "results/calo_muon"
    return {
        str(path.relative_to(root)): path.read_bytes()
        for kind in kinds
        for path in sorted((root / kind).rglob("*"))
        if path.is_file()
    }


def test_command_line_and_workflow_hash_the_settings_alike(finished: Path, tmp_path: Path) -> None:
    results = finished / "results/calo_muon"
    where = ["--study", "calo_muon", "--preset", "demo", "--configfile", str(finished / "tiny.yaml")]
    members = [str(results / f"models/hl_only/member_{k}.safetensors") for k in range(2)]
    commands = {
        "models/hl_only/model.json": ["assemble", "--model", "hl_only", *members],
        "calibration/hl_only.json": [
            *("calibrate", *map(str, sorted((results / "predictions/hl_only/train").glob("*.h5")))),
        ],
    }
    for name, arguments in commands.items():
        out = tmp_path / Path(name).name
        assert main([arguments[0], *where, "--out", str(out), *arguments[1:]]) == 0
        written, again = json.loads((results / name).read_text()), json.loads(out.read_text())
        assert again["config_hash"] == written["config_hash"], name


def test_second_run_elsewhere_gives_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "data", tmp_path / "data")
    write_config(tmp_path)
    run = runner(tmp_path)("--configfile", "tiny.yaml")
    n_jobs = run.planned.total()
    # one line a job, the plan, the headline table and where the page is
    assert len(re.findall(r"^\[ *\d+/\d+\] ", run.output, re.MULTILINE)) == n_jobs > 30
    assert len(run.output.splitlines()) < n_jobs + 60 and "Report: " in run.output.splitlines()[-1]
    first, second = artefacts(finished), artefacts(tmp_path)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_members_side_by_side_are_those_trained_alone(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "data", tmp_path / "data")
    write_config(tmp_path)
    overlay = tmp_path / "together.yaml"
    overlay.write_text("calo_muon: {model_defaults: {training: {members_per_gpu: 2}}}")
    manifest = "results/calo_muon/models/hl_only/model.json"
    # what a profile gives train_member is for the jobs that take its place, too
    arguments = ("--configfile", "tiny.yaml", str(overlay), "--set-resources", "train_member:runtime=17")
    # resources are said in the engine's own text
    run = runner(tmp_path)(manifest, *arguments, "--printshellcmds")
    assert (run.planned["train_members"], run.planned["train_member"]) == (1, 0)
    assert "runtime=17" in run.output
    models = Path(manifest).parent
    names = sorted(path.name for path in (finished / models).iterdir())
    assert {"member_0.safetensors", "member_1.json"} < set(names)
    for name in names:
        assert (tmp_path / models / name).read_bytes() == (finished / models / name).read_bytes(), name
    assert not list((tmp_path / "results/calo_muon/checkpoints").rglob("*.pt"))
    logs = tmp_path / "logs/train_members/calo_muon/hl_only"
    assert "hl_only member 1" in (logs / "member_1.log").read_text()
    # nothing is left to do; alone, the members would be the jobs of another rule, and planned again
    assert runner(tmp_path)("-n", manifest, "--configfile", "tiny.yaml", str(overlay)).planned.total() == 0


def test_bad_part_stops_the_run_with_reason_and_fix(snakemake: Snakemake, production: Path) -> None:
    part = production / "data/test/part_1.root"
    part.write_bytes(part.read_bytes()[:2000])
    run = snakemake("--configfile", "tiny.yaml", check=False)
    assert run.code != 0
    assert "part_1.root" in run.output and "fix:" in run.output and "on_bad_part: quarantine" in run.output


def test_quarantined_part_is_listed_and_the_rest_goes_on(snakemake: Snakemake, production: Path) -> None:
    part = production / "data/test/part_1.root"
    part.write_bytes(part.read_bytes()[:2000])
    snakemake("--configfile", "tiny.yaml", "--config", "on_bad_part=quarantine", "max_bad_fraction=0.5")
    inventory = json.loads((production / "results/calo_muon/inventory/test.json").read_text())
    assert sorted(entry["status"] for entry in inventory["parts"].values()) == ["bad", "good"]
    assert "part_1" in (production / "results/report/index.html").read_text()


def test_duplicate_content_is_used_once(snakemake: Snakemake, production: Path) -> None:
    shutil.copy(production / "data/test/part_0.root", production / "data/test/a_copy.root")
    quarantine = ("--config", "on_bad_part=quarantine", "max_bad_fraction=0.5")
    snakemake("results/calo_muon/metrics/bdt.json", "--configfile", "tiny.yaml", *quarantine)
    inventory = json.loads((production / "results/calo_muon/inventory/test.json").read_text())["parts"]
    duplicate = [part for part, entry in inventory.items() if entry["status"] == "duplicate"]
    # the part that was there first stays, although the copy sorts before it
    assert len(duplicate) == 1 and duplicate[0].startswith("a_copy")


@pytest.mark.slow
def test_published_fold_file_is_a_source(tmp_path: Path) -> None:
    grid = make_muons(20).hits.to_dense(51200)
    write_fold_file(tmp_path / "train.hdf5", {fold: make_fold(grid, fold) for fold in range(5)})
    write_fold_file(tmp_path / "test.hdf5", {0: make_fold(grid, 9)})
    samples = {
        "replace": True,
        "train": {"role": "train", "source": "train.hdf5", "parts": 5},
        "test": {"role": "test", "source": "test.hdf5", "parts": 1},
    }
    write_config(tmp_path, samples=samples, run_models=["hl_only"])
    runner(tmp_path)("--configfile", "tiny.yaml")
    # the file's own folds are kept, and its features are not scaled again
    inventory = json.loads((tmp_path / "results/calo_muon/inventory/train.json").read_text())
    assert len(inventory["parts"]) == 5
    scaling = json.loads((tmp_path / "results/calo_muon/scaling.json").read_text())
    assert set(scaling["std"]) == {1.0}
    assert (tmp_path / "results/report/index.html").is_file()
