"""Constants of the generator, from ``constants.yaml``; what each one is stands beside it in the file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from hitforge.settings_base import Settings
from hitforge.yaml_files import read_as

Numbers = Mapping[str, float]
Pair = tuple[float, float]


class Region(Settings):
    """One value for the barrel and one for the endcaps."""

    eb: float
    ee: float


class Constants(Settings):
    """The table."""

    material: Mapping[str, tuple[float, ...]]
    brem: Numbers
    brem_depth: Pair
    shower: Numbers
    crystal_cm: Region
    stochastic: Region
    resolution: Numbers
    supermodule_edge: Numbers
    supermodule: Numbers
    module: Numbers
    transition: Mapping[str, Pair]
    leakage: Numbers
    dead: Region
    noise: Region
    suppression: Region
    recovered: Region
    recovered_share: float
    scale: Region
    lost: Numbers
    track: Numbers
    preshower: Numbers


@cache
def load_constants() -> Constants:
    """Return the shipped table."""
    path = Path(__file__).with_name("constants.yaml")
    return read_as(Constants, path)
