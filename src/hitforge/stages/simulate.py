"""Stage simulate: one simulated part in the original's file format."""

from __future__ import annotations

from pathlib import Path

from hitforge.config import SampleSettings
from hitforge.seeds import child_seed
from hitforge.studies.base import Progress, Study


def simulate_part(
    study: Study,
    sample_name: str,
    sample: SampleSettings,
    part_index: int,
    root_seed: int,
    out: Path,
    progress: Progress | None = None,
) -> None:
    """Write part ``part_index`` of a simulated sample; its events depend on seed, sample and index only."""
    seed = child_seed(root_seed, study.name, "simulate", sample_name, part_index)
    study.simulate(out, sample, seed, progress)
