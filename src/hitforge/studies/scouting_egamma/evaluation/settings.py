"""Settings of the evaluation of scouting_egamma."""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt

from hitforge.settings_base import Settings


class EvaluationSettings(Settings):
    """Bins, calibration and bootstrap."""

    pt_edges_gev: tuple[PositiveFloat, ...] = Field(
        (2, 5, 10, 20, 40, 60, 100), description="bins of generated pT, in GeV"
    )
    eta_edges: tuple[float, ...] = Field(
        (0.0, 0.4, 0.8, 1.2, 1.479, 1.566, 1.8, 2.1, 2.5), description="bins of generated |eta|"
    )
    calibration_pt_edges_gev: tuple[PositiveFloat, ...] = Field(
        (5, 10, 20, 40, 70), description="inner edges of the calibration's bins of corrected pT, in GeV"
    )
    calibration_eta_edges: tuple[PositiveFloat, ...] = Field(
        (0.8, 1.479, 2.0), description="inner edges of the calibration's bins of reconstructed |eta|"
    )
    min_per_calibration_bin: PositiveInt = Field(
        50, description="candidates that a bin of the calibration needs; with fewer it takes its category's median"
    )
    low_pt_gev: tuple[PositiveFloat, PositiveFloat] = Field(
        (5.0, 20.0), description="generated pT of the numbers at low momentum, in GeV"
    )
    min_per_bin: PositiveInt = Field(20, description="a bin with fewer candidates gives null with its reason")
    bootstraps: int = Field(200, ge=2, description="bootstrap replicas of every number")
