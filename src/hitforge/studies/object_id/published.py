"""The printed class scores of the slides that this study repeats."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from hitforge.settings_base import Settings
from hitforge.yaml_files import read_as


class Published(Settings):
    """Scores in percent of one image of each class, as printed; each row nearly adds to 100."""

    note: str
    source: str
    scores_percent: Mapping[str, tuple[float, float, float, float]]


@cache
def load_published() -> Published:
    """Read ``published.yaml``."""
    return read_as(Published, Path(__file__).with_name("published.yaml"))
