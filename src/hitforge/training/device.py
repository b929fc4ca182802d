"""Choice of the compute device and of what makes its results repeatable."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import torch
from torch import nn

log = logging.getLogger(__name__)

NetworkT = TypeVar("NetworkT", bound=nn.Module)
DeviceChoice = Literal["auto", "cpu", "cuda"]


class DeviceError(RuntimeError):
    """The wanted device is not there."""


def resolve_device(device: DeviceChoice) -> torch.device:
    """Return the device to compute on; ``cuda`` never falls back to the CPU silently.

    A GPU that is announced by the environment but cannot be used (a driver too old, a CPU build of torch, a
    cluster that only pretends) gives the CPU with a warning under ``auto``.

    Raises
    ------
    DeviceError
        ``cuda`` is asked for and there is none.
    """
    if device == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    announced = f"CUDA_VISIBLE_DEVICES is {visible!r}" if visible else "CUDA_VISIBLE_DEVICES is empty"
    if device == "cuda":
        raise DeviceError(
            f"device: cuda, but torch {torch.__version__} finds no usable GPU ({announced}); ask the scheduler for a "
            "GPU, install a CUDA build of torch, or set device to auto or cpu"
        )
    if visible not in ("", "-1", "NoDevFiles"):
        log.warning("%s, but torch %s cannot use a GPU: computing on the CPU", announced, torch.__version__)
    return torch.device("cpu")


class OutOfDeviceMemory(RuntimeError):
    """The GPU's memory is too small for a batch."""


@contextmanager
def naming_batch_size(setting: str, events: int) -> Iterator[None]:
    """Say which setting to lower when the GPU's memory runs out."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfDeviceMemory(
            f"a batch of {events} events does not fit the GPU's memory: lower {setting} (what it needs grows with it), "
            "switch training.amp on, or set training.resident to host and training.members_per_gpu to fewer. "
            f"The GPU says: {error}"
        ) from error


@contextmanager
def repeatable(device: torch.device, threads: int, *, tf32: bool = False) -> Iterator[None]:
    """Fix threads, precision of products and, on the CPU, deterministic algorithms; restore them afterwards.

    On a GPU the bits of convolution backward passes are not fixed: determinism there costs speed and some kernels
    have no deterministic version. Resuming works the same; it is just not bit-identical. Convolutions there are the
    fastest of those that the library finds for each shape.
    """
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    deterministic: Any = torch.utils.deterministic  # its attributes are not in the stub
    fill = deterministic.fill_uninitialized_memory
    torch.set_num_threads(threads)
    if device.type == "cpu":
        torch.use_deterministic_algorithms(True)
        # filling fresh memory with NaN guards against reading it; no kernel used here does
        deterministic.fill_uninitialized_memory = False
    cudnn: Any = torch.backends.cudnn
    products = torch.get_float32_matmul_precision(), cudnn.allow_tf32, cudnn.benchmark
    if device.type == "cuda":
        # by default convolutions would be computed with 10 bits of mantissa and matrix products with 23
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        cudnn.allow_tf32, cudnn.benchmark = tf32, True
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(products[0])
        cudnn.allow_tf32, cudnn.benchmark = products[1:]
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        deterministic.fill_uninitialized_memory = fill


def channels_last(network: NetworkT) -> NetworkT:
    """Return the network with its three-dimensional convolutions in the memory format that is fast for them."""
    # torch's stub of Module.to leaves this keyword out
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return network
