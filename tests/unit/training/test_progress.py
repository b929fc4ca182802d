"""Event files for TensorBoard: the history of a training, and no influence on it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.training.member_files import TrainedMember
from tests.unit.training.test_resume import Killed, kill_at
from tests.unit.training.training_toy import member_bytes, toy_settings, train_toy


def check_events(folder: Path, member: TrainedMember) -> None:
    """Compare all scalars of a folder with a history, in which the loss's thresholds are a list."""
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = reader.EventAccumulator(str(folder)).Reload()
    expected: dict[str, list[tuple[int, float]]] = {}
    for entry in member.history:
        flat: dict[str, Any] = {f"thresholds/{k}": value for k, value in enumerate(entry["thresholds"])}
        for name, value in (entry | flat).items():
            if name not in ("epoch", "thresholds") and value is not None:
                expected.setdefault(name, []).append((entry["epoch"], float(np.float32(value))))
    assert {"train_loss", "validation_loss", "lr", "beta1", "thresholds/0"} <= set(expected)
    assert {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]} == expected


def test_same_bytes_and_the_history(shards: list[Path], tmp_path: Path, straight: tuple[bytes, bytes]) -> None:
    """A training without the switch that was killed goes on with it; killed again, it has no epoch twice."""
    pytest.importorskip("tensorboard")
    settings = toy_settings(tensorboard=True)
    with pytest.raises(Killed):
        train_toy(shards, tmp_path / "member_0.pt", on_batch=kill_at(2, 5))
    assert not (tmp_path / "tensorboard").exists()
    with pytest.raises(Killed):
        train_toy(shards, tmp_path / "member_0.pt", settings=settings, on_batch=kill_at(4, 0))
    member = train_toy(shards, tmp_path / "member_0.pt", settings=settings)
    assert member_bytes(member, tmp_path) == straight
    assert len(list((tmp_path / "tensorboard" / "member_0").iterdir())) == 2
    check_events(tmp_path / "tensorboard" / "member_0", member)


def test_without_the_package_nothing_begins(
    shards: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ValueError, match=r"pip install 'hitforge\[tensorboard\]'"):
        train_toy(shards, tmp_path / "m.pt", settings=toy_settings(tensorboard=True))
    assert not list(tmp_path.iterdir())
