"""What the generator can do beyond the default objects."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from hitforge.settings_base import Settings


class SimulationSettings(Settings):
    """What makes the objects, and what the calorimeter does with them."""

    generator: Literal["parametric", "pythia"] = Field(
        "parametric",
        description="formulas for the particles of each object, or events of PYTHIA 8.3 (optional package pythia8mc), "
        "whose classes differ in pT; cells, noise and pileup are the same",
    )
    multiparton: bool = Field(True, description="multiparton interactions (pythia); off is fast, for all classes alike")
    field_tesla: NonNegativeFloat = Field(
        0.0, description="solenoid that turns charged particles on their way to the calorimeter (pythia); 2 is usual"
    )
    pt_min_gev: PositiveFloat = Field(20.0, description="smallest pT of an object, in GeV")
    pt_mean_above_gev: PositiveFloat = Field(
        18.0, description="mean of the exponential pT spectrum above it, in GeV (parametric)"
    )
    leptonic_taus: float = Field(
        0.352, ge=0, lt=1, description="share of taus that decay to electron or muon (parametric); a cut drops them"
    )
    pileup: bool = Field(False, description="particles of 10 to 50 further collisions")
    punch_through: float = Field(
        0.0, ge=0, le=1, description="share of jets with all energy in the HAD channel (parametric)"
    )
    em_noise_gev: NonNegativeFloat = Field(0.030, description="noise of an EM cell, in GeV")
    had_noise_gev: NonNegativeFloat = Field(0.080, description="noise of a HAD cell, in GeV")
    threshold_sigmas: NonNegativeFloat = Field(2.0, description="cells below so many deviations of the noise are 0")
