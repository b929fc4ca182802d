"""Published mean improvements, for the report's side-by-side table."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

from hitforge.yaml_files import read_as


class PublishedResult(BaseModel):
    """One published number; ``percent`` and ``error`` are percentage points as printed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    variant: str
    label: str
    table: Literal["data usage", "loss", "architecture"]
    percent: PositiveFloat
    error: PositiveFloat | None
    muons: PositiveInt

    @property
    def mean_improvement(self) -> float:
        """The value as a fraction, the unit of all code and JSON."""
        return self.percent / 100.0

    @property
    def mean_improvement_error(self) -> float | None:
        """The error as a fraction."""
        return None if self.error is None else self.error / 100.0


class Published(BaseModel):
    """All published numbers with their source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    note: str
    results: tuple[PublishedResult, ...]

    def find(self, variant: str, table: str | None = None) -> PublishedResult | None:
        """Return the first result of a variant (in one table), or None."""
        return next((r for r in self.results if r.variant == variant and table in (None, r.table)), None)


def load_published() -> Published:
    """Read ``published.yaml``."""
    return read_as(Published, Path(__file__).with_name("published.yaml"))
