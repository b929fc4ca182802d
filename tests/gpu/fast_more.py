"""Fast: the stream of muons alone, the networks of the other studies, and several members on one card."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hitforge.training.dataset import index_events
from tests.gpu.measure import inference, loop_rate, sample_of, timed, training_step, with_switches
from tests.gpu.record import Recorder
from tests.gpu.samples import muon_shards

NETWORKS = {
    ("calo_muon", "layers"): 128,
    ("csc_muon", "ens5"): 512,
    ("scouting_egamma", "ens5"): 512,
    ("object_id", "ens5"): 512,
}
"""Models by study, and the batch that they are measured with."""
WINDOWS_MB = 256
STREAMS: dict[str, dict[str, Any]] = {
    "from memory": {"shuffle_buffer_mb": 4096},
    f"from disk in windows of {WINDOWS_MB} MiB": {"shuffle_buffer_mb": WINDOWS_MB},
    "from disk, 4 loader threads": {"shuffle_buffer_mb": WINDOWS_MB, "loader_threads": 4},
    "from disk, 8 loader threads": {"shuffle_buffer_mb": WINDOWS_MB, "loader_threads": 8},
    "from the device": {"shuffle_buffer_mb": 4096, "resident": "device"},
}


class Idle(nn.Module):
    """Looks at every cell once and learns nothing: what is left of a training is its stream of events."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, features: Tensor, grid: Tensor) -> Tensor:
        """Return a number for each event."""
        return self.scale * (grid.flatten(1).sum(1) + features[:, 0])


def data(record: Recorder, folder: Path, device: torch.device, smoke: bool) -> None:
    """Measure how many muons a second the training's stream delivers on the device, dense."""
    sample = dataclasses.replace(sample_of(folder, "calo_muon", "cnn"), network=Idle)
    training, test = muon_shards(folder)
    if not smoke and training and len(index_events(training + test)) >= 8000:
        sample = dataclasses.replace(sample, index=index_events(training + test))
        record.measured("muons streamed", "simulated")
    else:
        record.measured("muons streamed", "with random hits")
    size, warm, batches = (2, 1, 4) if smoke else (256, 4, 40)
    for name, switches in STREAMS.items():
        with record.part(f"stream {name}"):
            record.still_has(10)
            settings = with_switches(sample.training, batch_size=size, **switches)
            rate = loop_rate(sample, settings, device, folder / "stream.pt", warm, batches, 10)
            record.measured(f"stream {name}", 1 / rate.event_seconds, "muons/s")


def studies(record: Recorder, folder: Path, device: torch.device, smoke: bool) -> None:
    """Measure one network of each study: step and inference on a fixed batch, and the training loop."""
    for (study, model), size in NETWORKS.items():
        with record.part(f"{study} {model}"):
            record.still_has(5)
            sample = sample_of(folder, study, model)
            size = 32 if smoke else size
            batch = sample.batch(min(size, len(sample.index)), device)
            own, seconds = (device, False, False, False), 0.0 if smoke else 1.0
            step = timed(training_step(sample, batch, *own), device, seconds) / len(batch)
            predict = timed(inference(sample, batch, *own), device, seconds) / len(batch)
            name = f"{study} {model}, batch {len(batch)}"
            record.measured(f"{name}: training step", 1e6 * step, "us/event")
            record.measured(f"{name}: inference", 1e6 * predict, "us/event")
            settings = with_switches(sample.training, batch_size=len(batch), shuffle_buffer_mb=2048)
            warm, batches = (1, 2) if len(sample.index) < 12 * len(batch) else (2, 8) if smoke else (5, 20)
            if smoke and len(sample.index) < 4 * len(batch):
                settings, warm, batches = with_switches(settings, batch_size=8), 1, 2
            rate = loop_rate(sample, settings, device, folder / "study.pt", warm, batches, 5)
            record.measured(f"{name}: training loop", 1e6 * rate.event_seconds, "us/event")


def members(record: Recorder, folder: Path, device: torch.device, smoke: bool) -> None:
    """Measure one and several trainings of the paper's network at a time, each a process of its own."""
    window = 1.0 if smoke else 8.0
    alone = 0.0
    for k in (1, 2) if smoke else (1, 5):
        with record.part(f"{k} members at a time"):
            record.still_has(window + 20)
            total = _together(record, folder, device, k, window, smoke)
            alone = alone or total
            record.measured(f"{k} member(s) at a time", 1e3 / total, "ms/muon", "of all members together")
            if k > 1:
                record.measured(f"throughput of {k} at a time / of one", total / alone)


def _together(record: Recorder, folder: Path, device: torch.device, k: int, window: float, smoke: bool) -> float:
    """Return the muons a second that k members train with together, within the same seconds."""
    names = [f"beside_{i}" for i in range(k)]
    options = [device.type, str(window), *(["--smoke"] if smoke else [])]
    go = folder / f"go_{k}"
    command = [sys.executable, "-m", "tests.gpu.beside", str(folder), str(go)]
    running = [subprocess.Popen([*command, name, *options]) for name in names]
    try:
        deadline = time.monotonic() + max(10.0, record.left() - window)
        while not all((folder / f"{name}.ready").exists() for name in names):
            if any(process.poll() not in (None, 0) for process in running):
                raise RuntimeError("a member failed; its message is in the step's log")
            if time.monotonic() > deadline:
                raise TimeoutError("the members were not ready in time")
            time.sleep(0.1)
        go.touch()
        for process in running:
            if process.wait(timeout=window + 60) != 0:
                raise RuntimeError("a member failed; its message is in the step's log")
    finally:
        for process in running:
            process.kill()
    for name in names:
        (folder / f"{name}.ready").unlink()
    return sum(json.loads((folder / f"{name}.json").read_text())["muons_per_s"] for name in names)
