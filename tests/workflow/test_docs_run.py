"""What the documentation shows, done: the tutorial, the chain of commands, the dry runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import uproot

from tests.doc_commands import PAGES, REPOSITORY, blocks, commands, runnable
from tests.tutorial import run_tutorial, without_numbers

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def test_tutorial(tmp_path: Path) -> None:
    for printed, shown in run_tutorial(tmp_path):
        missing = set(without_numbers(shown.replace("...", ""))) - set(without_numbers(printed))
        assert not missing, printed[-3000:]
    friend = uproot.open(tmp_path / "friends/run4.layers_density.root:hf_layers_density")
    assert friend.num_entries == 500
    assert (tmp_path / "curve.png").is_file()


def test_chain_of_commands(tmp_path: Path) -> None:
    (block, *_) = blocks(REPOSITORY / "docs/command-line.md", "sh")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment["PYTHONPATH"] = str(REPOSITORY / "src")
    done = subprocess.run(["bash", "-ec", runnable(block)], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0
    assert (tmp_path / "chain/metrics.json").is_file()


CALLS = {
    " ".join(command): (str(block), command)
    for page in PAGES
    for block in blocks(page, "sh")
    for command in commands(block)
    if command[0] == "snakemake"
}
NOT_PLANNED = {
    "my.yaml shards": "is the wrong order, which the page warns of",
    "paper-data.yaml": "is a file of the reader with the paper's data",
    "friends": "needs a package; tests/workflow/test_friends.py has one",
    "small-geant4": "needs files that not everybody has",
}


@pytest.mark.parametrize("call", sorted(CALLS))
def test_dry_run(call: str, finished: Path, tmp_path: Path) -> None:
    for fragment, reason in NOT_PLANNED.items():
        if re.search(fragment, call):
            pytest.skip(f"{call}: {reason}")
    for name in ("Snakefile", "workflow", "config", "profiles", "slurm", "src"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    (tmp_path / "data").symlink_to(finished / "data")
    shutil.copy(finished / "tiny.yaml", tmp_path / "my.yaml")
    (tmp_path / "two.yaml").write_text("calo_muon: {run_models: [bdt]}\n")
    place, command = CALLS[call]
    planned = [sys.executable, "-m", command[0], "-n", *command[1:]]
    done = subprocess.run(planned, cwd=tmp_path, env=os.environ | {"NO_COLOR": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, f"{place}: {call}\n{(done.stdout + done.stderr)[-3000:]}"
    assert re.search(r"^total +[1-9]", done.stdout + done.stderr, re.MULTILINE), call
