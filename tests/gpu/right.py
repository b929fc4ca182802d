"""Right: what a network says and learns on a GPU is what it says and learns on a CPU."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hitforge.prediction import predict_members
from hitforge.training.batches import Batch
from hitforge.training.device import DeviceError, resolve_device
from hitforge.training.optimiser import build_optimiser
from tests import goldens
from tests.gpu.measure import (
    Sample,
    exact,
    loop_rate,
    on_device,
    relative,
    sample_of,
    still,
    synchronise,
    with_switches,
)
from tests.gpu.record import NotThereError, Recorder
from tests.gpu.samples import STUDIES, study_of

OUTPUTS, LOSS, GRADIENTS = 1e-3, 1e-3, 1e-2
"""Bounds of float32 against float32, relative norms; a gradient runs through some fifty layers."""
TF32_OUTPUTS, TF32_GRADIENTS = 1e-2, 1e-1
RESUMED = 0.05
"""Relative bound of the validation loss of a resumed training: on a GPU sums have no fixed order."""
BF16 = 0.15
"""Relative bound of the loss after 200 steps in bf16."""
SMOKE_MODELS = ("cnn", "hl_only", "layers", "layers_density")


def numbers(record: Recorder, folder: Path, device: torch.device, smoke: bool) -> None:
    """Compare goldens and every network and loss of the four studies."""
    exact(device, True)
    for name, found in (("running norm", goldens.running_norm), ("Huberised loss", goldens.huberised_loss)):
        with record.part(name):
            errors = [relative(value.float(), torch.tensor(golden)) for _, value, golden in found(device)]
            record.bounded(f"{name}: golden values", max(errors), 1e-5)
    with record.part("device: cuda without a card"):
        record.true("device: cuda without a card is an error", _refuses_without_card(device))
    for name in STUDIES:
        models = study_of(name).settings.models
        chosen = [model for model, settings in models.items() if settings.kind == "network"]
        if smoke and name == "calo_muon":
            chosen = [model for model in chosen if model in SMOKE_MODELS]
        for model in chosen:
            with record.part(f"{name} {model}"):
                _compare(record, sample_of(folder, name, model), device, 4 if smoke else 16)


def _refuses_without_card(device: torch.device) -> bool:
    if device.type == "cpu":
        try:
            resolve_device("cuda")
        except DeviceError:
            return True
        return torch.cuda.is_available()  # the smoke run on a machine with a card
    code = (
        "from hitforge.training.device import *\ntry: resolve_device('cuda')\nexcept DeviceError: raise SystemExit(9)"
    )
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
    return subprocess.run([sys.executable, "-c", code], env=hidden, timeout=60, check=False).returncode == 9


def _compare(record: Recorder, sample: Sample, device: torch.device, size: int) -> None:
    """Compare outputs, loss and gradients of a training step on the CPU and on the device."""
    batch = sample.batch(size, torch.device("cpu"))
    reference = _step(sample, batch)
    moved = on_device(batch, device)
    name = f"{sample.study.name} {sample.model}"
    bounds = {"": (OUTPUTS, LOSS, GRADIENTS)}
    if device.type == "cuda" and sample.study.uses_voxels(sample.model) and sample.model == "cnn":
        bounds[" with TF32"] = (TF32_OUTPUTS, TF32_OUTPUTS, TF32_GRADIENTS)
    for label, limits in bounds.items():
        exact(device, not label)
        for what, value, other, limit in zip(
            ("outputs", "loss", "gradients"), _step(sample, moved), reference, limits, strict=True
        ):
            record.bounded(f"{name}: {what}{label}", relative(value, other), limit)
    exact(device, True)


def _step(sample: Sample, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Return the outputs, the loss and the gradients, each as one vector, of a first training step."""
    device = batch.target.device if batch.target is not None else torch.device("cpu")
    network = still(sample.study.build_network(sample.model, 1)).to(device).train()
    output = network(**batch.inputs)
    loss = sample.study.build_loss(sample.model).to(device).train()(output, batch.target, batch.weight)
    loss.backward()
    outputs = list(output.values()) if isinstance(output, Mapping) else [output]
    gradients = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
    return torch.cat([tensor.flatten() for tensor in outputs]), loss, torch.cat(gradients)


def training(record: Recorder, folder: Path, device: torch.device, smoke: bool) -> None:
    """Compare predictions and bf16; kill, resume and share the card; run out of memory."""
    sample = sample_of(folder, "calo_muon", "cnn")
    exact(device, True)
    with record.part("predictions"):
        _predictions(record, sample, device, 8 if smoke else 512)
    with record.part("killed and resumed, two processes on one card"):
        _killed_and_resumed(record, folder, device, smoke)
    with record.part("out of GPU memory"):
        _out_of_memory(record, sample, folder, device)
    with record.part("bf16 against float32"):
        _bf16(record, sample, device, smoke)


