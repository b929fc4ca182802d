"""A training of the paper's network that waits for others and then counts its muons for some seconds (`fast_more`)."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from hitforge.training.loop import train_member
from hitforge.training.settings import ScheduleSettings
from tests.gpu.measure import RECOMMENDED, known, sample_of, synchronise, with_switches

WARM = 12
LOOK_EVERY = 4
"""Batches between two looks at the clock, which wait for the device."""


class _Enough(Exception):
    """The seconds are over."""


def main() -> None:
    """Train until the seconds are over and write the rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("go", type=Path)
    parser.add_argument("name")
    parser.add_argument("device", choices=["cpu", "cuda"])
    parser.add_argument("seconds", type=float)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    device = torch.device(options.device)
    sample = sample_of(options.folder, "calo_muon", "cnn")
    size, n = (2, 16) if options.smoke else (256, 8192)
    switches = {} if options.smoke else known(RECOMMENDED)
    long = ScheduleSettings(warmup_epochs=1000, decay_epochs=1000).model_dump()
    settings = with_switches(sample.training, batch_size=size, shuffle_buffer_mb=1024, schedule=long, **switches)
    done = counted = 0
    begun = 0.0

    def on_batch(_epoch: int, _batch: int) -> None:
        nonlocal done, counted, begun
        done += 1
        if begun:
            counted += 1
            if options.smoke or counted % LOOK_EVERY == 0:
                synchronise(device)
                if time.perf_counter() - begun > options.seconds:
                    raise _Enough
        elif done >= (1 if options.smoke else WARM):
            synchronise(device)
            (options.folder / f"{options.name}.ready").touch()
            while not options.go.exists():
                time.sleep(0.01)
            begun = time.perf_counter()

    try:
        train_member(
            sample.build,
            sample.study.build_loss(sample.model),
            sample.source(0, n),
            sample.source(n, n + size),
            settings,
            seed=1,
            device=device,
            checkpoint=options.folder / f"{options.name}.pt",
            config_hash="check",
            on_batch=on_batch,
        )
    except _Enough:
        rate = counted * size / (time.perf_counter() - begun)
        (options.folder / f"{options.name}.json").write_text(json.dumps({"muons_per_s": rate}))


if __name__ == "__main__":
    main()
