"""A short training of the paper's network in a process of its own, which can be killed (see `right`)."""

from __future__ import annotations

import argparse
import json
import os
import signal
from pathlib import Path

import torch

from hitforge.training.loop import train_member
from hitforge.training.settings import ScheduleSettings
from tests.gpu.measure import sample_of, with_switches

KILLED_AT = (1, 1)
"""Epoch and batch, from 0; the checkpoint of the end of epoch 0 is the last one then."""
SAVED = [1, 0]


def main() -> None:
    """Train to the end, or die with the checkpoint of the first epoch behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("name")
    parser.add_argument("device", choices=["cpu", "cuda"])
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--kill", action="store_true")
    options = parser.parse_args()
    sample = sample_of(options.folder, "calo_muon", "cnn")
    batch, batches = (4, 2) if options.smoke else (64, 16)
    n = batch * batches
    settings = with_switches(
        sample.training,
        batch_size=batch,
        shuffle_buffer_mb=512,
        schedule=ScheduleSettings(warmup_epochs=1, decay_epochs=2, step_epochs=0, lr_peak=1e-3).model_dump(),
    )
    seen: list[tuple[int, int]] = []

    def on_batch(epoch: int, number: int) -> None:
        seen.append((epoch, number))
        if options.kill and (epoch, number) == KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)

    member = train_member(
        lambda seed: sample.study.build_network(sample.model, seed),
        sample.study.build_loss(sample.model),
        sample.source(0, n),
        sample.source(n, n + max(2, batch)),
        settings,
        seed=3,
        device=torch.device(options.device),
        checkpoint=options.folder / f"{options.name}.pt",
        config_hash="check",
        on_batch=on_batch,
    )
    result = {"first": seen[0], "saved": SAVED, "loss": member.history[-1]["validation_loss"]}
    (options.folder / f"{options.name}.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main()
