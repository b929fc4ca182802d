"""The stream of roads to `ens5` against the network that consumes them: loading must not be the bottleneck."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from hitforge.config import load_settings
from hitforge.shards import write_shard
from hitforge.stages.fit_scaling import fit_scaling_of
from hitforge.studies.base import load_study
from hitforge.studies.csc_muon.settings import SimulationSettings
from hitforge.studies.csc_muon.simulation.generate import simulate_roads
from hitforge.studies.csc_muon.simulation.write import write_part
from hitforge.training.dataset import index_events
from hitforge.training.loader import EventStream
from hitforge.training.window import EventSource
from tests.bench.timing import in_turn

N_GUNS = 130_000
ATTRIBUTES = {"study": "csc_muon", "sample": "bench", "content_checksum": "", "config_hash": ""}
CPU = torch.device("cpu")


def measure(folder: Path) -> dict[str, float | str]:
    """Return roads per second of the stream (from memory, in windows from disk) and of training steps, one thread."""
    torch.set_num_threads(1)
    study = load_study("csc_muon", load_settings({"studies": ["csc_muon"]}).studies["csc_muon"])
    paths = []
    for number in range(2):
        part, shard = folder / f"{number}.root", folder / f"{number}.h5"
        write_part(part, simulate_roads(N_GUNS // 2, number, SimulationSettings()))
        write_shard(shard, study.layout, study.read(str(part)), {**ATTRIBUTES, "part": str(number)})
        paths.append(shard)
    scaling = fit_scaling_of(study, paths, 10, [0], folder / "scaling.json")
    index = index_events(paths)
    settings = study.settings.models["ens5"].training
    source = EventSource(index, target=study.target, inputs=study.network_inputs("ens5", scaling), voxels=False)

    def epoch(stream: EventStream) -> int:
        with stream.batches(stream.shuffled(np.random.default_rng(1))) as batches:
            return sum(len(batch) for batch in batches)

    whole = EventStream(source, settings.batch_size, settings.shuffle_buffer_mb * 2**20, CPU)
    windows = EventStream(source, settings.batch_size, 48 * 2**20, CPU)
    assert whole.fits and not windows.fits
    network, loss = study.build_network("ens5", 1), study.build_loss("ens5")
    optimiser = torch.optim.AdamW(network.parameters(), fused=True)
    with whole.batches(whole.shuffled(np.random.default_rng(1))) as batches:
        batch = next(batches)
    inputs: Mapping[str, torch.Tensor] = batch.inputs

    def step() -> None:
        optimiser.zero_grad()
        loss(network(**inputs), batch.target).backward()
        optimiser.step()

    times = in_turn(3, memory=lambda: epoch(whole), disk=lambda: epoch(windows), step=step)
    streamed = len(index) // settings.batch_size * settings.batch_size
    rates = {
        "stream from memory": streamed / times["memory"],
        "stream in windows of 48 MiB": streamed / times["disk"],
        "training steps of ens5": len(batch) / times["step"],
    }
    result: dict[str, float | str] = {f"{name} [roads/s]": rate for name, rate in rates.items()}
    slowest = min(rates["stream from memory"], rates["stream in windows of 48 MiB"])
    return result | {"slower stream / training": slowest / rates["training steps of ens5"]}
