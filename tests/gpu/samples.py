"""Events of the check: small samples of all studies at once, and real simulated muons beside the first steps."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from functools import cache
from pathlib import Path

import numpy as np

from hitforge.config import SampleSettings, load_settings
from hitforge.hits import CellHits
from hitforge.shards import ShardBlock, write_shard
from hitforge.stages.build_shard import build_shard
from hitforge.stages.fit_scaling import fit_scaling_of
from hitforge.stages.simulate import simulate_part
from hitforge.stages.validate import validate_part
from hitforge.studies.base import Study, load_study
from tests.gpu.record import Recorder

STUDIES = ("calo_muon", "csc_muon", "scouting_egamma", "object_id")
SEED = 11
# (on a GPU, in the smoke run)
EVENTS = {
    "calo_muon": (17_000, 60),
    "csc_muon": (60_000, 600),
    "scouting_egamma": (60_000, 600),
    "object_id": (20_000, 400),
}
HITS_PER_MUON = 5000
DISTINCT_MUONS = 2048
MUONS_PER_PART = (1000, 60)
TEST_EVERY = 6
"""One part of so many is of the test sample."""


@cache
def study_of(name: str) -> Study:
    """Return a study with the settings that it comes with."""
    return load_study(name, load_settings({"studies": [name]}).studies[name])


def shard_path(folder: Path, study: str) -> Path:
    """Return where the sample of a study is."""
    return folder / "samples" / f"{study}.h5"


def scaling_path(folder: Path, study: str) -> Path:
    """Return where the scaling fitted on the sample is."""
    return folder / "samples" / f"{study}.json"


def prepare(record: Recorder, folder: Path, smoke: bool) -> None:
    """Write a shard and a scaling for each study."""
    for name in STUDIES:
        with record.part(name):
            started = time.monotonic()
            study, path, n = study_of(name), shard_path(folder, name), EVENTS[name][smoke]
            if name == "calo_muon":
                attributes = {"study": name, "sample": "check", "part": "p", "content_checksum": "", "config_hash": ""}
                write_shard(path, study.layout, _drawn_muons(study, n), attributes)
            else:
                _simulate_shard(study, name, 0, n, path)
            fit_scaling_of(study, [path], 1, [], scaling_path(folder, name))
            record.measured(f"{name}: {n} events made", time.monotonic() - started, "s")


def _drawn_muons(study: Study, n: int) -> list[ShardBlock]:
    """Return muons with random hits whose energies follow the muon's: as many hits as real ones, made in no time."""
    generator = np.random.default_rng(SEED)
    shape = study.layout.voxel_shape
    assert shape is not None
    n_cells, distinct = int(np.prod(shape)), min(n, DISTINCT_MUONS)
    target = generator.uniform(50, 8000, distinct).astype(np.float32)
    pieces = []
    for energy in target:
        cell = np.flatnonzero(generator.random(n_cells, np.float32) < HITS_PER_MUON / n_cells)
        deposit = 1e-3 * (1 + energy / 1000) * generator.exponential(1.0, len(cell)) ** 2 + 1e-6
        pieces.append(CellHits(np.array([0, len(cell)]), cell.astype(np.uint16), deposit.astype(np.float32)))
    hits = CellHits.concatenate(pieces)
    features = generator.exponential(1.0, (distinct, len(study.layout.feature_names))).astype(np.float32)
    features[:, 0] = hits.energy.sum() / distinct * target / target.mean()
    for name in ("entry_x", "entry_y"):
        features[:, study.layout.feature_names.index(name)] = generator.uniform(-20, 20, distinct)
    blocks = []
    for start in range(0, n, distinct):
        k = min(distinct, n - start)
        blocks.append(
            ShardBlock(
                features=features[:k],
                bucket=(np.arange(start, start + k) % 3600).astype(np.int16),
                entry=np.arange(start, start + k, dtype=np.int64),
                targets={"energy": target[:k]},
                truth={name: np.zeros(k, np.float32) for name in study.layout.truth},
                hits=hits.slice(0, k),
            )
        )
    return blocks


def _simulate_shard(study: Study, sample: str, part: int, n: int, path: Path) -> None:
    """Simulate a part, check it, and build its shard: the stages of the workflow."""
    of_train = next(settings for settings in study.settings.samples.values() if settings.role == "train")
    settings = SampleSettings(role="train", parts=1, events_per_part=n, spectrum=of_train.spectrum)
    root = path.with_suffix(".root")
    simulate_part(study, sample, settings, part, SEED, root)
    verdict = validate_part(study, path.stem, str(root))
    build_shard(study, sample, verdict, path, "")
    root.unlink()


def muon_shards(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the shards of simulated muons that are finished: to train on, and of the test sample."""
    shards = sorted((folder / "muons").glob("part_*.h5"))
    test = [path for path in shards if int(path.stem.removeprefix("part_")) % TEST_EVERY == 0]
    return [path for path in shards if path not in test], test


def simulate(record: Recorder, folder: Path, smoke: bool) -> None:
    """Simulate muons on all cores but a few, until the time of this step is over."""
    os.nice(10)  # what is timed beside it comes first
    n, out = MUONS_PER_PART[smoke], folder / "muons"
    cores = len(os.sched_getaffinity(0))
    workers = 1 if smoke else max(1, cores - 4)  # the steps beside it need a few
    started = time.monotonic()
    _simulate_muons(2, 10**6, out / "warm-up.h5")  # compiles; the workers inherit the machine code
    record.measured("compiling the simulation and the features", time.monotonic() - started, "s")
    finished, started = 0, time.monotonic()
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        part, running = 0, set()
        longest = 0.0
        while True:
            # a part that would not end in time is not begun
            room = record.left() > 1.5 * longest + 2 and not (smoke and part >= 4)
            while room and len(running) < workers:
                running.add(pool.submit(_simulate_muons, n, part, out / f"part_{part:04d}.h5"))
                part += 1
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                longest = max(longest, future.result())
                finished += n
    seconds = time.monotonic() - started
    (folder / "muons.json").write_text(json.dumps({"muons": finished, "seconds": seconds, "workers": workers}))
    record.measured("muons simulated, checked and built into shards", finished)
    record.measured(f"rate on {workers} cores", finished / seconds, "muons/s")


def _simulate_muons(n: int, part: int, path: Path) -> float:
    started = time.monotonic()
    logging.disable(logging.WARNING)
    study = load_study(
        "calo_muon",
        load_settings({"studies": ["calo_muon"], "calo_muon": {"simulation": {"layout": "compact"}}}).studies[
            "calo_muon"
        ],
    )
    # under another name until it is whole: the training takes what is there
    partial = path.with_name(f"unfinished_{path.name}")
    partial.parent.mkdir(exist_ok=True)
    _simulate_shard(study, "train", part, n, partial)
    partial.rename(path)
    return time.monotonic() - started
