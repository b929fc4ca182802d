"""What can go wrong with memory, disks and input files; in the end the results are those that nothing disturbed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.slurm.production import Production

pytestmark = pytest.mark.slurm


def test_out_of_memory_is_tried_again_with_more(production: Production) -> None:
    production.lose("models/bdt/booster_0.*")
    if (production.cluster.state / "etc/cgroup-mode").read_text().strip() != "v1":
        pytest.skip("this machine's kernel does not let the scheduler limit memory (cgroup v1)")
    # what the rule asks for, but from a value that is too small for the first attempt
    production.run("results/calo_muon/models/bdt/booster_0.ubj", "--set-resources", "train_trees:mem_mb=60*4**attempt")
    where = ("-o", "WorkDir,ReqMem,State", "-nPX", "-S", "now-5minutes")
    jobs = production.cluster("sacct", *where).output.splitlines()
    mine = [line.split("|")[1:] for line in jobs if line.startswith(f"{production.folder}|")]
    assert [memory for memory, _ in mine] == ["240M", "960M"]
    assert mine[0][1] in {"OUT_OF_MEMORY", "FAILED"} and mine[1][1] == "COMPLETED"
    production.check_as_undisturbed()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Put a small file system at ``folder``; afterwards its files stand in the folder itself."""
    aside = folder.with_name(f"{folder.name}_before")
    folder.rename(aside)
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("this machine does not let root mount a small file system")
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        yield
        shutil.rmtree(aside)
        shutil.copytree(folder, aside)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()
        aside.rename(folder)


def test_disk_full_while_a_shard_is_written(production: Production) -> None:
    shards = production.folder / "results/calo_muon/shards"
    listing = next(shards.glob("train/b*.json"))
    of_block = json.loads(listing.read_text())["shards"]
    production.lose(f"shards/train/{listing.name}", *(f"shards/train/{name}" for name in of_block))
    target = str(listing.relative_to(production.folder))
    # what is there, in whole pages, and a little: less than the missing shard needs
    pages = sum(-(-path.stat().st_size // 4096) for path in shards.rglob("*") if path.is_file())
    with small_disk(shards, f"{4 * pages + 200}k"):
        failed = production.start(target, "--retries", "0").wait()
        assert failed.code != 0
        assert "no space left; free some" in failed.output
        # nothing half-written
        assert not [path for path in shards.rglob("*") if path.name.startswith(".")]
        assert not listing.exists()
        subprocess.run(["mount", "-o", "remount,size=64m", str(shards)], check=True)
        production.run(target)
    production.check_as_undisturbed()


@contextmanager
def cut_short(part: Path) -> Iterator[None]:
    """Truncate one part among the good ones; afterwards the good file is back, as from a new transfer."""
    whole, state = part.read_bytes(), part.stat()
    part.write_bytes(whole[: len(whole) // 2])
    yield
    part.write_bytes(whole)
    os.utime(part, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.slow
def test_truncated_part_stops_the_production(production: Production) -> None:
    with cut_short(production.folder / "data/test/part_1.root"):
        failed = production.start("verdicts", "--retries", "0").wait()
        assert failed.code != 0
        assert "part_1.root" in failed.output and "fix:" in failed.output
    production.check_as_undisturbed()


@pytest.mark.slow
def test_truncated_part_is_quarantined(production: Production) -> None:
    with cut_short(production.folder / "data/test/part_1.root"):
        production.run("verdicts", "--config", "on_bad_part=quarantine", "max_bad_fraction=0.5")
        inventory = json.loads((production.folder / "results/calo_muon/inventory/test.json").read_text())
        assert sorted(part["status"] for part in inventory["parts"].values()) == ["bad", "good"]
    production.check_as_undisturbed()
