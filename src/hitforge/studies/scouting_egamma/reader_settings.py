"""Settings of the reader: what a ntuple's branches are called."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator

from hitforge.settings_base import Settings
from hitforge.studies.scouting_egamma.candidates import COLUMNS


class ReaderSettings(Settings):
    """How ntuples of candidates are read."""

    tree: str = Field("egamma", description="tree of ROOT files")
    branches: Mapping[str, str] = Field(
        {}, description="branch by column, where a ntuple names one differently (the default is the column's name)"
    )
    dataset_id: str = Field("egamma_gun", description="event numbers are unique within this data set", min_length=1)

    @field_validator("branches")
    @classmethod
    def _columns_are_known(cls, branches: Mapping[str, str]) -> Mapping[str, str]:
        unknown = sorted(set(branches) - set(COLUMNS))
        if unknown:
            raise ValueError(f"columns {unknown} are not known; known: {', '.join(COLUMNS)}")
        return branches

    def branch_of(self, column: str) -> str:
        """Return the branch that holds a column."""
        return self.branches.get(column, column)
