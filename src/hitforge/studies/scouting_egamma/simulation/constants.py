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


class Material(Settings):
    """Radiation lengths against |eta|, linear between the points."""

    eta: tuple[float, ...]
    x0: tuple[float, ...]


class Brem(Settings):
    """Bremsstrahlung."""

    fraction_min: float
    bend: float
    depth: Pair


class Resolution(Settings):
    """Energy resolution."""

    stochastic: Region
    constant: float
    intercalibration: float


class Transition(Settings):
    """The gap between barrel and endcap."""

    eta: Pair
    response: Pair


class Cracks(Settings):
    """Losses in gaps."""

    supermodule_edge: Numbers
    supermodule: Numbers
    module: Numbers
    transition: Transition


class Recovery(Settings):
    """Energy outside the 5 x 5."""

    share: Region
    factor: float


class Track(Settings):
    """The electron's track."""

    resolution: Pair
    fbrem: float
    detain: float
    dphiin: float
    dphiin_brem: float
    direction: float
    wrong_charge: float


class Preshower(Settings):
    """The preshower in front of the endcaps."""

    eta: Pair
    share: float
    shape: float


class Constants(Settings):
    """The table."""

    material: Material
    brem: Brem
    shower: Numbers
    crystal_cm: Region
    resolution: Resolution
    cracks: Cracks
    leakage: Numbers
    dead: Region
    noise: Region
    suppression: Region
    recovery: Recovery
    scale: Region
    lost: Numbers
    track: Track
    preshower: Preshower


@cache
def load_constants() -> Constants:
    """Return the shipped table."""
    path = Path(__file__).with_name("constants.yaml")
    return read_as(Constants, path)
