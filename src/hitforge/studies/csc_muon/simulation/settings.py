"""What the generator can do beyond clean prompt muons."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat

from hitforge.settings_base import Settings


class SimulationSettings(Settings):
    """The embedded road generator: single muons, flat in 1/pT."""

    displaced: bool = Field(False, description="muons with an impact parameter up to 120 cm, flat")
    pileup_hits: NonNegativeFloat = Field(
        0.0, description="mean number of foreign hits a plane, which replace the true one; 0.02 is realistic"
    )
    showering: bool = Field(False, description="3 % of muons above 200 GeV lose the precision of ME2 to ME4")