def _predictions(record: Recorder, sample: Sample, device: torch.device, n: int) -> None:
    found = []
    for place in (torch.device("cpu"), device):
        networks = [sample.study.build_network(sample.model, seed) for seed in (1, 2)]
        for network in networks:
            # one batch in training gives the norms their statistics
            network.train()(**sample.batch(16, torch.device("cpu")).inputs)
        settings = with_switches(
            sample.training, shuffle_buffer_mb=1024, threads=max(1, len(os.sched_getaffinity(0)) // 2)
        )
        columns = predict_members(
            networks,
            lambda output: sample.study.output_columns(sample.model, output),
            sample.source(0, n),
            settings,
            place,
        )
        found.append(torch.from_numpy(np.concatenate([values.ravel() for values in columns.values()])))
    record.bounded(f"prediction of {n} muons by two members", relative(found[1], found[0]), 1e-3)


def _killed_and_resumed(record: Recorder, folder: Path, device: torch.device, smoke: bool) -> None:
    def start(name: str, *options: str) -> subprocess.Popen[bytes]:
        where = [str(folder), name, device.type, *(["--smoke"] if smoke else []), *options]
        return subprocess.Popen([sys.executable, "-m", "tests.gpu.short_training", *where])

    def result(name: str) -> Any:
        return json.loads((folder / f"{name}.json").read_text())

    def finish(process: subprocess.Popen[bytes], expected: int) -> None:
        try:
            code = process.wait(timeout=max(5.0, record.left()))
        finally:
            process.kill()
        if code != expected:
            raise RuntimeError(f"the training ended with code {code}, not {expected}; its message is in the step's log")

    # the one that is killed runs beside the one that is left alone: two processes on one card
    alone, killed = start("alone"), start("killed", "--kill")
    finish(killed, -signal.SIGKILL)
    finish(alone, 0)
    finish(start("killed"), 0)
    straight, resumed = result("alone"), result("killed")
    record.true("two trainings on one card at a time end well", True)
    record.true(
        "resumed at the step of its last checkpoint",
        resumed["first"] == straight["saved"],
        f"epoch and batch {resumed['first']}",
    )
    difference = abs(resumed["loss"] / straight["loss"] - 1)
    record.bounded("validation loss, resumed / not interrupted - 1", difference, RESUMED)


def _out_of_memory(record: Recorder, sample: Sample, folder: Path, device: torch.device) -> None:
    if device.type != "cuda":
        raise NotThereError("no GPU whose memory could run out")
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(min(1.0, 2 * 2**30 / total))
    try:
        message = ""
        try:
            _train(sample, folder, device, 1024)
        except Exception as error:  # noqa: BLE001 (its kind is what is looked at)
            message = f"{type(error).__name__}: {error}"
        gc.collect()
        torch.cuda.empty_cache()
        if not message:
            raise RuntimeError("1024 muons fit into 2 GiB: the limit had no effect")
        if "batch_size" in message:
            record.true("out of GPU memory names training.batch_size", True, message[:300])
        else:
            record.not_there("out of GPU memory names training.batch_size", message[:300])
        _train(sample, folder, device, 16)
        record.true("a smaller batch fits in the same process afterwards", True)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def _train(sample: Sample, folder: Path, device: torch.device, batch: int) -> None:
    settings = with_switches(sample.training, batch_size=batch, shuffle_buffer_mb=2048)
    loop_rate(sample, settings, device, folder / "memory.pt", 1, 2, 60)


def _bf16(record: Recorder, sample: Sample, device: torch.device, smoke: bool) -> None:
    steps, size, batches = (2, 2, 2) if smoke else (200, 128, 16)
    whole = sample.batch(size * batches, device)
    losses = {}
    for name in ("float32", "bf16"):
        network = sample.study.build_network(sample.model, 1).to(device).train()
        loss_of = sample.study.build_loss(sample.model).to(device).train()
        optimiser = build_optimiser([p for p in network.parameters() if p.requires_grad], sample.training)
        for group in optimiser.param_groups:
            group["lr"] = sample.training.schedule.lr_end
        found = []
        for step in range(steps):
            rows = slice(step % batches * size, (step % batches + 1) * size)
            optimiser.zero_grad(set_to_none=True)
            with torch.autocast(device.type, torch.bfloat16, enabled=name == "bf16"):
                output = network(**{key: tensor[rows] for key, tensor in whole.inputs.items()})
            assert whole.target is not None and whole.weight is not None
            loss = loss_of(output, whole.target[rows], whole.weight[rows])
            loss.backward()
            optimiser.step()
            found.append(loss.detach())
        synchronise(device)
        losses[name] = float(torch.stack(found[-batches:]).mean())
        record.measured(f"loss after {steps} steps, {name}", losses[name])
    difference = abs(losses["bf16"] / losses["float32"] - 1)
    if smoke:
        record.measured("loss, bf16 / float32 - 1", difference)
    else:
        record.bounded("loss, bf16 / float32 - 1", difference, BF16)
