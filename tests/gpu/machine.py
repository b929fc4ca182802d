"""What the check runs on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path

import torch

from tests.gpu.record import Recorder

PACKAGES = (
    "torch",
    "triton",
    "numpy",
    "numba",
    "h5py",
    "hdf5plugin",
    "scipy",
    "xgboost",
    "xgboost-cpu",
    "pydantic",
    "uproot",
)
QUESTIONS = {
    "nvidia-smi": ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"],
    "rocm-smi": ["--showproductname", "--showdriverversion", "--csv"],
}


def about(record: Recorder, folder: Path, device: torch.device, smoke: bool) -> None:
    """Note versions, device and driver."""
    record.measured("python", platform.python_version())
    for name in PACKAGES:
        try:
            record.measured(name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            record.not_there(name, "not installed")
    record.measured("cores", len(os.sched_getaffinity(0)))
    record.measured("CUDA, ROCm of torch", f"{torch.version.cuda}, {getattr(torch.version, 'hip', None)}")
    if device.type == "cpu":
        record.not_there("device", "the smoke run computes on the CPU")
        return
    properties = torch.cuda.get_device_properties(device)
    record.measured("device", properties.name)
    record.measured("memory of the device", properties.total_memory / 2**30, "GiB")
    record.measured("cuDNN, or MIOpen", str(torch.backends.cudnn.version()))
    for tool, question in QUESTIONS.items():
        if shutil.which(tool):
            with record.part(tool):
                answer = subprocess.run([tool, *question], capture_output=True, text=True, timeout=20, check=True)
                record.measured(tool, " ".join(answer.stdout.split()))
