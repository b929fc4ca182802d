"""Geometry of the calorimeter block: a YAML file with units, never constants in code."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field, PositiveFloat, PositiveInt

from hitforge.settings_base import Settings
from hitforge.yaml_files import read_as

SHIPPED = Path(str(files("hitforge.studies.calo_muon.data.geometries")))


class Geometry(Settings):
    """A block of identical cells, centred on x = y = 0, front face at z = 0 (calo-muon paper, section 2).

    Tensors are ordered (z, x, y), y fastest: flat cell ``(iz * n_x + ix) * n_y + iy``.
    """

    name: str
    material: str = Field(description="Geant4 material name, for the record")
    n_z: PositiveInt
    n_x: PositiveInt
    n_y: PositiveInt
    pitch_z_mm: PositiveFloat
    pitch_x_mm: PositiveFloat
    pitch_y_mm: PositiveFloat
    field_tesla: float = Field(description="uniform field along +y; a mu- moving along +z bends to +x")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of cells along (z, x, y)."""
        return (self.n_z, self.n_x, self.n_y)

    @property
    def n_cells(self) -> int:
        """Number of cells of the block."""
        return self.n_z * self.n_x * self.n_y

    @property
    def half_width_x_mm(self) -> float:
        """Half of the block's width along x."""
        return 0.5 * self.n_x * self.pitch_x_mm

    @property
    def half_width_y_mm(self) -> float:
        """Half of the block's width along y."""
        return 0.5 * self.n_y * self.pitch_y_mm


def load_geometry(given: str | Geometry | Mapping[str, Any]) -> Geometry:
    """Read a shipped geometry by name, or any geometry YAML by path; one that is written out is returned.

    Raises
    ------
    FileNotFoundError
        Neither a shipped name nor a file; the message lists the shipped names.
    """
    if not isinstance(given, str):
        return Geometry.model_validate(given)
    path = Path(given)
    if path.suffix not in {".yaml", ".yml"}:
        path = SHIPPED / f"{given}.yaml"
    if not path.is_file():
        shipped = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.yaml")))
        raise FileNotFoundError(f"geometry {given!r}: no such file; shipped geometries are: {shipped}")
    return read_as(Geometry, path)


def portable_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with the geometry written out: its file may be nowhere else, or another in another release."""
    return {**given, "geometry": load_geometry(given["geometry"]).model_dump(mode="json")}
