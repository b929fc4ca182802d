"""How much memory a shuffle buffer may take, and where a sample's hits wait."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from hitforge.training.settings import TrainingSettings

RESERVE_MB = 3072
"""What ``auto`` leaves to the process itself: torch, the GPU's libraries, the network and its batches, checkpoints."""

LEAST_MB = 256
"""What ``auto`` takes at least, and what a prediction reads through with it: a pass in order needs no more."""


def job_memory_mb(environment: Mapping[str, str] = os.environ, meminfo: Path = Path("/proc/meminfo")) -> float:
    """Return the memory that this job may take, in MiB.

    A Slurm job has what it was given, of a node or for each CPU; where it was given all (``--mem=0``) or there is no
    Slurm, it may take half of what is available now, since another job may have started beside it.
    """
    if (of_node := int(environment.get("SLURM_MEM_PER_NODE", 0))) > 0:
        return of_node
    if (of_cpu := int(environment.get("SLURM_MEM_PER_CPU", 0))) > 0:
        return of_cpu * int(environment.get("SLURM_CPUS_ON_NODE", 1))
    for line in meminfo.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) / 1024 / 2
    raise ValueError(f"{meminfo} does not tell the available memory: set training.shuffle_buffer_mb to a number")


def shuffle_buffer_bytes(settings: TrainingSettings) -> int:
    """Return the bound of a training's shuffle buffers: the setting, or for ``auto`` what the job's memory allows.

    Trainings side by side in one job share its memory.
    """
    if settings.shuffle_buffer_mb != "auto":
        return settings.shuffle_buffer_mb * 2**20
    own = job_memory_mb() / settings.members_per_gpu
    return int(max(LEAST_MB, own - RESERVE_MB)) * 2**20


def shares(buffer_bytes: int, training_bytes: int, monitoring_bytes: int, *, auto: bool) -> tuple[float, float]:
    """Return the parts of the buffer that training and monitoring get: both streams may stay in memory at a time.

    Under ``auto`` each gets what it needs to stay there, if there is enough for both.
    """
    needed = training_bytes + monitoring_bytes
    if not auto or needed > buffer_bytes:
        return 0.75, 0.25
    return training_bytes / needed, monitoring_bytes / needed
