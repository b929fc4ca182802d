"""``python -m hitforge``."""

from __future__ import annotations

from hitforge.cli import run

run()
