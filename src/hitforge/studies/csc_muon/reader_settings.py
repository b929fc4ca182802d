"""Settings of the reader: what a ntuple's columns are called and mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from hitforge.settings_base import Settings
from hitforge.studies.csc_muon.data.roads import PARAMETER_NAMES, VARIABLE_NAMES

SCALARS = (*VARIABLE_NAMES, *PARAMETER_NAMES)
"""The 90 columns that a mapping of scalar branches names."""

RoadWord3 = Literal["theta_median", "phi_quadstrip"]


class ReaderSettings(Settings):
    """How road ntuples are read."""

    tree: str = Field("muons", description="tree of ROOT files")
    branches: Mapping[str, str] = Field(
        {},
        description="where a ROOT file has one branch for each of the 90 columns: branch by column, and optionally "
        "those of event and w; empty for the branches variables and parameters",
    )
    road_word3: RoadWord3 = Field("theta_median", description="meaning of column 86; checked on reading")
    dataset_id: str = Field("csc_gun", description="event numbers are unique within this data set", min_length=1)

    @model_validator(mode="after")
    def _mapping_is_complete(self) -> ReaderSettings:
        missing = [name for name in SCALARS if name not in self.branches]
        unknown = sorted(set(self.branches) - {*SCALARS, "event", "w"})
        if self.branches and (missing or unknown):
            raise ValueError(f"branches: missing {missing[:5]} ({len(missing)} in all), unknown {unknown[:5]}")
        return self
