"""Peak memory of a training that streams 50 000 muons, in a process of its own."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from hitforge.hits import CellHits
from hitforge.shards import ShardBlock, ShardLayout, write_shard
from hitforge.studies.calo_muon.features import FEATURE_NAMES
from hitforge.studies.calo_muon.models.networks.network import build_network
from hitforge.studies.calo_muon.settings import NetworkSettings
from hitforge.training.dataset import index_events
from hitforge.training.device import channels_last
from hitforge.training.loader import EventStream
from hitforge.training.settings import TrainingSettings
from hitforge.training.window import EventSource

N_SHARDS, N_EVENTS, N_HITS, N_CELLS = 50, 1000, 5400, 51200
NETWORK_STEPS = 10
LAYOUT = ShardLayout(FEATURE_NAMES, ("",) * len(FEATURE_NAMES), {"energy": "GeV"}, {}, voxel_shape=(50, 32, 32))
ATTRIBUTES = {"study": "bench", "sample": "train", "part": "p", "content_checksum": "", "config_hash": ""}


def _write_shards(folder: Path) -> None:
    """Write synthetic shards with as many hits a muon as the flat spectrum has."""
    rng = np.random.default_rng(1)
    for number in range(N_SHARDS):
        cells = np.sort(rng.integers(0, N_CELLS, (N_EVENTS, N_HITS), dtype=np.uint16), axis=1).ravel()
        energy = rng.exponential(0.01, N_EVENTS * N_HITS).astype(np.float32)
        block = ShardBlock(
            features=rng.normal(size=(N_EVENTS, len(FEATURE_NAMES))).astype(np.float32),
            bucket=rng.integers(0, 3600, N_EVENTS).astype(np.int16),
            entry=np.arange(N_EVENTS),
            targets={"energy": rng.uniform(50, 8000, N_EVENTS).astype(np.float32)},
            truth={},
            hits=CellHits(np.arange(N_EVENTS + 1, dtype=np.int64) * N_HITS, cells, energy),
        )
        write_shard(folder / f"{number:03d}.h5", LAYOUT, [block], ATTRIBUTES)


def stream(folder: Path) -> None:
    """Stream one epoch through the shuffle buffer and train on its first batches of 256."""
    settings = TrainingSettings()
    torch.set_num_threads(2)
    index = index_events(sorted(folder.glob("*.h5")))
    source = EventSource(index, target="energy", inputs=lambda raw: {"features": raw})
    events = EventStream(source, settings.batch_size, settings.shuffle_buffer_mb * 2**20, torch.device("cpu"))
    network = build_network(NetworkSettings(), len(FEATURE_NAMES), (50, 32, 32), seed=1)
    channels_last(network)
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], fused=True)
    seen = 0
    with events.batches(events.shuffled(np.random.default_rng(1))) as batches:
        for number, batch in enumerate(batches):
            seen += len(batch)
            if number < NETWORK_STEPS:
                optimiser.zero_grad()
                ((network(**batch.inputs) - batch.target) ** 2).mean().backward()
                optimiser.step()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(f"{seen} {peak / 2**20}\n")


def measure(folder: Path) -> dict[str, float | str]:
    """Return the peak resident memory, in GiB, of streaming an epoch with batches of 256."""
    _write_shards(folder)
    command = [sys.executable, "-m", "tests.bench.memory", str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    size = sum(path.stat().st_size for path in folder.glob("*.h5")) / 2**30
    return {
        "muons streamed": float(answer[0]),
        "network steps, batch 256": float(NETWORK_STEPS),
        "shards on disk [GiB]": size,
        "peak resident memory [GiB]": float(answer[1]),
    }


if __name__ == "__main__":
    stream(Path(sys.argv[1]))
