"""Folders, configurations and workflows of other people around ours: what is planned, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.workflow.running import REPOSITORY, Snakemake, runner

pytestmark = pytest.mark.workflow

OURS = {"studies": ["calo_muon"], "preset": "demo", "calo_muon": {"run_models": ["bdt"], "reference_model": "bdt"}}
NAMES = ["a#b.root", "run[1].root", "a b.root", "a::b.root", "it's.root", 'quo"te.root', "größe.root", "d#e/f.root"]


@pytest.fixture
def snakemake(tmp_path: Path) -> Snakemake:
    """Run the workflow in an empty folder."""
    return runner(tmp_path)


def write(path: Path, content: object) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return str(path)


def test_a_config_folder_of_the_user_hides_no_preset(tmp_path: Path, snakemake: Snakemake) -> None:
    path = write(tmp_path / "config/config.yaml", {"preset": "small", "calo_muon": {"run_models": ["bdt"]}})
    planned = snakemake("-n", "trees", "--configfile", path).planned
    assert planned["train_trees"] == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("calo_muon:\n  blocks: 1\ncalo_muon: {}\n", r"my\.yaml, line 3: the key 'calo_muon' stands in line 1 already"),
        ("calo_muon:\n  blokcs: 1\n", r"calo_muon\.blokcs: unknown key; did you mean blocks\? \(.*my\.yaml, line 2\)"),
        ("seed: true\n", "seed: .*true and false are no values here"),
        (
            "calo_muon: {samples: {train: {source: []}}}\n",
            r"samples\.train\.source: .*no source is given.*my\.yaml, line 1",
        ),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path: Path, snakemake: Snakemake, content: str, message: str) -> None:
    run = snakemake("-n", "verdicts", "--configfile", write(tmp_path / "my.yaml", content), check=False)
    assert run.code != 0
    assert re.search(message, run.output), run.output


def test_an_empty_block_takes_nothing_away(tmp_path: Path, snakemake: Snakemake) -> None:
    first = write(tmp_path / "first.yaml", {"calo_muon": {"run_models": ["bdt"], "reference_model": "bdt"}})
    second = write(tmp_path / "second.yaml", "calo_muon:\n#  run_models: [cnn]\n")
    assert snakemake("-n", "trees", "networks", "--configfile", first, second).planned["train_member"] == 0


@pytest.mark.parametrize("source", [["{data}/**/*.root"], ["{data}/" + name for name in NAMES]])
def test_names_of_parts_are_planned_as_they_are(tmp_path: Path, snakemake: Snakemake, source: list[str]) -> None:
    data = tmp_path / "data of mine"
    for name in [*NAMES, "../test.root"]:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).touch()
    samples = {
        "replace": True,
        "train": {"role": "train", "source": [each.format(data=data) for each in source]},
        "test": {"role": "test", "source": f"{tmp_path}/test.root"},
    }
    path = write(tmp_path / "my #1.yaml", {"calo_muon": {"samples": samples, "blocks": 1}})
    assert snakemake("-n", "verdicts", "--configfile", path).planned["validate"] == 2


def test_a_name_that_the_engine_has_no_way_to_write_is_refused(tmp_path: Path, snakemake: Snakemake) -> None:
    (tmp_path / "a{b}.root").touch()
    samples = {"train": {"role": "train", "source": f"{tmp_path}/*.root"}}
    path = write(tmp_path / "my.yaml", {"calo_muon": {"samples": samples}})
    run = snakemake("-n", "verdicts", "--configfile", path, check=False)
    assert re.search(r"a\{b\}\.root: the workflow engine takes \{ and \}", run.output), run.output


MODULE = """
configfile: "config/config.yaml"

module hitforge:
    snakefile: "{repository}/Snakefile"
    config: config["hitforge"]

use rule * from hitforge{exclude} as {name}

rule publish:
    default_target: True
    input: "results/calo_muon/tables/headline.csv"
    output: "published.txt"
    shell: "cp {{input}} {{output}}"
"""


@pytest.mark.parametrize(("name", "exclude"), [("hitforge_*", ""), ("*", " exclude all")])
def test_another_workflow_uses_this_one_as_a_module(tmp_path: Path, name: str, exclude: str) -> None:
    """Its own configuration holds ours as a block; presets, scripts and the package come from our checkout."""
    write(tmp_path / "config/config.yaml", {"mine": 1, "hitforge": OURS})
    snakefile = write(tmp_path / "workflow/Snakefile", MODULE.format(repository=REPOSITORY, name=name, exclude=exclude))
    run = runner(tmp_path, snakefile=Path(snakefile))("-n")
    prefix = name.removesuffix("*")
    assert run.planned[f"{prefix}train_trees"] == run.planned[f"{prefix}make_tables"] == run.planned["publish"] == 1
    assert run.planned[f"{prefix}predict"] == 4
    assert "workflow/scripts" not in run.output or str(REPOSITORY) in run.output


def test_a_module_without_configuration_runs_the_demo(tmp_path: Path) -> None:
    text = f'module hitforge:\n    snakefile: "{REPOSITORY}/workflow/Snakefile"\n\nuse rule * from hitforge\n'
    snakefile = write(tmp_path / "Snakefile", text)
    assert runner(tmp_path, snakefile=Path(snakefile))("-n").planned["train_member"] == 8


def test_a_prefix_of_a_module_is_refused(tmp_path: Path) -> None:
    text = MODULE.replace("    config:", '    prefix: "ours"\n    config:')
    write(tmp_path / "config/config.yaml", {"hitforge": OURS})
    text = text.format(repository=REPOSITORY, name="hitforge_*", exclude="")
    run = runner(tmp_path, snakefile=Path(write(tmp_path / "Snakefile", text)))("-n", check=False)
    assert "prefix and replace_prefix would move" in run.output, run.output


def test_a_mistake_in_the_block_of_a_module_is_named(tmp_path: Path) -> None:
    write(tmp_path / "config/config.yaml", "hitforge:\n  studies: [calo_muon]\n  seed: 1\n  seed: 2\n")
    text = MODULE.format(repository=REPOSITORY, name="hitforge_*", exclude="")
    run = runner(tmp_path, snakefile=Path(write(tmp_path / "Snakefile", text)))("-n", check=False)
    assert re.search(r"config\.yaml, line 4: the key 'seed' stands in line 3 already", run.output), run.output
