"""Settings of the evaluation of an energy regression, shared by every study that has one."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from hitforge.settings_base import Settings


class EnergyEvaluationSettings(Settings):
    """Bins, correction and bootstrap of an energy regression."""

    e_min_gev: PositiveFloat = Field(100.0, description="lower edge of the bias fit and of the resolution bins, in GeV")
    e_max_gev: PositiveFloat = Field(
        4000.0, description="upper edge of the resolution bins (and of the bias fit), in GeV"
    )
    correction: Literal["linear", "power"] = Field(
        "linear", description="linear for 100-4000 GeV, power law for 100-8000 GeV"
    )
    fit_max_gev: PositiveFloat | None = Field(
        None, description="upper edge of the bias fit in GeV, where it is not e_max_gev (8000 with the power law)"
    )
    fit_bins: PositiveInt = Field(39, description="bins of the bias fit, left-closed (79 for 100-8000 GeV)")
    min_per_fit_bin: int = Field(20, ge=2, description="neighbouring fit bins merge until they hold so many events")
    resolution_bins: PositiveInt = Field(20, description="bins of the resolution, right-closed")
    min_per_bin: PositiveInt = Field(5, description="a resolution bin with fewer events gives null with its reason")
    tracker_per_gev: PositiveFloat = Field(2e-4, description="relative resolution of the tracker divided by E/GeV")
    bootstraps: int = Field(500, ge=2, description="bootstrap replicas of every number")

    @property
    def fit_range_gev(self) -> tuple[float, float]:
        """Lower and upper edge of the bias fit."""
        return self.e_min_gev, self.e_max_gev if self.fit_max_gev is None else self.fit_max_gev

    @model_validator(mode="after")
    def _ranges_are_ordered(self) -> Self:
        if not self.e_min_gev < self.e_max_gev:
            raise ValueError(f"e_min_gev ({self.e_min_gev}) must lie below e_max_gev ({self.e_max_gev})")
        if not self.e_min_gev < self.fit_range_gev[1]:
            raise ValueError(f"e_min_gev ({self.e_min_gev}) must lie below fit_max_gev ({self.fit_max_gev})")
        return self
