"""Settings of the evaluation of csc_muon."""

from __future__ import annotations

from itertools import pairwise
from typing import Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from hitforge.settings_base import BootstrapSettings, Settings


class SpectrumHistogram(Settings):
    """A spectrum of the user's own."""

    edges_gev: tuple[PositiveFloat, ...] = Field(description="edges of the bins of pT, ascending, in GeV")
    density: tuple[NonNegativeFloat, ...] = Field(description="dN/dpT in each bin, in any unit")

    @model_validator(mode="after")
    def _is_a_histogram(self) -> Self:
        if len(self.density) != len(self.edges_gev) - 1:
            raise ValueError(f"{len(self.edges_gev)} edges need {len(self.edges_gev) - 1} densities")
        if any(low >= high for low, high in pairwise(self.edges_gev)) or not any(self.density):
            raise ValueError("the edges must ascend and a density be above zero")
        return self


class EvaluationSettings(BootstrapSettings):
    """Thresholds, bins, spectra and bootstrap."""

    trigger_thresholds_gev: tuple[PositiveFloat, ...] = Field(
        (5.0, 10.0, 15.0, 20.0, 22.0, 25.0), description="thresholds of the turn-on curves, in GeV"
    )
    rate_threshold_gev: PositiveFloat = Field(22.0, description="threshold of the headline rate reduction, in GeV")
    rate_reference: str | None = Field(
        None, description="model whose rate the others are compared with; null takes baseline_model"
    )
    spectrum_exponents: tuple[PositiveFloat, ...] = Field(
        (4.0, 3.5, 5.5), description="n of the spectra pT^-n that rates are reweighted to; the first is the headline's"
    )
    spectrum_histogram: SpectrumHistogram | None = Field(
        None, description="one more spectrum, as a histogram; muons outside its bins do not count"
    )
    scaling_target: float = Field(
        0.9, gt=0, lt=1, description="efficiency at pT = threshold, relative to the plateau, that the scaling sets"
    )
    window: float = Field(0.1, gt=0, lt=1, description="relative half width in 1/pT of what counts as at a pT")
    scaling_window: float = Field(
        0.2, gt=0, lt=1, description="the same for the muons that the scaling is fitted to, whose response is used"
    )
    min_per_window: PositiveInt = Field(20, description="muons needed at a threshold to scale the pT there")
    pt_edges_gev: tuple[PositiveFloat, ...] = Field(
        (2, 3, 4, 5, 7, 10, 14, 20, 30, 45, 65, 90, 120, 200, 500, 7000),
        description="bins of true pT of resolution, bias and charge, in GeV",
    )
    eta_edges: tuple[PositiveFloat, ...] = Field(
        (1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.1, 2.2, 2.3, 2.4), description="bins of |eta|"
    )
    eta_regions: tuple[tuple[PositiveFloat, PositiveFloat], ...] = Field(
        ((1.2, 1.55), (1.55, 2.1), (2.1, 2.4)), description="regions of |eta| with turn-on curves of their own"
    )
    min_per_bin: PositiveInt = Field(20, description="a bin with fewer muons gives null with its reason")

    @model_validator(mode="after")
    def _headline_threshold_is_scaled(self) -> Self:
        if self.rate_threshold_gev not in self.trigger_thresholds_gev:
            raise ValueError(
                f"rate_threshold_gev ({self.rate_threshold_gev:g}) must be one of trigger_thresholds_gev, "
                "where the efficiency is set to its target"
            )
        return self
