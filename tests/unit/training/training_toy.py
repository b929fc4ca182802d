"""Toy shards and a toy network for the tests of training; also run with ``python -m``, to be killed."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hitforge.hits import CellHits
from hitforge.shards import ShardBlock, ShardLayout, write_shard
from hitforge.studies.calo_muon.models.losses import HuberisedLoss
from hitforge.studies.calo_muon.settings import CaloTrainingSettings, LossSettings
from hitforge.training.dataset import EventIndex, index_events
from hitforge.training.loop import train_member
from hitforge.training.losses import MemberLoss
from hitforge.training.member_files import TrainedMember, save_member, sidecar_path
from hitforge.training.settings import ScheduleSettings
from hitforge.training.window import EventSource

VOXELS = (2, 3, 4)
LAYOUT = ShardLayout(("identity", "x"), ("", ""), {"energy": "GeV"}, {"secret": ""}, voxel_shape=VOXELS)
N_FOLDS = 6
TRAINING_FOLDS = (2, 3, 4, 5)
MONITORING_FOLDS = (1,)
CPU = torch.device("cpu")


def write_toy_shards(folder: Path, sizes: Sequence[int], voxel_shape: tuple[int, int, int] = VOXELS) -> list[Path]:
    """Write shards of the given sizes; feature 0 numbers the events over all shards."""
    rng = np.random.default_rng(7)
    layout = ShardLayout(LAYOUT.feature_names, ("", ""), LAYOUT.targets, LAYOUT.truth, voxel_shape=voxel_shape)
    n_cells = int(np.prod(voxel_shape))
    paths, first = [], 0
    for number, n in enumerate(sizes):
        dense = rng.random((n, n_cells)).astype(np.float32) * (rng.random((n, n_cells)) < 0.3)
        x = rng.random(n).astype(np.float32)
        block = ShardBlock(
            features=np.stack([np.arange(first, first + n, dtype=np.float32), x], axis=1),
            bucket=rng.integers(0, 3600, n).astype(np.int16),
            entry=np.arange(n),
            targets={"energy": (100 + 500 * x + 30 * dense.sum(axis=1)).astype(np.float32)},
            truth={"secret": x},
            hits=CellHits.from_dense(dense),
        )
        attributes = {"study": "toy", "sample": "train", "part": f"p{number}", "config_hash": "0"}
        path = folder / f"shard_{number:03}.h5"
        write_shard(path, layout, [block] if n else [], {**attributes, "content_checksum": f"{number}-{n}"})
        paths.append(path)
        first += n
    return paths


def without_identity(features: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    return {"features": features[:, 1:]}


def toy_source(index: EventIndex, folds: Sequence[int] | None = None, **changes: Any) -> EventSource:
    chosen = index if folds is None else index.folds(N_FOLDS, folds)
    return EventSource(chosen, **{"target": "energy", "inputs": without_identity, **changes})


class ToyNetwork(nn.Module):
    """Uses features, grid, a buffer that training moves, and random numbers."""

    running: Tensor

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.body = nn.Sequential(nn.Linear(25, 16), nn.SiLU(), nn.Dropout(0.1), nn.Linear(16, 1))
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.normal_(0, 0.3, generator=generator)
        self.register_buffer("running", torch.zeros(()))

    def forward(self, features: Tensor, grid: Tensor) -> Tensor:
        if self.training:
            self.running.lerp_(grid.mean(), 0.1)
        inputs = torch.cat([features, grid.flatten(1)], dim=1)
        return 300 + 100 * self.body(inputs)[:, 0] + self.running


def toy_settings(**changes: Any) -> CaloTrainingSettings:
    schedule = ScheduleSettings(
        warmup_epochs=1, decay_epochs=2, step_epochs=3, lr_start=1e-3, lr_peak=3e-2, lr_end=1e-3, stop_patience=3
    )
    return CaloTrainingSettings(
        **{"batch_size": 16, "schedule": schedule, "loss": LossSettings(bin_edges=(50.0, 400.0, 2000.0)), **changes}
    )


def toy_loss(settings: CaloTrainingSettings) -> MemberLoss:
    return HuberisedLoss(settings.loss)


def train_toy(paths: Sequence[Path], checkpoint: Path, **changes: Any) -> TrainedMember:
    """Train with the defaults of this module; ``settings`` and the keywords of train_member can be changed."""
    index = index_events(paths)
    arguments: dict[str, Any] = {"settings": toy_settings(), "seed": 5, "device": CPU, "config_hash": "c", **changes}
    training, monitoring = toy_source(index, TRAINING_FOLDS), toy_source(index, MONITORING_FOLDS)
    loss = toy_loss(arguments["settings"])
    return train_member(ToyNetwork, loss, training, monitoring, checkpoint=checkpoint, **arguments)


def main() -> None:
    """Train slowly: arguments are the checkpoint and the shards."""
    train_toy([Path(p) for p in sys.argv[2:]], Path(sys.argv[1]), on_batch=lambda _epoch, _batch: time.sleep(0.02))


def member_bytes(member: TrainedMember, folder: Path, name: str = "m") -> tuple[bytes, bytes]:
    path = folder / f"{name}.safetensors"
    save_member(path, member, {"seed": member.seed})
    return path.read_bytes(), sidecar_path(path).read_bytes()


if __name__ == "__main__":
    main()
