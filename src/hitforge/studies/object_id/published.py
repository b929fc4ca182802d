"""The printed class scores of the slides that this study repeats."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

from hitforge.settings_base import Settings


class Published(Settings):
    """Scores in percent of one image of each class, as printed; each row nearly adds to 100."""

    note: str
    source: str
    scores_percent: Mapping[str, tuple[float, float, float, float]]


@cache
def load_published() -> Published:
    """Read ``published.yaml``."""
    text = files("hitforge.studies.object_id").joinpath("published.yaml").read_text(encoding="utf-8")
    return Published.model_validate(yaml.safe_load(text))
