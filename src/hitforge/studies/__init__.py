"""Studies, a folder each. Folders named in ``$HITFORGE_STUDIES`` (separated like ``$PATH``) hold further ones."""

from __future__ import annotations

import os
from pathlib import Path

OUTSIDE = tuple(Path(folder) for folder in os.environ.get("HITFORGE_STUDIES", "").split(os.pathsep) if folder)
"""Folders of studies outside the package; each study's YAML file stands in its own folder."""

__path__ = [*__path__, *map(str, OUTSIDE)]
