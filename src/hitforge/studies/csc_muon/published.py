"""Published numbers of the seeds and of the trigger, for side-by-side tables; all are for other data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from hitforge.settings_base import Settings
from hitforge.yaml_files import read_as


class PublishedResult(Settings):
    """One printed number of a model that this study repeats; ``decimals`` are those printed."""

    source: str
    model: str
    quantity: str
    text: str
    value: float
    decimals: int


class Benchmark(Settings):
    """Curves and areas of the public benchmark, on roads with four CSC hits."""

    auc: Mapping[str, tuple[float, ...]]
    relative_mae: Mapping[str, tuple[float, ...]]
    decision: Mapping[str, tuple[float, ...]]


class Published(Settings):
    """All published numbers with their sources."""

    note: str
    sources: Mapping[str, str]
    results: tuple[PublishedResult, ...]
    class_report: Mapping[str, Mapping[str, tuple[float, ...]]]
    class_shares_percent: tuple[float, ...]
    deck_thresholds: Mapping[str, Mapping[str, tuple[float, ...]]]
    benchmark: Benchmark

    def find(self, model: str, quantity: str) -> PublishedResult | None:
        """Return a model's first published value of a quantity, or None."""
        return next((r for r in self.results if (r.model, r.quantity) == (model, quantity)), None)


@cache
def load_published() -> Published:
    """Read ``published.yaml``."""
    return read_as(Published, Path(__file__).with_name("published.yaml"))
