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


@contextmanager
def repeatable(device: torch.device, threads: int) -> Iterator[None]:
    """Fix the number of threads and, on the CPU, deterministic algorithms; restore both afterwards.

    On a GPU the bits of convolution backward passes are not fixed: determinism there costs speed and some kernels
    have no deterministic version. Resuming works the same; it is just not bit-identical.
    """
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    deterministic: Any = torch.utils.deterministic  # its attributes are not in the stub
    fill = deterministic.fill_uninitialized_memory
    torch.set_num_threads(threads)
    if device.type == "cpu":
        torch.use_deterministic_algorithms(True)
        # filling fresh memory with NaN guards against reading it; no kernel used here does
        deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        deterministic.fill_uninitialized_memory = fill


def channels_last(network: NetworkT) -> NetworkT:
    """Return the network with its three-dimensional convolutions in the memory format that is fast for them."""
    # torch's stub of Module.to leaves this keyword out
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return network
