from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.training.training_toy import member_bytes, train_toy, write_toy_shards


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four shards, one of them empty, 290 events."""
    return write_toy_shards(tmp_path_factory.mktemp("shards"), [130, 0, 70, 90])


@pytest.fixture(scope="session")
def straight(shards: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """An uninterrupted training."""
    folder = tmp_path_factory.mktemp("straight")
    return member_bytes(train_toy(shards, folder / "member_0.pt"), folder)
