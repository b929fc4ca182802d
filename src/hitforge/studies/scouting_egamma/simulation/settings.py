"""What the generator can be asked for."""

from __future__ import annotations

from typing import Self

from pydantic import Field, NonNegativeInt, PositiveFloat, model_validator

from hitforge.settings_base import Settings


class SimulationSettings(Settings):
    """The embedded generator: single electrons and photons, flat in pT, eta and phi."""

    pt_min_gev: PositiveFloat = Field(2.0, description="smallest generated pT, in GeV")
    pt_max_gev: PositiveFloat = Field(100.0, description="largest generated pT, in GeV")
    electron_share: float = Field(0.5, ge=0, le=1, description="share of electrons; the others are photons")
    conversions: bool = Field(False, description="let photons convert in the material: two showers, no track")
    dead_map_seed: NonNegativeInt = Field(
        777, description="fixes which barrel channels are dead in samples of the spectrum flat"
    )
    other_dead_map_seed: NonNegativeInt = Field(
        778, description="the same for the spectrum flat_other_map: a test of what was memorised"
    )

    @model_validator(mode="after")
    def _range_is_a_range(self) -> Self:
        if not self.pt_min_gev < self.pt_max_gev:
            raise ValueError("simulation: pt_min_gev must lie below pt_max_gev")
        return self

    def of_spectrum(self, spectrum: str) -> Self:
        """Return the settings of a sample's ``spectrum``: ``flat`` in pT, eta and phi, or ``flat_other_map``."""
        if spectrum == "flat":
            return self
        if spectrum == "flat_other_map":
            return self.model_copy(update={"dead_map_seed": self.other_dead_map_seed})
        raise ValueError(f"spectrum {spectrum!r} is not known; known: flat (in pT, eta and phi), flat_other_map")
