"""The target friends: a job for each block of files, whatever is trained here, and nothing to do the second time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import uproot

from hitforge.packages import REQUIRED, write_package
from hitforge.predictions import read_predictions
from hitforge.samples import part_id
from tests.workflow.running import Snakemake, runner

pytestmark = pytest.mark.workflow

APPLY = "apply={package: m.hitforge.zip, source: 'data/*/part.root', blocks: 3, out: beside}"


@pytest.fixture
def snakemake(tmp_path: Path) -> Snakemake:
    """Run the workflow in a folder with a package and five files of the same name."""
    for run in range(5):
        (tmp_path / f"data/{run}").mkdir(parents=True)
        (tmp_path / f"data/{run}/part.root").touch()
    write_package(tmp_path / "m.hitforge.zip", "csc_muon", "hgb", dict.fromkeys(REQUIRED, b"{}"))
    return runner(tmp_path)


def test_files_are_planned_in_blocks_and_a_second_call_has_nothing_to_do(snakemake: Snakemake, tmp_path: Path) -> None:
    planned = snakemake("-n", "friends", "--config", APPLY)
    assert planned.planned == {"apply": 3, "list_friends": 1}
    parts = [part_id(f"{run}/part.root") for run in range(5)]
    for path in (*(f"beside/{part}.hgb.root" for part in parts), "beside/friends.hgb.json"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    snakemake("--touch", "friends", "--config", APPLY)
    assert snakemake("-n", "friends", "--config", APPLY).planned == {}
    (tmp_path / "data/1/part.root").write_bytes(b"another")
    assert snakemake("-n", "friends", "--config", APPLY).planned == {"apply": 1, "list_friends": 1}


@pytest.mark.parametrize(
    ("apply", "message"),
    [
        (None, "nothing to apply; add to the call"),
        ("apply={package: no.zip, source: 'data/*/part.root'}", "no.zip: no such file"),
        ("apply={package: m.hitforge.zip, source: 'none/*.root'}", "the pattern matches no file"),
        ("apply={package: m.hitforge.zip, source: a.root, prefix: 1}", "apply.prefix"),
    ],
)
def test_mistakes_are_told_before_anything_runs(snakemake: Snakemake, apply: str | None, message: str) -> None:
    run = snakemake("-n", "friends", *(("--config", apply) if apply else ()), check=False)
    assert run.code != 0 and message in run.output


def test_packaged_model_says_of_the_test_parts_what_the_production_said(production: Path) -> None:
    run, package = runner(production), "results/calo_muon/packages/hl_only.hitforge.zip"
    run(package, "--configfile", "tiny.yaml")
    arguments = ("--configfile", "tiny.yaml", "--config", f"apply={{package: {package}, source: 'data/test/*.root'}}")
    assert set(run("friends", *arguments).planned) == {"apply", "list_friends"}
    assert run("-n", "friends", *arguments).planned == {}
    said = read_predictions(sorted((production / "results/calo_muon/predictions/hl_only/test").glob("*.h5")))
    friends = sorted((production / "friends").glob("*.root"))
    assert [path.name for path in friends] == ["part_0.hl_only.root", "part_1.hl_only.root"]
    for path in friends:
        mine = said.select(np.char.startswith(said.part.astype(str), path.name[:6])).sorted()
        with uproot.open({path: "hf_hl_only"}) as tree:
            found = tree.arrays(library="np")
        assert len(mine) == 22 and not found["hf_status"].any()
        np.testing.assert_array_equal(mine.entry, np.arange(22))
        np.testing.assert_array_equal(found["hf_raw_energy"], mine.ensemble["energy"])
        np.testing.assert_array_equal(found["hf_target"], mine.target)
