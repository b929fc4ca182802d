"""Checkpoints: atomic, verified, with a fallback that never blocks."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from hitforge.training.checkpoint import (
    CheckpointError,
    discard_checkpoint,
    load_checkpoint,
    previous_path,
    read_checkpoint,
    save_checkpoint,
    status_path,
)


def state(epoch: int, identity: str = "me") -> dict[str, Any]:
    return {"identity": identity, "epoch": epoch, "network": {"w": torch.full((40,), float(epoch))}, "best": None}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A checkpoint of epoch 2 with a previous one of epoch 1."""
    path = tmp_path / "member_3.pt"
    for epoch in (1, 2):
        save_checkpoint(path, state(epoch))
    return path


def loaded_epoch(path: Path, identity: str = "me") -> int | None:
    found = load_checkpoint(path, identity)
    return None if found is None else int(found["epoch"])


def test_round_trip_and_previous_copy(path: Path) -> None:
    assert sorted(p.name for p in path.parent.iterdir()) == ["member_3.previous.pt", "member_3.pt"]
    found = load_checkpoint(path, "me")
    assert found is not None
    assert torch.equal(found["network"]["w"], torch.full((40,), 2.0))
    assert read_checkpoint(previous_path(path))["epoch"] == 1


def test_no_checkpoint(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert load_checkpoint(tmp_path / "member_0.pt", "me") is None
    assert not caplog.records


def test_same_state_gives_same_bytes(tmp_path: Path) -> None:
    for name in ("a.pt", "b.pt"):
        save_checkpoint(tmp_path / name, state(1))
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()


@pytest.mark.parametrize("length", [0, 10, 60, -1, -41])
def test_truncated_falls_back(path: Path, length: int, caplog: pytest.LogCaptureFixture) -> None:
    path.write_bytes(path.read_bytes()[:length])
    assert loaded_epoch(path) == 1
    assert "member_3.pt: truncated" in caplog.text


def test_every_flipped_bit_is_noticed(path: Path) -> None:
    content = path.read_bytes()
    for place in range(0, len(content), 97):
        damaged = bytearray(content)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"damaged|truncated"):
            read_checkpoint(path)
    assert loaded_epoch(path) == 1


def test_only_the_previous_copy_is_there(path: Path) -> None:
    path.unlink()
    assert loaded_epoch(path) == 1


def test_both_unusable_start_afresh(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_bytes(b"")
    previous_path(path).write_bytes(b"nothing")
    assert loaded_epoch(path) is None
    assert "starts afresh" in caplog.text
    save_checkpoint(path, state(1))
    assert loaded_epoch(path) == 1


def test_another_training_starts_afresh(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert loaded_epoch(path, "other settings") is None
    assert "belongs to other settings" in caplog.text


def test_interrupted_save_keeps_the_old_ones(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_content: Any, _file: Any) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", no_space)
        with pytest.raises(OSError, match="no space"):
            save_checkpoint(path, state(3))
    assert loaded_epoch(path) == 2
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _fd: no_space(None, None))
        with pytest.raises(OSError, match="no space"):
            save_checkpoint(path, state(3))
    assert loaded_epoch(path) in (1, 2)
    assert not list(path.parent.glob("*.tmp"))


class Evil:
    def __reduce__(self) -> Any:
        return (os.mkdir, ("evil",))


def test_nothing_in_it_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_checkpoint(tmp_path / "x.pt", {"identity": "me", "payload": Evil()})
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        read_checkpoint(tmp_path / "x.pt")
    assert not (tmp_path / "evil").exists()


def test_discard_leaves_nothing_but_young_temporaries(path: Path) -> None:
    status_path(path).write_text("{}")
    old, young = path.parent / ".member_3.pt.1.tmp", path.parent / ".member_3.pt.2.tmp"
    for temporary in (old, young):
        temporary.write_bytes(b"")
    os.utime(old, (0, time.time() - 7200))
    discard_checkpoint(path)
    assert list(path.parent.iterdir()) == [young]
    discard_checkpoint(path)
