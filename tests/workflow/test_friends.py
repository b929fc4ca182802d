"""The target friends: a job for each block of files, whatever is trained here, and nothing to do the second time."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitforge.packages import REQUIRED, write_package
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
    assert snakemake("-n", "friends", "--config", APPLY).planned == {"apply": 3, "list_friends": 1}
    engines = snakemake("-n", "-p", "friends", "--config", APPLY)
    outputs = [line for line in engines.output.split() if line.startswith("beside/part-")]
    friends = {output.strip(",") for output in outputs}
    assert len(friends) == 5 and all(name.endswith(".hgb.root") for name in friends)
    for path in (*friends, "beside/friends.hgb.json"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    snakemake("--touch", "friends", "--config", APPLY)
    assert snakemake("-n", "friends", "--config", APPLY).planned == {}
    (tmp_path / "data/1/part.root").write_bytes(b"another")
    changed = snakemake("-n", "friends", "--config", APPLY).planned
    assert (changed["apply"], changed["list_friends"]) == (1, 1)


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
