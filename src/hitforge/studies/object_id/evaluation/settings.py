"""Settings of the evaluation of object_id."""

from __future__ import annotations

from itertools import pairwise
from typing import Self

from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator

from hitforge.settings_base import BootstrapSettings


class EvaluationSettings(BootstrapSettings):
    """Bins, working points and bootstrap."""

    efficiencies: tuple[float, ...] = Field(
        (0.5, 0.7, 0.8, 0.85, 0.9, 0.95), description="signal efficiencies that background rejections are quoted at"
    )
    pt_edges_gev: tuple[NonNegativeFloat, ...] = Field(
        (20, 25, 30, 40, 60, 200), description="bins of pT that the recall is shown in, in GeV"
    )
    eta_edges: tuple[NonNegativeFloat, ...] = Field((0, 0.5, 1.0, 1.5, 2.0, 2.4), description="bins of |eta|")
    npv_edges: tuple[NonNegativeFloat, ...] = Field((10, 20, 30, 40, 51), description="bins of the number of vertices")
    matching_pt_edges_gev: tuple[NonNegativeFloat, ...] = Field(
        (20, 22, 24, 27, 30, 34, 39, 45, 53, 65, 85, 130, 1000),
        description="12 bins of pT in which all classes get the same weight, for the matched numbers",
    )
    matching_eta_edges: tuple[NonNegativeFloat, ...] = Field(
        (0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4), description="6 bins of |eta|, likewise"
    )
    reliability_bins: PositiveInt = Field(15, description="bins of the largest probability")
    min_per_bin: PositiveInt = Field(20, description="a bin with fewer objects gives null with its reason")

    @model_validator(mode="after")
    def _are_ordered(self) -> Self:
        for name in ("pt_edges_gev", "eta_edges", "npv_edges", "matching_pt_edges_gev", "matching_eta_edges"):
            if any(low >= high for low, high in pairwise(getattr(self, name))):
                raise ValueError(f"{name} must rise")
        if any(not 0 < efficiency < 1 for efficiency in self.efficiencies):
            raise ValueError("efficiencies must lie between 0 and 1")
        return self
