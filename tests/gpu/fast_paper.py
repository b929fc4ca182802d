"""Fast: the paper's network, training and inference, switch by switch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hitforge.training.settings import TrainingSettings
from tests.gpu.measure import (
    RECOMMENDED,
    Sample,
    exact,
    inference,
    known,
    loop_rate,
    sample_of,
    timed,
    training_step,
    with_switches,
)
from tests.gpu.record import Recorder

TRAINING_MS, INFERENCE_MS, WAITING = 0.10, 0.02, 0.05
"""Goals on a card of the H100's class, milliseconds a muon, and the share of the time without data."""
PAPER_INFERENCE_MS = 91 / 256
"""The authors' 0.091 s for 256 predictions on a V100S (arXiv:2107.02119)."""
BUFFER_MB = 4096


@dataclass(frozen=True)
class Variant:
    """How a step on a fixed batch is computed."""

    tf32: bool = False
    last: bool = True
    amp: bool = False
    compiled: bool = False


VARIANTS = {
    "float32, channels first": Variant(last=False),
    "float32": Variant(),
    "TF32": Variant(tf32=True),
    "bf16": Variant(tf32=True, amp=True),
}
COMPILED = {
    "bf16, compiled": Variant(tf32=True, amp=True, compiled=True),
    "TF32, compiled": Variant(tf32=True, compiled=True),
}
SMOKE_VARIANTS = ("float32",)
LOOPS: Mapping[str, Mapping[str, Any]] = {
    "as the settings come": {},
    "recommended": known(RECOMMENDED),
    "recommended, resident: device": {**known(RECOMMENDED), "resident": "device"},
    "amp": {"amp": True},
    "tf32": {"tf32": True},
    "check_every: 50": {"check_every": 50},
    "resident: device": {"resident": "device"},
    "shuffle_buffer_mb: auto": {"shuffle_buffer_mb": "auto"},
    "cuda_graph": {"cuda_graph": True},
    "recommended without cuda_graph": {**known(RECOMMENDED), "cuda_graph": False},
}


def eager(record: Recorder, folder: Path, device: torch.device, smoke: bool) -> None:
    """Measure steps on a fixed batch, then the training loop with each switch."""
    sample = sample_of(folder, "calo_muon", "cnn")
    fixed: dict[tuple[str, int], float] = {}
    # the fastest convolutions for these shapes, as a training takes them
    torch.backends.cudnn.benchmark = True
    for size in (2,) if smoke else (256, 1024):
        batch = sample.batch(size, device)
        for name, variant in VARIANTS.items():
            if not smoke or name in SMOKE_VARIANTS:
                fixed |= _fixed(record, sample, batch, name, variant, device, 0.0 if smoke else 1.2)
        del batch
    if device.type == "cuda":
        # as torch comes: convolutions round to TF32, the rest does not
        exact(device, True)
        torch.backends.cudnn.allow_tf32 = True
    size, warm, batches = (2, 1, 2) if smoke else (256, 10, 20)
    rates: dict[str, float] = {}
    for name, switches in LOOPS.items():
        if smoke and (switches.get("amp") or name == "shuffle_buffer_mb: auto"):
            continue  # ten times slower on a CPU; there the memory is shared with other tests
        with record.part(f"loop, {name}"):
            rates[name] = _loop(record, sample, name, switches, folder, device, (size, warm, batches))
    if not smoke:
        with record.part("loop, recommended, batch 1024"):
            _loop(record, sample, "recommended", known(RECOMMENDED), folder, device, (1024, 5, 10))
    for loop, step in (("tf32" if "tf32" in rates else "as the settings come", "TF32"), ("amp", "bf16")):
        # eager on both sides, so that what differs is the data, the look at the loss and the clock
        if loop in rates and (step, size) in fixed:
            share = 1 - fixed[step, size] / rates[loop]
            record.aimed(f"share of the loop beside the step itself, {loop}", share, WAITING)
    if rates:
        # what the production trains with
        (folder / "rates.json").write_text(json.dumps(rates))


def _fixed(
    record: Recorder, sample: Sample, batch: Any, name: str, variant: Variant, device: torch.device, seconds: float
) -> dict[tuple[str, int], float]:
    """Measure training and inference on a batch that is on the device; return seconds an event of the training."""
    size = len(batch)
    found: dict[tuple[str, int], float] = {}
    with record.part(f"fixed batch of {size}, {name}"):
        record.still_has(15)
        exact(device, not variant.tf32)
        own = (device, variant.amp, variant.last, variant.compiled)
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        taken = timed(training_step(sample, batch, *own), device, seconds) / size
        found[name, size] = taken
        record.aimed(f"training step, fixed batch of {size}, {name}", 1e3 * taken, TRAINING_MS, "ms/muon")
        if device.type == "cuda":
            record.measured(f"peak memory of the training, batch {size}, {name}", _peak_gib(), "GiB")
        taken = timed(inference(sample, batch, *own), device, seconds) / size
        note = f"paper's V100S / this = {PAPER_INFERENCE_MS / (1e3 * taken):.1f}"
        record.aimed(f"inference, fixed batch of {size}, {name}", 1e3 * taken, INFERENCE_MS, "ms/muon", note)
    return found


def _peak_gib() -> float:
    return torch.cuda.max_memory_allocated() / 2**30


def _loop(
    record: Recorder,
    sample: Sample,
    name: str,
    switches: Mapping[str, Any],
    folder: Path,
    device: torch.device,
    sizes: tuple[int, int, int],
) -> float:
    """Measure the training loop with some switches, the sample in memory; return its seconds an event."""
    record.still_has(15)
    size, warm, batches = sizes
    settings = _settings(sample, size, switches)
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    rate = loop_rate(sample, settings, device, folder / "loop.pt", warm, batches, 10)
    label = f"training loop, batch {size}, {name}"
    note = f"{', '.join(switches) or 'no switch'}; first batch after {rate.first_batch_seconds:.1f} s"
    record.aimed(label, 1e3 * rate.event_seconds, TRAINING_MS, "ms/muon", note)
    if device.type == "cuda":
        record.measured(f"peak memory, {label}", _peak_gib(), "GiB")
    return rate.event_seconds


def _settings(sample: Sample, size: int, switches: Mapping[str, Any]) -> TrainingSettings:
    return with_switches(sample.training, **{"batch_size": size, "shuffle_buffer_mb": BUFFER_MB, **switches})


def compiled(record: Recorder, folder: Path, device: torch.device, smoke: bool) -> None:
    """Measure with torch.compile, which takes a minute or two to begin."""
    if smoke:
        record.not_there("torch.compile", "compiling takes minutes: not in the smoke run")
        return
    sample = sample_of(folder, "calo_muon", "cnn")
    batch = sample.batch(256, device)
    bf16, tf32 = COMPILED
    _fixed(record, sample, batch, bf16, COMPILED[bf16], device, 1.2)
    del batch
    with record.part("loop, recommended, compiled"):
        switches = {**known(RECOMMENDED), "compile": True}
        _loop(record, sample, "recommended, compiled", switches, folder, device, (256, 10, 20))
    _fixed(record, sample, sample.batch(256, device), tf32, COMPILED[tf32], device, 1.2)
