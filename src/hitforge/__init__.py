"""hitforge: detector hits in, physics models and report tables out."""

from __future__ import annotations

__version__ = "0.1.0"
